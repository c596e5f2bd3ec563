//! Personal data: lookup, export and erasure of one person's data, and retention periods.
//! docs/privacy.md lists what is stored where.

mod emails;
/// Erases a person from one merchant's data.
pub(crate) mod erase;
/// Exports all stored data about a person, as a file.
pub(crate) mod export;
mod forms;
pub(crate) mod from_store;
/// Settings > Privacy.
pub(crate) mod handlers;
/// Finds a person by their email.
pub(crate) mod person;
/// Customers who requested their data.
pub(crate) mod requests;
/// Retention periods of personal data.
pub mod retention;
mod text;

pub(crate) use self::emails::sent_emails;
pub(crate) use self::erase::erase_from_instance;
pub use self::erase::{Erased, ErasureError, erase_person};
pub(crate) use self::person::DataSubject;
pub use self::person::Lookup;
