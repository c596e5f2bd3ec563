//! The affiliate's side of a program: their codes, and what these earned.

/// The pages.
pub mod handlers;
mod model;

pub use self::model::{Code, codes};
