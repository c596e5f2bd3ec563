//! The affiliate's side of a program: their codes, what these earned, and what they say of themselves.

mod forms;
/// The pages.
pub mod handlers;
mod letters;
mod model;
mod weeks;

pub use self::model::{Code, codes};
