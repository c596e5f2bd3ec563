//! The REST API, for orders of any store and conversion triggers. It's authorized by API keys.

mod admission;
mod answer;
pub mod handlers;
pub mod keys;
mod known;
mod limits;
pub mod openapi;
mod problem;
pub mod triggers;

pub use self::limits::Limits;
pub use self::problem::problems;
