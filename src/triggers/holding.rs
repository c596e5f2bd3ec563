//! Who holds a trigger, and until when: retirement, and its way to another affiliate.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::Error;
use thiserror::Error as ThisError;

use super::model::{Trigger, affiliate_name};
use crate::audit::{self, Act, Actor};
use crate::dated::second;
use crate::db::schema::{affiliates, trigger_owners, triggers};
use crate::orders::{RecalculationCause, request_for_trigger};

/// Who held a trigger during one period: an order credits the holder of the moment it was placed.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Owner {
    /// The affiliate's key.
    pub affiliate_id: i64,
    /// What the affiliate is called now.
    pub name: String,
    /// When the period began.
    pub valid_from: DateTime<Utc>,
    /// When it ended, exclusive; `None` while it lasts.
    pub valid_until: Option<DateTime<Utc>>,
}

/// Everybody who held the trigger, the newest first.
///
/// # Errors
/// The database's.
pub fn owners(
    conn: &mut PgConnection,
    merchant_id: i64,
    trigger_id: i64,
) -> QueryResult<Vec<Owner>> {
    let of_affiliate = affiliates::merchant_id
        .eq(trigger_owners::merchant_id)
        .and(affiliates::id.eq(trigger_owners::affiliate_id));
    trigger_owners::table
        .inner_join(affiliates::table.on(of_affiliate))
        .filter(trigger_owners::merchant_id.eq(merchant_id))
        .filter(trigger_owners::trigger_id.eq(trigger_id))
        .order(trigger_owners::valid_from.desc())
        .select((
            trigger_owners::affiliate_id,
            affiliates::name,
            trigger_owners::valid_from,
            trigger_owners::valid_until,
        ))
        .load(conn)
}

/// Ends the trigger: orders placed from now on no longer count. Its key stays taken for ever, since
/// shoppers may still have it. `false` when it was retired already.
///
/// # Errors
/// The database's.
pub fn retire(conn: &mut PgConnection, actor: &Actor, trigger: &Trigger) -> QueryResult<bool> {
    let trigger = Trigger::lock(conn, actor.merchant_id, trigger.id)?;
    if trigger.is_retired() {
        return Ok(false);
    }
    let retired_at = second(actor.now);
    set_retired_at(conn, actor, &trigger, Some(retired_at))?;
    let act = Act {
        action: "trigger.retired",
        subject_kind: "trigger",
        subject_id: Some(trigger.id),
        summary: format!("Retired {}.", trigger.words()),
        before: Some(serde_json::json!({ "retired_at": null })),
        after: Some(serde_json::json!({ "retired_at": retired_at })),
    };
    audit::record(conn, actor, act)?;
    // An order of that second, or of a store whose clock runs ahead of ours, can be here already.
    let cause = RecalculationCause::TriggerRetired { trigger: trigger.words() };
    request_for_trigger(conn, actor, trigger.id, retired_at, &cause)?;
    Ok(true)
}

/// Takes the retirement back, as if it had not been: orders placed meanwhile count as well.
/// `false` when the trigger is not retired.
///
/// # Errors
/// The database's.
pub fn reinstate(conn: &mut PgConnection, actor: &Actor, trigger: &Trigger) -> QueryResult<bool> {
    let trigger = Trigger::lock(conn, actor.merchant_id, trigger.id)?;
    let Some(retired_at) = trigger.retired_at else { return Ok(false) };
    set_retired_at(conn, actor, &trigger, None)?;
    let act = Act {
        action: "trigger.reinstated",
        subject_kind: "trigger",
        subject_id: Some(trigger.id),
        summary: format!("Reinstated {}.", trigger.words()),
        before: Some(serde_json::json!({ "retired_at": retired_at })),
        after: Some(serde_json::json!({ "retired_at": null })),
    };
    audit::record(conn, actor, act)?;
    let cause = RecalculationCause::TriggerReinstated { trigger: trigger.words() };
    request_for_trigger(conn, actor, trigger.id, retired_at, &cause)?;
    Ok(true)
}

fn set_retired_at(
    conn: &mut PgConnection,
    actor: &Actor,
    trigger: &Trigger,
    retired_at: Option<DateTime<Utc>>,
) -> QueryResult<()> {
    diesel::update(triggers::table.find((actor.merchant_id, trigger.id)))
        .set(triggers::retired_at.eq(retired_at))
        .execute(conn)?;
    Ok(())
}

