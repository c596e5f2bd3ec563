//! The REST API: orders of any store, by API keys.

mod answer;
pub mod handlers;
/// The keys: made by owners, shown once, kept as a hash.
pub mod keys;
mod limits;
mod openapi;
mod problem;

pub use self::limits::Limits;
