//! Affiliates: the people and companies that promote a merchant.

mod forms;
pub mod frame;
pub mod handlers;
pub mod model;
pub mod status;
mod terms;

pub use frame::{Frame, FrameItem};
pub use model::{Affiliate, CreateAffiliateError, NewAffiliate, create};
pub use status::AffiliateStatus;
