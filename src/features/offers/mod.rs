//! Offers: the commission terms that affiliates are on.

mod forms;
pub mod handlers;
pub mod model;
mod read;
mod terms;

pub use model::{ArchiveError, NewOffer, SaveOfferError, archive, create, restore, update};
pub use read::{Offer, OfferRow, OfferTerms, all_options, is_open, list, options};
