//! Webhooks: what stores send, checked against their signature over the raw bytes and handed to the
//! intake.

mod known_stores;
mod receive;

pub use self::known_stores::KnownStores;
pub use self::receive::receive;
