//! The pages of support staff, who look after every merchant of the instance.

pub(crate) mod emails;
pub(crate) mod handlers;
pub(crate) mod merchant;
mod model;
pub(crate) mod stores;
pub(crate) mod users;
