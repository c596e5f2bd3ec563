//! Handlers, by page.

mod codes;
mod conversions;
mod requests;
mod settings;

pub use codes::index;
pub use conversions::conversions;
pub use requests::{ask, code, withdraw};
pub use settings::{change_password, end_other_sessions, end_session, settings, update};
