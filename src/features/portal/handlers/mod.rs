//! Handlers, by page.

mod codes;
mod conversions;
mod requests;
mod settings;

pub(crate) use codes::index;
pub(crate) use conversions::conversions;
pub(crate) use requests::{ask, code, withdraw};
pub(crate) use settings::{change_password, end_other_sessions, end_session, settings, update};
