//! The dashboard: recent changes, and what needs attention.

mod chart;
pub(crate) mod handlers;
pub(crate) mod model;
mod period;
mod sums;
mod text;
