//! Everyone who can sign in, and the end of their access.

mod handlers;
mod model;

pub use self::handlers::{index, remove_support, set_access, show};
