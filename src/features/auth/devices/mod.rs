//! A person's sessions, and the forms that end them.

mod browser;
pub(crate) mod handlers;
mod model;

pub(super) use self::model::ORIGIN;
pub(crate) use self::model::{Device, Origin, devices, end, end_others, name_of};
