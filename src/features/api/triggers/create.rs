use diesel::prelude::*;
use vouch_platforms::api::FieldError;

use super::body::TriggerBody;
use crate::features::api::text;
use crate::features::availability::{Unavailable, UnavailableValue};
use crate::features::triggers::{
    CreateTriggerError, Reach, TriggerKind, TriggerValue, create_value, unavailable_text,
    unknown_affiliate_text,
};
use crate::kit::audit::Actor;
use crate::kit::db::schema::affiliates;
use crate::kit::email::email_key;

/// The result of a request.
pub(super) enum CreateTriggerOutcome {
    Created(i64),
    /// The affiliate already has it.
    Known(i64),
    Refused(Vec<FieldError>),
}

/// The affiliate with that affiliate ID or email.
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

/// Creates the trigger, unless the affiliate already has it.
pub(super) fn create(
    conn: &mut PgConnection,
    actor: &Actor,
    body: &TriggerBody,
) -> QueryResult<CreateTriggerOutcome> {
    let mut errors = Vec::new();
    let mut wrong = |pointer: &str, detail: String| {
        errors.push(FieldError { pointer: pointer.to_owned(), detail });
    };
    let affiliate_id = affiliate(conn, actor.merchant_id, &body.affiliate)?;
    if affiliate_id.is_none() {
        wrong("/affiliate", unknown_affiliate_text(&body.affiliate));
    }
    let reach = if body.only_in_vouch { Reach::VouchOnly } else { Reach::Stores };
    let wanted = TriggerValue::parse(TriggerKind::from(body.kind), &body.value, reach)
        .map_err(|error| UnavailableValue::malformed(&body.value, error));
    if let Err(refused) = &wanted {
        wrong("/value", detail(refused, affiliate_id.unwrap_or_default()));
    }
    let (Some(affiliate_id), Ok(wanted)) = (affiliate_id, wanted) else {
        return Ok(CreateTriggerOutcome::Refused(errors));
    };
    match create_value(conn, actor, affiliate_id, &wanted, reach, body.override_exclusions) {
        Ok(trigger) => Ok(CreateTriggerOutcome::Created(trigger.id)),
        Err(CreateTriggerError::Refused(refused)) => Ok(match &refused.why {
            Unavailable::Held(held) if held.affiliate_id == affiliate_id => {
                CreateTriggerOutcome::Known(held.trigger_id)
            }
            _ => {
                wrong("/value", detail(&refused, affiliate_id));
                CreateTriggerOutcome::Refused(errors)
            }
        }),
        Err(CreateTriggerError::Database(error)) => Err(error),
    }
}

/// Why a value isn't available, and what the caller can send instead.
fn detail(refused: &UnavailableValue, affiliate_id: i64) -> String {
    let words = unavailable_text(&refused.wanted, &refused.why, affiliate_id);
    match &refused.why {
        Unavailable::Malformed(error) if error.concerns_new_codes() => {
            text::with_only_in_vouch(&words)
        }
        Unavailable::Excluded(_) => text::with_override(&words),
        _ if !refused.free.is_empty() => text::with_available(&words, &refused.free),
        _ => words,
    }
}
