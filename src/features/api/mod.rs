//! The REST API: orders of any store, and conversion triggers, by API keys.

mod admission;
mod answer;
pub mod handlers;
/// The keys: made by owners, shown once, kept as a hash.
pub mod keys;
mod known;
mod limits;
/// The description for programs.
pub mod openapi;
mod problem;
pub mod triggers;

pub use self::limits::Limits;
pub use self::problem::problems;
