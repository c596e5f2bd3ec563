//! Conversion Trigger Bulk Upload: triggers from a CSV file, first reviewed, then created in
//! portions.

mod check;
mod choice;
mod columns;
mod complete;
mod file;
pub mod handlers;
mod model;
mod parse;
mod row;
mod run;

pub use check::{CheckedRow, Counts, RowStatus, check};
pub use choice::Choice;
pub use complete::{Completed, complete};
pub use file::{File, MAX, read};
pub use model::{Import, open, rows, skipped_rows, sweep, waiting_count};
pub(crate) use model::{NEWEST, page};
pub use row::{Problem, Row};
pub use run::{PORTION, drain, turn};
