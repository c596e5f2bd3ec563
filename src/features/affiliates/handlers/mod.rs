//! Handlers, by action.

mod choices;
mod create;
mod export;
mod list;
mod settings;

pub(crate) use choices::choices;
pub(crate) use create::create;
pub(crate) use create::new;
pub(crate) use export::export;
pub(crate) use list::index;
pub(crate) use settings::{settings, update};
