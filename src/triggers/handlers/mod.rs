//! Handlers, by action.

mod list;
mod query;
mod view;

pub use self::list::{export, index};
