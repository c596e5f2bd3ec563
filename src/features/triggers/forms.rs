use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use vouch_core::trigger::{Reach, TriggerKind, TriggerValue};

use super::holding::{ReassignError, owners};
use super::model::{CreateTriggerError, Trigger, create_value};
use super::words::unavailable_words;
use crate::features::availability::{Refused, Unavailable};
use crate::features::pushes;
use crate::kit::audit::Actor;
use crate::kit::db::schema::affiliates;
use crate::kit::web::display_time::{day as day_words, day_of, read_day, start_of_day};
use crate::kit::web::form::FormErrors;
use crate::kit::web::version::{Edits, Labeled, Version};

/// What was typed to create a trigger: on an affiliate's page, or, with the affiliate, anywhere.
///
/// Every kind has a field of its own, so that each has its label without JavaScript; the one that
/// fits the type counts.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TriggerForm {
    /// The affiliate that was chosen, by key. Several, when a radio button and the field's own
    /// list say different things.
    pub affiliate_id: Vec<String>,
    /// The words it was looked for by.
    pub affiliate_id_q: String,
    /// Which field's Find button was pressed, without JavaScript.
    pub find: String,
    /// The name of a [`TriggerKind`].
    #[serde(rename = "type")]
    pub kind: String,
    /// Of a Coupon Code.
    pub coupon_code: String,
    /// Of a Customer Email.
    pub customer_email: String,
    /// Of a SKU.
    pub sku: String,
    /// A free code that was taken instead of the one typed.
    pub instead: String,
    /// Of a Coupon Code: the stores have it already.
    pub only_in_vouch: bool,
    /// An excluded code that is to be created all the same, as it was typed.
    pub despite: String,
}

/// A trigger that was created.
#[derive(Clone, Debug)]
pub struct Created {
    /// The trigger.
    pub trigger: Trigger,
    /// The names of the stores that it is on its way to.
    pub stores: Vec<String>,
}

/// The one affiliate that a form names.
///
/// # Errors
/// The sentence for the field, where none is named, or two are.
pub fn chosen(affiliate_ids: &[String]) -> Result<i64, &'static str> {
    let mut ids: Vec<&str> =
        affiliate_ids.iter().map(|id| id.trim()).filter(|id| !id.is_empty()).collect();
    ids.dedup();
    match ids.as_slice() {
        [] => Err("Choose an affiliate."),
        [id] => id.parse().map_err(|_| UNKNOWN_AFFILIATE),
        _ => Err("Two affiliates were chosen. Choose one."),
    }
}

/// What an affiliate's field says of a key that the merchant has not.
pub const UNKNOWN_AFFILIATE: &str = "Choose an affiliate from the list.";

/// Why a form came back.
#[derive(Clone, Debug, Default)]
pub struct Refusal {
    /// The sentences beside the fields.
    pub errors: FormErrors,
    /// What can't be had, with free codes to choose from.
    pub refused: Option<Refused>,
}

impl Refusal {
    /// One sentence beside one field.
    pub fn of(field: &str, message: impl Into<String>) -> Self {
        Self { errors: FormErrors::one(field, message), refused: None }
    }
}

impl TriggerForm {
    /// The type that was chosen; Coupon Code to begin with.
    fn kind(&self) -> Option<TriggerKind> {
        if self.kind.is_empty() {
            return Some(TriggerKind::CouponCode);
        }
        TriggerKind::parse(&self.kind)
    }

    /// Its name, for the select.
    pub fn kind_name(&self) -> &str {
        if self.kind.is_empty() { TriggerKind::CouponCode.as_str() } else { &self.kind }
    }

    fn typed(&self, kind: TriggerKind) -> &str {
        match kind {
            TriggerKind::CouponCode if !self.despite.is_empty() => &self.despite,
            TriggerKind::CouponCode if !self.instead.is_empty() => &self.instead,
            TriggerKind::CouponCode => &self.coupon_code,
            TriggerKind::CustomerEmail => &self.customer_email,
            TriggerKind::Sku => &self.sku,
        }
    }

