//! The REST API, for orders of any store and conversion triggers. It's authorized by API keys.

mod admission;
mod answer;
mod code;
pub(crate) mod handlers;
pub mod keys;
mod known;
mod limits;
pub(crate) mod openapi;
mod problem;
mod text;
pub(crate) mod triggers;

pub(crate) use self::limits::ApiLimits;
pub(crate) use self::problem::problems;
