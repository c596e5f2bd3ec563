//! Handlers, by action.

mod lines;
mod list;
mod save;
mod show;
mod upload;

pub use self::list::index;
pub use self::save::complete;
pub use self::show::{refused, show};
pub use self::upload::{create, new, template};
