//! The pages of support staff, who look after every merchant of the instance.

pub mod emails;
pub mod handlers;
pub mod merchant;
mod model;
pub mod stores;
pub mod users;
