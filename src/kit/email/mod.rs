//! Email addresses, and the connection to the mail server.

mod address;
mod delivery;
mod limits;

pub(crate) use self::address::MAX_EMAIL_BYTES;
pub use self::address::email_key;
pub use self::delivery::check;
pub(crate) use self::delivery::{MailServerConnection, SendOutcome, host_of};
pub(crate) use self::limits::EmailLimits;
