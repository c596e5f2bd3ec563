use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use validator::Validate;

use super::change::AffiliateChange;
use super::model::{Affiliate, CreateAffiliateError, NewAffiliate};
use super::status::AffiliateStatus;
use super::text;
use crate::features::offers;
use crate::kit::web::form::FormErrors;
use crate::kit::web::version::{Edits, Labeled, Version, chosen};

#[derive(Clone, Debug, Default, Serialize, Deserialize, Validate)]
#[serde(default)]
pub(crate) struct AffiliateForm {
    pub(crate) name: String,
    #[validate(custom(function = "email_fits"))]
    pub(crate) email: String,
    /// Only for a new affiliate. Later it's changed with buttons.
    #[serde(skip_serializing)]
    pub(crate) status: String,
    pub(crate) offer_id: String,
    // copy: an attribute
    #[validate(length(max = 5000, message = "Enter 5,000 characters or fewer."))]
    pub(crate) note: String,
    /// The version of the data that the form showed.
    #[serde(skip_serializing)]
    pub(crate) version: Version,
}

fn email_fits(email: &str) -> Result<(), validator::ValidationError> {
    use validator::ValidateEmail;
    let email = email.trim();
    if email.is_empty() {
        return Err(error(text::ENTER_EMAIL));
    }
    if email.chars().count() > 254 || !email.validate_email() {
        return Err(error(text::ENTER_EMAIL));
    }
    Ok(())
}

fn error(message: &'static str) -> validator::ValidationError {
    validator::ValidationError::new("refused").with_message(message.into())
}

impl AffiliateForm {
    /// The form for an existing affiliate.
    pub(crate) fn of(affiliate: &Affiliate) -> Self {
        Self {
            name: affiliate.name.clone(),
            email: affiliate.email.clone(),
            status: affiliate.status.as_str().to_owned(),
            offer_id: affiliate.offer_id.to_string(),
            note: affiliate.note.clone(),
            version: Version::default(),
        }
        .versioned()
    }

    /// Adds the version of the data it shows.
    fn versioned(self) -> Self {
        let version = Version::of(&self);
        Self { version, ..self }
    }

    /// The data of a new affiliate, or all errors.
    pub(crate) fn for_creation(&self) -> Result<NewAffiliate, FormErrors> {
        let mut errors = FormErrors::new();
        errors.check_name("name", &self.name, text::ENTER_NAME);
        self.check_others(&mut errors);
        let status = AffiliateStatus::parse(&self.status);
        if status.is_none() {
            errors.add("status", "Choose a status.");
        }
        let offer_id = self.read_offer(&mut errors);
        errors.into_result()?;
        Ok(NewAffiliate {
            name: self.name.clone(),
            email: self.email.clone(),
            status: status.unwrap_or_default(),
            offer_id,
            note: self.note.clone(),
            user_id: None,
        })
    }

    /// The new settings of an affiliate with the name `current`, or all errors.
    pub(crate) fn for_change(&self, current: &str) -> Result<AffiliateChange, FormErrors> {
        let mut errors = FormErrors::new();
        errors.check_changed_name("name", &self.name, current, text::ENTER_NAME);
        self.check_others(&mut errors);
        let offer_id = self.read_offer(&mut errors);
        errors.into_result()?;
        Ok(AffiliateChange {
            name: self.name.clone(),
            email: self.email.clone(),
            offer_id,
            note: self.note.clone(),
        })
    }

    fn check_others(&self, errors: &mut FormErrors) {
        if let Err(found) = self.validate() {
            FormErrors::from(found).all().for_each(|(field, message)| errors.add(field, message));
        }
    }

    fn read_offer(&self, errors: &mut FormErrors) -> i64 {
        self.offer_id.parse().unwrap_or_else(|_| {
            errors.add("offer_id", "Choose an offer.");
            0
        })
    }
}

impl Edits for AffiliateForm {
    fn version(&self) -> &Version {
        &self.version
    }

    fn labeled(&self, conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Labeled> {
        let offers = offers::all_options(conn, merchant_id)?;
        Ok(vec![
            ("Name", self.name.clone()),
            ("Email", self.email.clone()),
            ("Offer", chosen(offers, &self.offer_id)),
            ("Note", self.note.clone()),
        ])
    }
}

/// Assigns an error to its field.
pub(crate) fn refusal(error: CreateAffiliateError) -> Result<FormErrors, diesel::result::Error> {
    let message = error.to_string();
    match error {
        CreateAffiliateError::EmailTaken => Ok(FormErrors::one("email", message)),
        CreateAffiliateError::UnknownOffer => Ok(FormErrors::one("offer_id", message)),
        CreateAffiliateError::Database(error) => Err(error),
    }
}
