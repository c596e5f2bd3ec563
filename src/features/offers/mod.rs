//! Offers: the commission terms of affiliates.

mod forms;
pub mod handlers;
pub mod model;
mod new_offer;
mod read;
mod terms;

pub use model::{ArchiveError, SaveOfferError, archive, create, restore, update};
pub use new_offer::NewOffer;
pub use read::{Offer, OfferRow, OfferTerms, all_options, is_open, list, options};
