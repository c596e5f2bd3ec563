//! Whether a code can be had.

mod excluded;
mod suggest;

pub use excluded::{Excluded, covering_orders, verdict, verdicts};
pub(crate) use suggest::suggestions;
