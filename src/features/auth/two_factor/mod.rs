//! Two-factor sign-in: after the password, a code from an app (TOTP, RFC 6238), or one of the
//! recovery codes.

mod codes;
/// One's own two-factor sign-in.
pub mod handlers;
mod model;
/// The second step of signing in.
pub mod second_step;

pub use self::model::{begin, check_secrets, confirm, reencrypt, turn_off};
