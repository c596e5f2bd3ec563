//! Handlers, by action.

mod choices;
mod create;
mod denial;
mod export;
mod list;
mod query;
mod settings;
mod status;

pub use choices::choices;
pub use create::{create, new};
pub use export::export;
pub use list::index;
pub use settings::{invite, settings, update};
pub use status::{change, change_several, reverse};
