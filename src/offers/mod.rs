//! Offers: the commission terms that affiliates are on.

pub mod model;

pub use model::{all_options, options};
