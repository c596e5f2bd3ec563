//! Emails are queued in the transaction of the change that they're about. The workers send them.
//!
//! ```text
//! email::post(conn, &Message {
//!     to: &applicant.email,
//!     subject: "Your code is ready".to_owned(),
//!     program: Some(&merchant.name),
//!     paragraphs: vec!["Welcome!".to_owned()],
//!     link: Some(Link::secret(&encryptor, "Choose a password", &path)),
//! })?;
//! ```

mod address;
mod delivery;
mod job;
mod limits;
mod list;
mod mailer;
mod message;
mod render;
mod stored;

pub(crate) use self::address::MAX_EMAIL_BYTES;
pub use self::address::email_key;
pub use self::delivery::check;
pub(crate) use self::job::SEND_EMAIL;
pub(crate) use self::limits::EmailLimits;
pub use self::list::{EmailRow, newest_emails, reveal};
pub(crate) use self::list::{EmailState, RevealedEmail, failed, find_id, retry};
pub(crate) use self::list::{NEWEST, emails};
pub use self::mailer::{Mailer, sweep};
pub(crate) use self::message::check_links;
pub use self::message::{EmailLink, EmailMessage, post, reencrypt_links};
