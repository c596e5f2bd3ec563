//! A person's sessions, and the forms that end them.

mod browser;
pub mod handlers;
mod model;

pub(super) use self::model::ORIGIN;
pub use self::model::{Device, Origin, devices, end, end_others, name_of};