    /// Creates the trigger for an affiliate of the merchant.
    ///
    /// # Errors
    /// Outer: the database's, `NotFound` for an unknown affiliate. Inner: for the person to mend.
    pub fn save(
        &self,
        conn: &mut PgConnection,
        actor: &Actor,
        affiliate_id: i64,
    ) -> QueryResult<Result<Created, Refusal>> {
        let Some(kind) = self.kind() else {
            return Ok(Err(Refusal::of("type", "Choose one of the types.")));
        };
        let reach = if self.only_in_vouch { Reach::VouchOnly } else { Reach::Stores };
        let typed = self.typed(kind);
        let created = match TriggerValue::parse(kind, typed, reach) {
            Ok(wanted) => {
                let overrides = !self.despite.is_empty();
                create_value(conn, actor, affiliate_id, &wanted, reach, overrides)
            }
            Err(error) => Err(Refused::malformed(typed, error).into()),
        };
        match created {
            Ok(trigger) => {
                let lines = pushes::of_trigger(conn, actor.merchant_id, trigger.id)?;
                let stores = lines.into_iter().map(|line| line.store).collect();
                Ok(Ok(Created { trigger, stores }))
            }
            Err(CreateTriggerError::Refused(refused)) => {
                let words = refusal_words(&refused, affiliate_id);
                // The names of the kinds are the names of their fields.
                let errors = FormErrors::one(kind.as_str(), words);
                Ok(Err(Refusal { errors, refused: Some(*refused) }))
            }
            Err(CreateTriggerError::Database(error)) => Err(error),
        }
    }
}

/// With how a code is attached that a store has already.
fn refusal_words(refused: &Refused, affiliate_id: i64) -> String {
    let words = unavailable_words(&refused.wanted, &refused.why, affiliate_id);
    match &refused.why {
        Unavailable::Malformed(error) if error.concerns_new_codes() => {
            format!("{words} If your store already has this code, select “Only in Vouch”.")
        }
        _ => words,
    }
}

/// What was typed to give a trigger to another affiliate.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ReassignForm {
    /// As in [`TriggerForm`].
    pub affiliate_id: Vec<String>,
    /// The words it was looked for by.
    #[serde(skip_serializing)]
    pub affiliate_id_q: String,
    /// Which field's Find button was pressed, without JavaScript.
    #[serde(skip_serializing)]
    pub find: String,
    /// The first day, in the merchant's time zone; empty for "from now on".
    pub from: String,
    /// Whose the trigger was when the form was shown.
    #[serde(skip_serializing)]
    pub version: Version,
}

impl Edits for ReassignForm {
    fn version(&self) -> &Version {
        &self.version
    }

    fn labeled(&self, conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Labeled> {
        let id: Option<i64> = chosen(&self.affiliate_id).ok();
        let name: Option<String> = affiliates::table
            .filter(affiliates::merchant_id.eq(merchant_id))
            .filter(affiliates::id.nullable().eq(id))
            .select(affiliates::name)
            .first(conn)
            .optional()?;
        let from = read_day(&self.from).map_or_else(|| "Now".to_owned(), day_words);
        Ok(vec![("Affiliate", name.unwrap_or_default()), ("From", from)])
    }
}

impl ReassignForm {
    /// As if it had made the newest holder of a trigger what they are.
    pub fn of(
        conn: &mut PgConnection,
        merchant_id: i64,
        trigger_id: i64,
        tz: Tz,
    ) -> QueryResult<Self> {
        let newest = owners(conn, merchant_id, trigger_id)?.into_iter().next();
        let (id, from) = newest.map(|owner| (owner.affiliate_id, owner.valid_from)).unzip();
        let form = Self {
            affiliate_id: id.map(|id| id.to_string()).into_iter().collect(),
            from: from.map(|from| day_of(from, tz).to_string()).unwrap_or_default(),
            ..Self::default()
        };
        Ok(Self { version: Version::of(&form), ..form })
    }

