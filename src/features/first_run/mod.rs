//! The first run: an empty installation gets its first merchant and owner, behind a link that only
//! the terminal shows.

mod forms;
/// The page behind the link.
pub mod handlers;
mod token;

pub use self::token::{FirstRun, link};
