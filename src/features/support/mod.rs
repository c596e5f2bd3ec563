//! The pages of support staff, who look after every merchant of the instance.

mod acts;
pub(crate) mod emails;
pub(crate) mod handlers;
pub(crate) mod jobs;
pub(crate) mod merchant;
mod model;
mod readable_emails;
pub(crate) mod stores;
mod text;
pub(crate) mod users;
