//! Webhooks: checks the signature over the raw bytes and passes the delivery to the intake.

mod known_stores;
mod receive;
mod text;

pub(crate) use self::known_stores::KnownStores;
pub(crate) use self::receive::receive;
