//! Vouch: affiliate programs that run on coupon codes.
//!
//! The map. Arrows point down, and `tests/architecture.rs` keeps it so:
//!
//! | | |
//! | --- | --- |
//! | [`app`] | routes, server, workers, commands, demo data: what holds the features together |
//! | [`features`] | one module per noun: its model, its forms, its handlers |
//! | [`kit`] | what features share: database, jobs, mail, web, errors. Knows no feature |
//! | `crates/platforms` | one folder per store platform |
//! | `crates/core` | pure rules: codes, money, orders, who earns what. No SQL, no HTTP, no clock |
//!
//! * A page: its path in `app/routes.rs` names the handler; its template has the feature's name.
//! * A rule of who earns: `crates/core/src/attribution`. How an order comes in: `features/ingest`.
//! * A background job: `app/workers.rs` names them all. A command: `app/commands`.
//! * A table: `kit/db/schema.rs`, which is generated from `migrations`.

// They panic on a closed pipe; `console` doesn't.
#![warn(clippy::print_stdout, clippy::print_stderr)]

// Templates name our own items by the crate's name.
extern crate self as vouch;

/// Routes, the server, the workers, the commands.
pub mod app;
/// One module per noun of the product.
pub mod features;
/// What features share, and knows none of them.
pub mod kit;
