//! Affiliates: the people and companies that promote a merchant.

pub mod change;
mod emails;
mod forms;
pub mod frame;
pub mod handlers;
pub mod list;
pub mod model;
mod search;
mod terms;

pub use change::{OwnChange, change_status, undo_status, update_own};
pub use frame::{Frame, FrameItem};
pub use list::choices;
pub use model::{Affiliate, CreateAffiliateError, NewAffiliate, create, has_account};
pub use search::Search;
pub use status::AffiliateStatus;
pub use vouch_core::affiliate as status;
