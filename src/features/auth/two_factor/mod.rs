//! Two-factor sign-in: after the password, a code from an app (TOTP, RFC 6238) or a recovery code.

mod codes;
/// The person's two-factor settings.
pub mod handlers;
mod model;
pub mod second_step;

pub use self::model::{begin, check_secrets, confirm, reencrypt, turn_off};
