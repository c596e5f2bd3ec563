//! Conversion Trigger Bulk Upload: triggers from a CSV file, looked at first, then created in portions.

mod columns;
mod complete;
mod file;
/// The pages.
pub mod handlers;
mod judge;
mod meaning;
mod model;
mod run;

pub use complete::{Choice, Completed, complete};
pub use file::{File, MOST, read};
pub use judge::{Counts, Judged, Verdict, judge};
pub use model::{Import, Problem, Row, left_out_rows, open, page, rows, sweep, waiting_count};
pub use run::{PORTION, drain, turn};
