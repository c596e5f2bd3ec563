//! The pages of support staff: they look after every merchant of the installation.

/// Letters, and what became of them.
pub mod emails;
/// The pages.
pub mod handlers;
/// One merchant.
pub mod merchant;
mod model;
/// A merchant's stores.
pub mod stores;
/// Everyone who can sign in.
pub mod users;
