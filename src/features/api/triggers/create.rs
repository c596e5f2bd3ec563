use diesel::prelude::*;
use vouch_platforms::api::FieldError;

use super::body::TriggerBody;
use crate::features::exclusions::{self, Excluded};
use crate::features::triggers::{
    self as model, CouponCode, CreateTriggerError, Reach, TriggerKind, TriggerValue, ValueError,
    excluded_words, reserved_words, taken_words, unknown_affiliate_words,
};
use crate::kit::audit::Actor;
use crate::kit::db::schema::{affiliates, triggers};
use crate::kit::mail::email_key;

/// What came of a request.
pub(super) enum Outcome {
    /// A trigger is there that was not.
    Created(i64),
    /// The affiliate has it already.
    Known(i64),
    /// Nothing was done.
    Refused(Vec<FieldError>),
}

fn refused(pointer: &str, detail: impl Into<String>) -> Outcome {
    Outcome::Refused(vec![FieldError { pointer: pointer.to_owned(), detail: detail.into() }])
}

/// The affiliate of an affiliate ID or e-mail address.
pub(super) fn affiliate(
    conn: &mut PgConnection,
    merchant_id: i64,
    named: &str,
) -> QueryResult<Option<i64>> {
    let named = email_key(named);
    affiliates::table
        .filter(affiliates::merchant_id.eq(merchant_id))
        .filter(affiliates::public_id.eq(&named).or(affiliates::email_key.eq(&named)))
        .select(affiliates::id)
        .first(conn)
        .optional()
}

/// Creates the trigger, unless the affiliate has it.
pub(super) fn create(
    conn: &mut PgConnection,
    actor: &Actor,
    body: &TriggerBody,
) -> QueryResult<Outcome> {
    let kind = TriggerKind::from(body.kind);
    let mut errors = Vec::new();
    let mut wrong = |pointer: &str, detail: String| {
        errors.push(FieldError { pointer: pointer.to_owned(), detail });
    };
    let affiliate_id = affiliate(conn, actor.merchant_id, &body.affiliate)?;
    if affiliate_id.is_none() {
        wrong("/affiliate", unknown_affiliate_words(&body.affiliate));
    }
    let reach = if body.only_in_vouch { Reach::VouchOnly } else { Reach::Stores };
    let value = TriggerValue::parse_reaching(kind, &body.value, reach);
    if let Err(error) = &value {
        wrong("/value", invalid_detail(error));
    }
    let (Some(affiliate_id), Ok(value)) = (affiliate_id, value) else {
        return Ok(Outcome::Refused(errors));
    };
    let excluded = excluded(conn, actor, kind, &value)?;
    if let Some(excluded) = excluded.as_ref().filter(|_| !body.override_exclusions) {
        return Ok(match held(conn, actor.merchant_id, affiliate_id, kind, &value)? {
            Some(trigger_id) => Outcome::Known(trigger_id),
            None => refused("/value", excluded_detail(&value, excluded)),
        });
    }
    let created = model::create_despite(
        conn,
        actor,
        affiliate_id,
        kind,
        &body.value,
        reach,
        excluded.as_ref(),
    );
    match created {
        Ok(trigger) => Ok(Outcome::Created(trigger.id)),
        Err(CreateTriggerError::Taken(taken)) if taken.trigger.affiliate_id == affiliate_id => {
            Ok(Outcome::Known(taken.trigger.id))
        }
        Err(CreateTriggerError::Taken(taken)) => {
            Ok(refused("/value", with_free(taken_words(&taken, affiliate_id), &taken.free)))
        }
        Err(CreateTriggerError::Reserved(reserved)) => Ok(refused(
            "/value",
            with_free(reserved_words(&reserved, affiliate_id), &reserved.free),
        )),
        Err(CreateTriggerError::Invalid(error)) => Ok(refused("/value", invalid_detail(&error))),
        Err(CreateTriggerError::Database(error)) => Err(error),
    }
}

/// The exclusion that stops it, if it is a code.
fn excluded(
    conn: &mut PgConnection,
    actor: &Actor,
    kind: TriggerKind,
    value: &TriggerValue,
) -> QueryResult<Option<Excluded>> {
    if kind != TriggerKind::CouponCode {
        return Ok(None);
    }
    let code = CouponCode::recorded(&value.value);
    exclusions::verdict(conn, actor.merchant_id, &code, actor.now)
}

/// Why a value breaks a rule, and how a code that a store has already is attached.
fn invalid_detail(error: &ValueError) -> String {
    let existing = " With “only_in_vouch”: true a code that your stores have already is accepted.";
    let hint = if error.concerns_new_codes() { existing } else { "" };
    format!("{error}{hint}")
}

/// The trigger of that value that the affiliate has.
fn held(
    conn: &mut PgConnection,
    merchant_id: i64,
    affiliate_id: i64,
    kind: TriggerKind,
    value: &TriggerValue,
) -> QueryResult<Option<i64>> {
    triggers::table
        .filter(triggers::merchant_id.eq(merchant_id))
        .filter(triggers::kind.eq(kind))
        .filter(triggers::key.eq(&value.key))
        .filter(triggers::affiliate_id.eq(affiliate_id))
        .select(triggers::id)
        .first(conn)
        .optional()
}

fn excluded_detail(value: &TriggerValue, excluded: &Excluded) -> String {
    let why = excluded_words(&value.value, excluded);
    format!("{why} With “override_exclusions”: true it is created all the same, and recorded.")
}

fn with_free(mut words: String, free: &[String]) -> String {
    if !free.is_empty() {
        words.push_str(&format!(" Free are {}.", free.join(", ")));
    }
    words
}
