//! The pages of support staff: they look after every merchant of the installation.

/// The pages.
pub mod handlers;
/// Letters, and what became of them.
pub mod mail;
/// One merchant.
pub mod merchant;
mod model;
/// A merchant's stores.
pub mod stores;
/// Everyone who can sign in.
pub mod users;

pub use self::model::{MerchantRow, MerchantsList, merchants};
