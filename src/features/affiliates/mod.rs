//! Affiliates: the people and companies that promote a merchant.

pub mod change;
mod emails;
mod forms;
pub(crate) mod frame;
pub(crate) mod handlers;
pub(crate) mod list;
pub(crate) mod model;
mod search;
mod terms;
mod text;

pub use change::{OwnChange, change_status, undo_status, update_own};
pub(crate) use frame::{Frame, FrameItem};
pub(crate) use list::choices;
pub use model::{Affiliate, NewAffiliate, create};
pub(crate) use model::{CreateAffiliateError, has_account};
pub use status::AffiliateStatus;
pub(crate) use vouch_core::affiliate as status;
