//! The dashboard: recent changes, and what needs attention.

mod chart;
pub mod handlers;
pub mod model;
mod period;
mod sums;

pub use self::period::Period;
