//! The affiliate's side of a program: their codes, what these earned, and what they say of themselves.

mod emails;
mod forms;
/// The pages.
pub mod handlers;
mod model;
mod weeks;

pub use self::model::{Code, codes};
