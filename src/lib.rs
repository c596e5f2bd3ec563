//! Vouch: affiliate programs that run on coupon codes.
//!
//! The map of the house. Arrows point one way: routes -> handlers -> forms -> model -> schema.

// They panic on a closed pipe; `console` doesn't.
#![warn(clippy::print_stdout, clippy::print_stderr)]

// Templates name our own items by the crate's name.
extern crate self as vouch;

/// Who is credited for an order, and with how much: pure rules.
pub use vouch_core::attribution as credit;
/// Exact amounts of money.
pub use vouch_core::money;
/// What people, companies, programs and stores may be called.
pub use vouch_core::name as names;
/// How store platforms are called.
pub use vouch_platforms as platforms;
/// Routes, the server, the workers, the commands.
pub mod app;
/// One module per noun of the product.
pub mod features;
/// What features share, and knows none of them.
pub mod kit;
