use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use vouch_core::calendar::Calendar;
use vouch_core::trigger::{Reach, TriggerKind, TriggerValue};

use super::holding::{ReassignError, owners};
use super::model::{CreateTriggerError, Trigger, create_value};
use super::text;
use crate::features::availability::UnavailableValue;
use crate::features::pushes;
use crate::kit::audit::Actor;
use crate::kit::db::schema::affiliates;
use crate::kit::web::display_time::{day_of, read_day, start_of_day};
use crate::kit::web::form::FormErrors;
use crate::kit::web::version::{Edits, Labeled, Version};

/// The form to create a trigger, on an affiliate's page or elsewhere with an affiliate to choose.
///
/// Every kind has its own field, so that each has its label without JavaScript. Only the field of
/// the selected type counts.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TriggerForm {
    /// The ID of the chosen affiliate. There are several if a radio button and the field's own list
    /// differ.
    pub(crate) affiliate_id: Vec<String>,
    /// The search text for the affiliate.
    pub(crate) affiliate_id_q: String,
    /// The field whose Find button was pressed, without JavaScript.
    pub(crate) find: String,
    /// The name of a [`TriggerKind`].
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) coupon_code: String,
    pub(crate) customer_email: String,
    pub(crate) sku: String,
    /// An available code that was chosen instead of the typed one.
    pub(crate) instead: String,
    /// For a Coupon Code that the stores already have.
    pub(crate) only_in_vouch: bool,
    /// An excluded code to create anyway, as typed.
    pub(crate) despite: String,
}

#[derive(Clone, Debug)]
pub(crate) struct CreatedTrigger {
    pub(crate) trigger: Trigger,
    pub(crate) reach: Reach,
    /// The names of the stores that it's being pushed to.
    pub(crate) stores: Vec<String>,
}

/// The only affiliate in a form, or the error for the field if there's none or several.
pub(crate) fn chosen(affiliate_ids: &[String]) -> Result<i64, &'static str> {
    let mut ids: Vec<&str> =
        affiliate_ids.iter().map(|id| id.trim()).filter(|id| !id.is_empty()).collect();
    ids.dedup();
    match ids.as_slice() {
        [] => Err(text::CHOOSE_AFFILIATE),
        [id] => id.parse().map_err(|_| text::UNKNOWN_AFFILIATE),
        _ => Err(text::CHOOSE_ONE_AFFILIATE),
    }
}

/// Why a form was rejected.
#[derive(Clone, Debug, Default)]
pub(crate) struct Refusal {
    pub(crate) errors: FormErrors,
    /// The unavailable value, with available codes to choose from.
    pub(crate) refused: Option<UnavailableValue>,
}

impl Refusal {
    /// One error for one field.
    pub(crate) fn of(field: &str, message: impl Into<String>) -> Self {
        Self { errors: FormErrors::one(field, message), refused: None }
    }
}

impl TriggerForm {
    /// The selected type; Coupon Code by default.
    fn kind(&self) -> Option<TriggerKind> {
        if self.kind.is_empty() {
            return Some(TriggerKind::CouponCode);
        }
        TriggerKind::parse(&self.kind)
    }

