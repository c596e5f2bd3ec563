//! Handlers, by action.

mod lines;
mod list;
mod save;
mod show;
mod upload;

pub(crate) use self::list::index;
pub(crate) use self::save::complete;
pub(crate) use self::show::{refused, show};
pub(crate) use self::upload::{create, new, template};
