//! Handlers, by action.

mod settings;
mod status;

pub use settings::{settings, update};
pub use status::{change, change_several, reverse};
