//! Webhooks: checks the signature over the raw bytes and passes the delivery to the intake.

mod known_stores;
mod receive;

pub use self::known_stores::KnownStores;
pub use self::receive::receive;
