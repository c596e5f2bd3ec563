//! Conversion Trigger Bulk Upload: triggers from a CSV file, looked at first, then created in portions.

mod choice;
mod columns;
mod complete;
mod file;
/// The pages.
pub mod handlers;
mod judge;
mod meaning;
mod model;
mod row;
mod run;

pub use choice::Choice;
pub use complete::{Completed, complete};
pub use file::{File, MOST, read};
pub use judge::{Counts, Judged, Verdict, judge};
pub use model::{Import, left_out_rows, open, page, rows, sweep, waiting_count};
pub use row::{Problem, Row};
pub use run::{PORTION, drain, turn};
