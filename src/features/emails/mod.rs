//! Emails are queued in the transaction of the change that they're about. The workers send them.
//! A row stores what an email says as a code with parameters, and its text is rendered when it's
//! sent or shown.
//!
//! ```text
//! emails::post(conn, &EmailMessage {
//!     to: &affiliate.email,
//!     program: Some(&merchant.name),
//!     content: EmailContent::AccountInvitation { name: affiliate.name.clone() },
//!     link: Some(EmailLink::secret(&encryptor, &path)),
//! })?;
//! ```

mod content;
mod job;
mod list;
mod mailer;
mod message;
mod problem;
mod render;
mod stored;
mod text;

pub use self::content::{ApplicantStatus, EmailContent};
pub(crate) use self::job::SEND_EMAIL;
pub use self::list::{EmailRow, newest_emails, reveal};
pub(crate) use self::list::{
    EmailState, NEWEST, RevealedEmail, emails, export, failed, find_id, retry,
};
pub use self::mailer::{Mailer, sweep};
pub(crate) use self::message::check_links;
pub use self::message::{EmailLink, EmailMessage, post, reencrypt_links};