/// Why a trigger was not reassigned.
#[derive(Debug, ThisError)]
pub enum ReassignError {
    /// It is that affiliate's already.
    #[error("holds it already")]
    SameHolder,
    /// The date lies in the future, and nobody knows today who holds the trigger then.
    #[error("begins in the future")]
    Future,
    /// The current holder has it only since a later moment.
    #[error("begins before the current holder’s time")]
    BeforeHolder {
        /// When the current holder’s time began.
        since: DateTime<Utc>,
    },
    /// Not for the person to mend; `NotFound` when the merchant has no such affiliate.
    #[error(transparent)]
    Database(#[from] Error),
}

/// Gives the trigger to another affiliate: orders placed from `from` on, those taken in already
/// included, are the new holder's, and earlier ones stay the former holder's.
///
/// # Errors
/// [`ReassignError`]; `from` may reach back to the beginning of the current holder’s time and no
/// further.
pub fn reassign(
    conn: &mut PgConnection,
    actor: &Actor,
    trigger: &Trigger,
    affiliate_id: i64,
    from: DateTime<Utc>,
) -> Result<Trigger, ReassignError> {
    let trigger = Trigger::lock(conn, actor.merchant_id, trigger.id)?;
    let name = affiliate_name(conn, actor.merchant_id, affiliate_id)?;
    if trigger.affiliate_id == affiliate_id {
        return Err(ReassignError::SameHolder);
    }
    if from > actor.now {
        return Err(ReassignError::Future);
    }
    let from = second(from);
    let periods = owners(conn, actor.merchant_id, trigger.id)?;
    let current = periods.first().ok_or(Error::NotFound)?;
    if from < current.valid_from {
        return Err(ReassignError::BeforeHolder { since: current.valid_from });
    }
    hand_over(conn, actor, &trigger, &periods, affiliate_id, from)?;
    let act = Act {
        action: "trigger.reassigned",
        subject_kind: "trigger",
        subject_id: Some(trigger.id),
        summary: format!("Reassigned {} from {} to {name}.", trigger.words(), current.name),
        before: Some(serde_json::json!({ "affiliate_id": trigger.affiliate_id })),
        after: Some(serde_json::json!({ "affiliate_id": affiliate_id, "from": from })),
    };
    audit::record(conn, actor, act)?;
    let cause = RecalculationCause::TriggerReassigned { trigger: trigger.words(), to: name };
    request_for_trigger(conn, actor, trigger.id, from, &cause)?;
    Ok(Trigger { affiliate_id, ..trigger })
}

/// Closes the open period at `from` and opens one for `affiliate_id`. A period that would be empty
/// gives way to the new one, and two of one holder in a row become one.
fn hand_over(
    conn: &mut PgConnection,
    actor: &Actor,
    trigger: &Trigger,
    periods: &[Owner],
    affiliate_id: i64,
    from: DateTime<Utc>,
) -> QueryResult<()> {
    let period_from = |valid_from: DateTime<Utc>| {
        trigger_owners::table.find((actor.merchant_id, trigger.id, valid_from))
    };
    let mut rest = periods.iter();
    let current = rest.next().ok_or(Error::NotFound)?;
    let mut before = Some(current);
    if current.valid_from == from {
        diesel::delete(period_from(current.valid_from)).execute(conn)?;
        before = rest.next();
    } else {
        diesel::update(period_from(current.valid_from))
            .set(trigger_owners::valid_until.eq(from))
            .execute(conn)?;
    }
    match before {
        Some(before) if before.affiliate_id == affiliate_id => {
            diesel::update(period_from(before.valid_from))
                .set(trigger_owners::valid_until.eq(None::<DateTime<Utc>>))
                .execute(conn)?;
        }
        _ => {
            diesel::insert_into(trigger_owners::table)
                .values((
                    trigger_owners::merchant_id.eq(actor.merchant_id),
                    trigger_owners::trigger_id.eq(trigger.id),
                    trigger_owners::valid_from.eq(from),
                    trigger_owners::affiliate_id.eq(affiliate_id),
                ))
                .execute(conn)?;
        }
    }
    diesel::update(triggers::table.find((actor.merchant_id, trigger.id)))
        .set(triggers::affiliate_id.eq(affiliate_id))
        .execute(conn)?;
    Ok(())
}
