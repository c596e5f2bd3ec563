//! What people read about signing in and their account.

use crate::kit::web::numbers::counted;

pub(crate) const PASSWORD_CHANGED: &str =
    "Password changed. You’re signed out on your other devices.";
pub(crate) const WRONG_CURRENT_PASSWORD: &str = "Incorrect password. Enter your current password.";
pub(crate) const DEVICE_SIGNED_OUT: &str = "Device signed out.";
pub(crate) const NO_OTHER_DEVICES: &str = "You weren’t signed in on other devices.";
pub(crate) const OTHER_DEVICES_SIGNED_OUT: &str = "Other devices signed out.";
pub(crate) const INCORRECT_LOGIN: &str =
    "Incorrect email or password. Try again, or reset your password.";
pub(crate) const SIGN_IN_EXPIRED: &str = "Your sign-in expired. Sign in again.";
pub(crate) const TOO_MANY_WRONG_CODES: &str = "Too many incorrect codes. Sign in again.";
pub(crate) const WRONG_RECOVERY_CODE: &str = "This recovery code is incorrect or was already used.";
pub(crate) const WRONG_CODE: &str = "This code is incorrect or was already used. Enter the next code from your \
     authenticator app.";
pub(crate) const TWO_FACTOR_OFF: &str =
    "Two-factor sign-in turned off. You’re signed out on your other devices.";
pub(crate) const PASSWORD_RESET: &str = "Password changed. Sign in with your new password.";
pub(crate) const VIEW_EXPIRED: &str = "The view ended after 30 minutes.";
pub(crate) const EMAIL_TAKEN: &str = "Another user already has this email.";
pub(crate) const PASSWORD_TOO_SHORT: &str =
    "Enter at least 8 characters. Try a few unrelated words.";
pub(crate) const PASSWORD_TOO_LONG: &str = "Shorten your password. It can have up to 1,024 bytes.";
pub(crate) const PASSWORD_OF_KNOWN_WORDS: &str =
    "This password is easy to guess. Don’t use your name, email, program or a common password.";
pub(crate) const ADD_WORDS: &str = "Add another word or two. Uncommon words are better.";

/// The error after too many attempts to sign in.
pub(super) fn too_many_attempts(seconds: u64) -> String {
    format!("Too many sign-in attempts. Try again in {}.", counted(seconds, "second", "seconds"))
}

// `left` is the number of unused codes.
pub(super) fn recovery_code_used(left: i64) -> String {
    let left = counted(left, "recovery code", "recovery codes");
    format!(
        "You have {left} left. Lost your device? Turn two-factor sign-in off and set it up again."
    )
}

/// It's the same whether the email is known or not.
pub(super) fn reset_requested(email: &str, sends_email: bool) -> String {
    match sends_email {
        true => {
            format!("If {email} has an account, we emailed a reset link. It expires in 1 hour.")
        }
        false => format!(
            "If {email} has an account, its reset link is ready. We can’t send emails, so \
             ask your Vouch administrator for the link."
        ),
    }
}

pub(super) fn view_ended(name: &str) -> String {
    format!("The view ended because {name} no longer has access.")
}

// `advice` is one or two sentences.
pub(super) fn guessable_password(advice: &str) -> String {
    format!("This password is easy to guess. {advice}")
}
