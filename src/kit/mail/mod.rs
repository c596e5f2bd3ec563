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
mod letter;
mod limits;
mod list;
mod office;
mod render;

pub use self::address::{MAX_EMAIL_BYTES, email_key};
pub use self::delivery::check;
pub use self::letter::{Letter, Link, check_links, post, reseal_links};
pub use self::limits::Limits;
pub use self::list::{LetterRow, RevealedEmail, State, given_up, letters, retry, reveal};
pub use self::office::{Office, sweep};
