//! Mail: letters are left in the transaction of what they tell of, and sent by the workers.
//!
//! ```text
//! mail::post(conn, &Letter {
//!     to: &applicant.email,
//!     subject: "Your code is ready".to_owned(),
//!     program: Some(&merchant.name),
//!     paragraphs: vec!["Welcome!".to_owned()],
//!     link: Some(Link::secret(&sealer, "Choose a password", &path)),
//! })?;
//! ```

mod address;
mod delivery;
mod leased;
mod limits;
mod list;
mod mailer;
mod message;
mod render;

pub use self::address::{MAX_EMAIL_BYTES, email_key};
pub use self::delivery::check;
pub use self::limits::Limits;
pub use self::list::{EmailRow, RevealedEmail, State, given_up, newest_emails, retry, reveal};
pub(crate) use self::list::{NEWEST, emails};
pub use self::mailer::{Mailer, sweep};
pub use self::message::{Link, Message, check_links, post, reencrypt_links};