    /// The moment from which the trigger is the new holder's: the start of the day that was chosen.
    /// On the day on which the current holder’s time began, that moment is as early as can be.
    ///
    /// # Errors
    /// The sentence for the field.
    pub fn from(
        &self,
        tz: Tz,
        now: DateTime<Utc>,
        holder_since: DateTime<Utc>,
    ) -> Result<DateTime<Utc>, String> {
        if self.from.trim().is_empty() {
            return Ok(now);
        }
        let unreadable = || "Enter a date as YYYY-MM-DD, for example 2026-11-23.".to_owned();
        let day = read_day(&self.from).ok_or_else(unreadable)?;
        let start = start_of_day(tz, day).ok_or_else(unreadable)?;
        let began_that_day = day_of(holder_since, tz) == day;
        Ok(if began_that_day { start.max(holder_since) } else { start })
    }
}

/// The sentence for a refused reassignment.
pub fn reassign_refusal(
    error: ReassignError,
    trigger: &Trigger,
    tz: Tz,
) -> QueryResult<FormErrors> {
    let errors = match error {
        ReassignError::SameHolder => FormErrors::one(
            "affiliate_id",
            format!("{} is this affiliate’s already. Choose another one.", trigger.value),
        ),
        ReassignError::TooFar => {
            FormErrors::one("from", "Choose a day within the next two years, or an earlier one.")
        }
        ReassignError::BeforeHolder { since } => FormErrors::one(
            "from",
            format!(
                "The current affiliate has held it since {}. Choose that day or a later one.",
                day_words(day_of(since, tz))
            ),
        ),
        ReassignError::Database(diesel::result::Error::NotFound) => {
            FormErrors::one("affiliate_id", UNKNOWN_AFFILIATE)
        }
        ReassignError::Database(error) => return Err(error),
    };
    Ok(errors)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn from(day: &str, tz: &str, since: &str) -> Result<DateTime<Utc>, String> {
        let form = ReassignForm { from: day.to_owned(), ..ReassignForm::default() };
        form.from(tz.parse().unwrap(), at("2026-11-23T12:00:00Z"), at(since))
    }

    #[test]
    fn a_form_names_one_affiliate_or_says_what_is_wrong() {
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        assert_eq!(chosen(&ids(&["7"])), Ok(7));
        assert_eq!(chosen(&ids(&["", "7", "7"])), Ok(7));
        assert_eq!(chosen(&ids(&["7", "8"])), Err("Two affiliates were chosen. Choose one."));
        assert_eq!(chosen(&ids(&[""])), Err("Choose an affiliate."));
        assert_eq!(chosen(&ids(&["x"])), Err(UNKNOWN_AFFILIATE));
    }

    #[test]
    fn a_day_begins_in_the_merchants_time_zone() {
        let since = "2026-01-01T00:00:00Z";
        assert_eq!(from("2026-11-20", "Europe/Berlin", since), Ok(at("2026-11-19T23:00:00Z")));
        assert_eq!(from("", "Europe/Berlin", since), Ok(at("2026-11-23T12:00:00Z")));
        // Midnight is skipped there on that day.
        assert_eq!(from("2026-04-24", "Africa/Cairo", since), Ok(at("2026-04-23T22:00:00Z")));
        assert!(from("23.11.2026", "Europe/Berlin", since).is_err());
    }

    #[test]
    fn the_day_on_which_the_holder_began_reaches_back_to_that_moment() {
        let since = "2026-11-20T10:30:00Z";
        assert_eq!(from("2026-11-20", "UTC", since), Ok(at(since)));
        assert_eq!(from("2026-11-19", "UTC", since), Ok(at("2026-11-19T00:00:00Z")));
    }
}
