//! Handlers, by page.

mod codes;
mod conversions;

pub use codes::index;
pub use conversions::conversions;
