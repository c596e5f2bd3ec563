//! A new password for who has forgotten theirs: by a link that is sent to their address, works once,
//! and for an hour. Nothing tells a stranger whether an address is known.

/// The pages.
pub mod handlers;
mod model;

pub use self::model::{ask, find, take};
