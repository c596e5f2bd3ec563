//! Conversion Trigger Bulk Upload: triggers from a CSV file, looked at first, then created all at
//! once.

mod columns;
mod complete;
mod file;
/// The pages.
pub mod handlers;
mod judge;
mod meaning;
mod model;

pub use complete::{Choice, Completed, complete};
pub use file::{File, MOST, read};
pub use judge::{Counts, Judged, Verdict, judge};
pub use model::{Import, Problem, Row, open, page, rows, sweep};