    /// The type's name, for the select.
    pub(crate) fn kind_name(&self) -> &str {
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

    /// Creates the trigger for an affiliate of the merchant. The outer error is `NotFound` if the
    /// merchant has no such affiliate. The inner one is for the user to fix.
    pub(crate) fn save(
        &self,
        conn: &mut PgConnection,
        actor: &Actor,
        affiliate_id: i64,
    ) -> QueryResult<Result<CreatedTrigger, Refusal>> {
        let Some(kind) = self.kind() else {
            return Ok(Err(Refusal::of("type", text::CHOOSE_TYPE)));
        };
        let reach = if self.only_in_vouch { Reach::VouchOnly } else { Reach::Stores };
        let typed = self.typed(kind);
        let created = match TriggerValue::parse(kind, typed, reach) {
            Ok(wanted) => {
                let overrides = !self.despite.is_empty();
                create_value(conn, actor, affiliate_id, &wanted, reach, overrides)
            }
            Err(error) => Err(UnavailableValue::malformed(typed, error).into()),
        };
        match created {
            Ok(trigger) => {
                let lines = pushes::of_trigger(conn, actor.merchant_id, trigger.id)?;
                let stores = lines.into_iter().map(|line| line.store).collect();
                Ok(Ok(CreatedTrigger { trigger, reach, stores }))
            }
            Err(CreateTriggerError::Refused(refused)) => {
                let words = text::refused(&refused.wanted, &refused.why, affiliate_id);
                // The kinds and their fields have the same names.
                let errors = FormErrors::one(kind.as_str(), words);
                Ok(Err(Refusal { errors, refused: Some(*refused) }))
            }
            Err(CreateTriggerError::Database(error)) => Err(error),
        }
    }
}

/// The form to reassign a trigger.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ReassignForm {
    /// As in [`TriggerForm`].
    pub(crate) affiliate_id: Vec<String>,
    /// The search text for the affiliate.
    #[serde(skip_serializing)]
    pub(crate) affiliate_id_q: String,
    /// The field whose Find button was pressed, without JavaScript.
    #[serde(skip_serializing)]
    pub(crate) find: String,
    /// The first day, in the merchant's time zone; empty for "from now on".
    pub(crate) from: String,
    /// The version of the holder that the form showed.
    #[serde(skip_serializing)]
    pub(crate) version: Version,
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
        let from = read_day(&self.from).map_or_else(|| "Now".to_owned(), |day| day.to_string());
        Ok(vec![("Affiliate", name.unwrap_or_default()), ("Start date", from)])
    }
}

impl ReassignForm {
    /// The input that would lead to the trigger's newest holder. It serves to detect concurrent
    /// changes.
    pub(crate) fn of(
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

    /// When the trigger goes to the new holder, which is the start of the chosen day. If the
    /// current holder's period began on that day, it's the start of that period. The error is for
    /// the field.
    pub(crate) fn from(
        &self,
        tz: Tz,
        now: DateTime<Utc>,
        holder_since: DateTime<Utc>,
    ) -> Result<DateTime<Utc>, String> {
        if self.from.trim().is_empty() {
            return Ok(now);
        }
        let unreadable = || text::ENTER_DATE.to_owned();
        let day = read_day(&self.from).ok_or_else(unreadable)?;
        let start = start_of_day(tz, day).ok_or_else(unreadable)?;
        let began_that_day = day_of(holder_since, tz) == day;
        Ok(if began_that_day { start.max(holder_since) } else { start })
    }
}

/// The errors for a rejected reassignment.
pub(crate) fn reassign_refusal(
    error: ReassignError,
    trigger: &Trigger,
    calendar: Calendar,
) -> QueryResult<FormErrors> {
    let errors = match error {
        ReassignError::SameHolder => {
            FormErrors::one("affiliate_id", text::same_holder(&trigger.value))
        }
        ReassignError::TooFar => FormErrors::one("from", text::CHOOSE_NEAR_DATE),
        ReassignError::BeforeHolder { since } => {
            let since = calendar.date(calendar.date_of(since));
            FormErrors::one("from", text::before_holder(&since))
        }
        ReassignError::Database(diesel::result::Error::NotFound) => {
            FormErrors::one("affiliate_id", text::UNKNOWN_AFFILIATE)
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
        assert_eq!(chosen(&ids(&["7", "8"])), Err(text::CHOOSE_ONE_AFFILIATE));
        assert_eq!(chosen(&ids(&[""])), Err(text::CHOOSE_AFFILIATE));
        assert_eq!(chosen(&ids(&["x"])), Err(text::UNKNOWN_AFFILIATE));
    }

    #[test]
    fn a_day_begins_in_the_merchants_time_zone() {
        let since = "2026-01-01T00:00:00Z";
        assert_eq!(from("2026-11-20", "Europe/Berlin", since), Ok(at("2026-11-19T23:00:00Z")));
        assert_eq!(from("", "Europe/Berlin", since), Ok(at("2026-11-23T12:00:00Z")));
        // Midnight is skipped in Cairo on that day.
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
