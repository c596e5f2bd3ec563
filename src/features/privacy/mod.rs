//! Personal data: what is stored of one person, its export and erasure, and for how long anything is
//! kept. What is stored where is in docs/privacy.md.

mod emails;
/// Takes a person out of one merchant's data.
pub mod erase;
/// Everything that is stored of a person, as a file.
pub mod export;
mod forms;
/// What stores ask for on behalf of their customers.
pub mod from_store;
/// Settings > Privacy.
pub mod handlers;
/// Who a person is, by their email address.
pub mod person;
/// Customers who asked for their data.
pub mod requests;
/// How long personal data is kept.
pub mod retention;

pub use self::emails::sent_emails;
pub use self::erase::{Erased, Refused, erase_from_instance, erase_person};
pub use self::export::export;
pub use self::person::{Lookup, Person};
