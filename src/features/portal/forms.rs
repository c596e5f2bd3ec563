use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::text;
use crate::features::affiliates::{Affiliate, OwnChange};
use crate::features::availability;
use crate::kit::web::form::{FormErrors, several_lines};
use crate::kit::web::version::{Edits, Labeled, Version};

/// The maximum length of payout details, as in the database.
const PAYMENT_CHARACTERS: usize = 500;

/// A request for an additional code.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CodeRequestForm {
    pub(crate) code: String,
    /// A suggested code chosen instead of the typed one.
    pub(crate) instead: String,
}

impl CodeRequestForm {
    /// The requested code.
    pub(crate) fn wanted(&self) -> &str {
        availability::requested(&self.instead, &self.code)
    }
}

/// The affiliate's own details.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ProfileForm {
    pub(crate) name: String,
    #[serde(alias = "payment_address")]
    pub(crate) payout_details: String,
    /// The version that the form showed.
    #[serde(skip_serializing)]
    pub(crate) version: Version,
}

impl Edits for ProfileForm {
    fn version(&self) -> &Version {
        &self.version
    }

    fn labeled(&self, _conn: &mut PgConnection, _merchant_id: i64) -> QueryResult<Labeled> {
        Ok(vec![("Name", self.name.clone()), ("Payout details", self.payout_details.clone())])
    }
}

impl ProfileForm {
    pub(crate) fn of(affiliate: &Affiliate) -> Self {
        let form = Self {
            name: affiliate.name.clone(),
            payout_details: affiliate.payout_details.clone(),
            version: Version::default(),
        };
        Self { version: Version::of(&form), ..form }
    }

    /// The change for an affiliate with the name `current`. Fails with all errors.
    pub(crate) fn read(&self, current: &str) -> Result<OwnChange, FormErrors> {
        let mut errors = FormErrors::new();
        let missing = text::ENTER_NAME;
        errors.check_changed_name("name", &self.name, current, missing);
        let payout_details = several_lines(&self.payout_details);
        let characters = payout_details.chars().count();
        if characters > PAYMENT_CHARACTERS {
            let words = text::too_long(PAYMENT_CHARACTERS, characters);
            errors.add("payout_details", words);
        }
        if payout_details.chars().any(|c| c.is_control() && c != '\n') {
            let words = text::HIDDEN_CHARACTER;
            errors.add("payout_details", words);
        }
        errors.into_result()?;
        Ok(OwnChange { name: self.name.trim().to_owned(), payout_details })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_said_of_both_fields_at_once() {
        let long = "x".repeat(501);
        let form =
            ProfileForm { name: " ".to_owned(), payout_details: long, ..ProfileForm::default() };
        let errors = form.read("Ada").unwrap_err();
        let fields: Vec<&str> = errors.all().map(|(field, _)| field).collect();
        assert_eq!(fields, ["name", "payout_details"]);
        let payout_details = " Bank\r\nDE00 ".to_owned();
        let form =
            ProfileForm { name: " Ada ".to_owned(), payout_details, ..ProfileForm::default() };
        let change = form.read("").unwrap();
        assert_eq!((change.name.as_str(), change.payout_details.as_str()), ("Ada", "Bank\nDE00"));
        let hidden = ProfileForm { name: "A\u{0}da".to_owned(), ..form };
        assert_eq!(hidden.read("Ada").unwrap_err().of("name").len(), 1);
    }
}
