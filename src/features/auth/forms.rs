use serde::Deserialize;

use super::password::judge;
use crate::kit::web::form::FormErrors;
use crate::kit::web::local_path::LocalPath;

/// What was typed to sign in. The password is never echoed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct LoginForm {
    pub email: String,
    pub password: String,
    pub next: LocalPath,
}

/// Which place was chosen.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ProgramForm {
    pub place: String,
    /// Where to go on.
    pub next: LocalPath,
}

/// A new password in a form: checks it and says why not, beside `field`.
pub struct NewPassword<'a> {
    /// The name of the field.
    pub field: &'static str,
    /// What was typed.
    pub password: &'a str,
    /// What an attacker knows: name, e-mail, program.
    pub about_the_person: &'a [String],
}

impl NewPassword<'_> {
    /// Adds to `errors` if the password is refused.
    pub fn check(&self, errors: &mut FormErrors) {
        if let Err(refusal) = judge(self.password, self.about_the_person) {
            errors.add(self.field, refusal.to_string());
        }
    }
}
