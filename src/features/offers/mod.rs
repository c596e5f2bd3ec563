//! Offers: the commission terms of affiliates.

mod forms;
pub(crate) mod handlers;
pub(crate) mod model;
mod new_offer;
mod read;
mod terms;
mod text;

pub use model::{create, update};
pub use new_offer::NewOffer;
pub(crate) use read::{all_options, is_open, options};
