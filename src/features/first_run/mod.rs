//! The first run: an empty instance gets its first merchant and owner, through a link that only the
//! terminal shows.

mod forms;
pub mod handlers;
mod token;

pub use self::token::{FirstRun, link};
