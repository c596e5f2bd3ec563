//! The first run: an empty instance gets its first merchant and owner, through a link that only the
//! terminal shows.

mod forms;
pub(crate) mod handlers;
mod text;
mod token;

pub use self::token::FirstRun;
pub(crate) use self::token::link;
