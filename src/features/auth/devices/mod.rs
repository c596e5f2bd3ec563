//! Where a person is signed in, with the means to end it.

mod browser;
/// The page.
pub mod handlers;
mod model;

pub(super) use self::model::ORIGIN;
pub use self::model::{Device, Origin, devices, end, end_others, name_of};
