use serde::Deserialize;

use super::password::judge;
use crate::kit::web::form::FormErrors;
use crate::kit::web::local_path::LocalPath;

/// The password is never sent back to the browser.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct LoginForm {
    pub(crate) email: String,
    pub(crate) password: String,
    pub(crate) next: LocalPath,
}

/// The chosen workspace.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ProgramForm {
    #[serde(rename = "place")]
    pub(crate) workspace: String,
    /// Where to go next.
    pub(crate) next: LocalPath,
}

/// Checks a new password in a form and puts the error beside `field`.
pub(crate) struct NewPassword<'a> {
    pub(crate) field: &'static str,
    pub(crate) password: &'a str,
    /// What an attacker knows: name, email, program.
    pub(crate) about_the_person: &'a [String],
}

impl NewPassword<'_> {
    /// Adds an error if the password is rejected.
    pub(crate) fn check(&self, errors: &mut FormErrors) {
        if let Err(refusal) = judge(self.password, self.about_the_person) {
            errors.add(self.field, refusal.to_string());
        }
    }
}
