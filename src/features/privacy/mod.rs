//! Personal data: lookup, export and erasure of one person's data, and retention periods.
//! docs/privacy.md lists what is stored where.

mod emails;
/// Erases a person from one merchant's data.
pub mod erase;
/// Exports all stored data about a person, as a file.
pub mod export;
mod forms;
pub mod from_store;
/// Settings > Privacy.
pub mod handlers;
/// Finds a person by their email.
pub mod person;
/// Customers who requested their data.
pub mod requests;
/// Retention periods of personal data.
pub mod retention;

pub use self::emails::sent_emails;
pub use self::erase::{Erased, Refused, erase_from_instance, erase_person};
pub use self::export::export;
pub use self::person::{Lookup, Person};
