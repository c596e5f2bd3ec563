//! Affiliates: the people and companies that promote a merchant.

pub mod status;

pub use status::AffiliateStatus;
