//! Password resets by a link that's sent by email, works once, and expires after an hour. A
//! stranger can't find out whether an email is known.

pub(crate) mod handlers;
mod model;

pub use self::model::{ask, take};
