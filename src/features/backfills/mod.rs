//! Orders that were read from the store itself, because messages get lost: from time to time what
//! changed since the last reading, and a period when somebody asks for it.
//!
//! A reading and the store's messages may overlap freely: credit converges.

/// The page of a store.
pub(crate) mod handlers;
mod model;
mod run;

pub(crate) use self::run::run;
