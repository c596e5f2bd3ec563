//! Handlers, by action.

mod list;
mod query;
mod show;
mod view;

use serde::Deserialize;

pub use self::list::{export, index};
pub use self::show::{reinstate, retire, show};

/// An empty form, which carries its CSRF token alone.
#[derive(Debug, Default, Deserialize)]
pub struct Nothing {}
