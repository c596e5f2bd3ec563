//! The dashboard: what changed, and what needs somebody.

mod chart;
/// The page.
pub mod handlers;
pub mod model;
mod period;
mod sums;

pub use self::period::Period;
