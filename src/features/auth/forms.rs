use serde::Deserialize;

use super::password::judge;
use crate::kit::web::form::FormErrors;
use crate::kit::web::local_path::LocalPath;

/// The password is never sent back to the browser.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct LoginForm {
    pub email: String,
    pub password: String,
    pub next: LocalPath,
}

/// The chosen workspace.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ProgramForm {
    pub place: String,
    /// Where to go next.
    pub next: LocalPath,
}

/// Checks a new password in a form and puts the error beside `field`.
pub struct NewPassword<'a> {
    pub field: &'static str,
    pub password: &'a str,
    /// What an attacker knows: name, email, program.
    pub about_the_person: &'a [String],
}

impl NewPassword<'_> {
    /// Adds an error if the password is rejected.
    pub fn check(&self, errors: &mut FormErrors) {
        if let Err(refusal) = judge(self.password, self.about_the_person) {
            errors.add(self.field, refusal.to_string());
        }
    }
}
