//! Conversion Trigger Bulk Upload: triggers from a CSV file, looked at first, then created all at
//! once.

mod complete;
mod file;
/// The pages.
pub mod handlers;
mod judge;
mod model;

pub use complete::{Choice, Completed, complete};
pub use file::{MOST, read};
pub use judge::{Judged, Verdict, judge};
pub use model::{Import, Row, open, page, rows, sweep};
