//! Everyone who can sign in, and how their access is disabled.

mod handlers;
mod model;

pub(crate) use self::handlers::{index, remove_support, set_access, show};
