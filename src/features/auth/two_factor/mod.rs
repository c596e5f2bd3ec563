//! Two-factor sign-in: after the password, a code from an app (TOTP, RFC 6238) or a recovery code.

mod codes;
/// The person's two-factor settings.
pub(crate) mod handlers;
mod model;
pub(crate) mod second_step;

pub(crate) use self::model::{check_secrets, reencrypt, turn_off};
