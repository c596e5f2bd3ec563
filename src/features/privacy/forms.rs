use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use vouch_core::email::EmailKey;

use super::person::Lookup;
use super::requests::DataRequest;
use super::retention::{Period, Periods};
use super::text;
use crate::kit::web::form::FormErrors;
use crate::kit::web::version::{Edits, Labeled, Version};

/// The person that a page is about, by email or by their data request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PersonForm {
    pub(crate) email: String,
    /// The ID of a data request, or empty.
    pub(crate) request: String,
    /// The email again, to confirm an erasure.
    pub(crate) confirmation: String,
}

impl PersonForm {
    pub(crate) fn request_id(&self) -> Option<i64> {
        self.request.parse().ok()
    }

    /// The lookup, or the error for the email field.
    pub(crate) fn lookup(&self, request: Option<&DataRequest>) -> Result<Lookup, FormErrors> {
        if let Some(request) = request {
            return Ok(request.lookup());
        }
        match EmailKey::parse(&self.email) {
            Ok(_) => Ok(Lookup::by_email(&self.email)),
            Err(_) => Err(FormErrors::one("email", text::ENTER_EMAIL)),
        }
    }

    /// Whether the email was repeated, in any spelling.
    pub(crate) fn confirmed(&self) -> Result<(), FormErrors> {
        let key = |typed: &str| EmailKey::parse(typed).ok();
        if key(&self.email).is_some() && key(&self.email) == key(&self.confirmation) {
            return Ok(());
        }
        Err(FormErrors::one("confirmation", text::confirm_email(&self.email)))
    }
}

/// The retention periods as typed, in days.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct RetentionForm {
    pub(crate) bodies: String,
    pub(crate) failed_bodies: String,
    pub(crate) customers: String,
    pub(crate) audit_ips: String,
    pub(crate) disconnected: String,
    /// The version of the data that the form showed.
    #[serde(skip_serializing)]
    pub(crate) version: Version,
}

impl Edits for RetentionForm {
    fn version(&self) -> &Version {
        &self.version
    }

    fn labeled(&self, _conn: &mut PgConnection, _merchant_id: i64) -> QueryResult<Labeled> {
        Ok(vec![
            ("Raw webhook bodies, in days", self.bodies.clone()),
            ("Raw bodies of failed webhooks, in days", self.failed_bodies.clone()),
            ("Customer names and emails, in days", self.customers.clone()),
            ("Customers of a disconnected store, in days", self.disconnected.clone()),
            ("IP addresses in the audit log, in days", self.audit_ips.clone()),
        ])
    }
}

impl RetentionForm {
    pub(crate) fn of(periods: &Periods) -> Self {
        let days = |period| periods.days(period).to_string();
        let form = Self {
            bodies: days(Period::Bodies),
            failed_bodies: days(Period::FailedBodies),
            customers: days(Period::Customers),
            audit_ips: days(Period::AuditIps),
            disconnected: days(Period::Disconnected),
            version: Version::default(),
        };
        Self { version: Version::of(&form), ..form }
    }

    pub(crate) fn typed(&self, period: Period) -> &str {
        match period {
            Period::Bodies => &self.bodies,
            Period::FailedBodies => &self.failed_bodies,
            Period::Customers => &self.customers,
            Period::AuditIps => &self.audit_ips,
            Period::Disconnected => &self.disconnected,
        }
    }

    pub(crate) fn read(&self) -> Result<Periods, FormErrors> {
        let (mut periods, mut errors) = (Periods::default(), FormErrors::new());
        for period in Period::ALL {
            let range = period.range();
            match self.typed(*period).trim().parse() {
                Ok(days) if range.contains(&days) => periods.set(*period, days),
                _ => {
                    let (min, max) = (range.start(), range.end());
                    errors.add(period.as_str(), text::days_out_of_range(*min, *max));
                }
            }
        }
        errors.into_result().map(|()| periods)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_erasure_is_confirmed_by_the_address_in_any_spelling() {
        let form = |email: &str, confirmation: &str| PersonForm {
            email: email.to_owned(),
            confirmation: confirmation.to_owned(),
            ..PersonForm::default()
        };
        assert!(form("jane@example.com", " Jane@Example.com ").confirmed().is_ok());
        assert!(form("jane@example.com", "jan@example.com").confirmed().is_err());
        assert!(form("jane@example.com", "").confirmed().is_err());
        assert!(form("", "").confirmed().is_err());
    }

    #[test]
    fn every_period_has_a_field_and_bounds() {
        let form = RetentionForm::of(&Periods::default());
        assert_eq!(form.read().unwrap(), Periods::default());
        for typed in ["", "x", "-1", "0.5", "4000", "99999999999"] {
            let all = RetentionForm {
                bodies: typed.to_owned(),
                failed_bodies: typed.to_owned(),
                customers: typed.to_owned(),
                audit_ips: typed.to_owned(),
                disconnected: typed.to_owned(),
                ..RetentionForm::default()
            };
            assert_eq!(all.read().unwrap_err().all().count(), Period::ALL.len(), "{typed}");
        }
    }
}
