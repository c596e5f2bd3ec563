use chrono_tz::Tz;
use serde::Deserialize;
use vouch_core::money::Currency;

use super::text;
use crate::features::auth::NewPassword;
use crate::features::merchants::choices;
use crate::kit::web::form::FormErrors;

/// The password is never sent back to the browser.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct FirstRunForm {
    pub(crate) program: String,
    pub(crate) currency: String,
    pub(crate) time_zone: String,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) password: String,
}

impl FirstRunForm {
    /// The most common values.
    pub(crate) fn blank() -> Self {
        Self { currency: "USD".into(), time_zone: "UTC".into(), ..Self::default() }
    }

    /// The currency and time zone of a valid form. Fails with all errors, in the order of the form.
    pub(crate) fn check(&self) -> Result<(Currency, Tz), FormErrors> {
        let mut errors = FormErrors::new();
        errors.check_name("program", &self.program, text::ENTER_PROGRAM_NAME);
        let currency = choices::currency(&mut errors, "currency", &self.currency);
        let time_zone = choices::time_zone(&mut errors, "time_zone", &self.time_zone);
        errors.check_name("name", &self.name, "Enter your name.");
        errors.check_email("email", &self.email);
        let about_the_person = [self.name.clone(), self.email.clone(), self.program.clone()];
        let password = &self.password;
        NewPassword { field: "password", password, about_the_person: &about_the_person }
            .check(&mut errors);
        match (currency, time_zone) {
            (Some(currency), Some(time_zone)) if errors.is_empty() => Ok((currency, time_zone)),
            _ => Err(errors),
        }
    }
}
