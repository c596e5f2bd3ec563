//! Affiliates: the people and companies that promote a merchant.

mod forms;
pub mod frame;
pub mod handlers;
pub mod list;
pub mod model;
mod search;
pub mod status;
mod terms;

pub use frame::{Frame, FrameItem};
pub use list::choices;
pub use model::{
    Affiliate, CreateAffiliateError, NewAffiliate, OwnChange, change_status, create, undo_status,
    update_own,
};
pub use search::Search;
pub use status::AffiliateStatus;
