//! Handlers, by action.

mod choices;
mod create;
mod export;
mod list;
mod settings;

pub use choices::choices;
pub use create::{create, new};
pub use export::export;
pub use list::index;
pub use settings::{settings, update};
