//! The holders of a trigger over time: retirement and reassignment.

use chrono::{DateTime, Days, Utc};
use diesel::prelude::*;
use diesel::result::Error;
use thiserror::Error as ThisError;

use super::handover::{hand_over_if_due, set_holder, unschedule};
use super::model::{Trigger, affiliate_name};
use super::periods::Holding;
use crate::features::audit::{Act, AuditEvent};
use crate::features::recalculations::{RecalculationReason, request_for_trigger};
use crate::kit::audit::{self, Actor};
use crate::kit::dated::{self, Dated, second};
use crate::kit::db::schema::{affiliates, trigger_owners, triggers};

/// How far ahead a handover can be scheduled.
const MAX_AHEAD: Days = Days::new(731);

/// The holder of a trigger in one period. An order credits the holder at the time it was placed.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub(crate) struct HoldingPeriod {
    pub(crate) affiliate_id: i64,
    /// The affiliate's current name.
    pub(crate) name: String,
    pub(crate) valid_from: DateTime<Utc>,
    /// The end of the period, exclusive; `None` while it lasts.
    pub(crate) valid_until: Option<DateTime<Utc>>,
}

/// All holders of the trigger, the newest first.
pub(crate) fn owners(
    conn: &mut PgConnection,
    merchant_id: i64,
    trigger_id: i64,
) -> QueryResult<Vec<HoldingPeriod>> {
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

/// Retires the trigger, so that orders placed from now on don't count. Its key stays taken forever,
/// since customers may still have it. Returns `false` if it was already retired.
pub fn retire(conn: &mut PgConnection, actor: &Actor, trigger: &Trigger) -> QueryResult<bool> {
    let trigger = Trigger::lock(conn, actor.merchant_id, trigger.id)?;
    if trigger.is_retired() {
        return Ok(false);
    }
    let retired_at = second(actor.now);
    set_retired_at(conn, actor, &trigger, Some(retired_at))?;
    let event = AuditEvent::TriggerRetired { trigger: trigger.named() };
    let act = Act {
        before: Some(serde_json::json!({ "retired_at": null })),
        after: Some(serde_json::json!({ "retired_at": retired_at })),
        ..trigger.act(event)
    };
    audit::record(conn, actor, act)?;
    // An order from this second, or from a store with a fast clock, may already be here.
    let cause = RecalculationReason::TriggerRetired { trigger: trigger.words() };
    request_for_trigger(conn, actor, trigger.id, retired_at, &cause)?;
    Ok(true)
}

/// Reinstates the trigger as if it had never been retired, so that orders placed in the meantime
/// count as well. Returns `false` if it isn't retired.
pub fn reinstate(conn: &mut PgConnection, actor: &Actor, trigger: &Trigger) -> QueryResult<bool> {
    let trigger = Trigger::lock(conn, actor.merchant_id, trigger.id)?;
    let Some(retired_at) = trigger.retired_at else { return Ok(false) };
    set_retired_at(conn, actor, &trigger, None)?;
    let event = AuditEvent::TriggerReinstated { trigger: trigger.named() };
    let act = Act {
        before: Some(serde_json::json!({ "retired_at": retired_at })),
        after: Some(serde_json::json!({ "retired_at": null })),
        ..trigger.act(event)
    };
    audit::record(conn, actor, act)?;
    let cause = RecalculationReason::TriggerReinstated { trigger: trigger.words() };
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

/// Why a trigger couldn't be reassigned.
#[derive(Debug, ThisError)]
pub enum ReassignError {
    /// The affiliate already holds it.
    #[error("already belongs to this affiliate")]
    SameHolder,
    /// The date is more than two years ahead.
    #[error("starts too far in the future")]
    TooFar,
    /// The current holder's period began later.
    #[error("starts before the current holder’s period")]
    BeforeHolder {
        /// When that period began.
        since: DateTime<Utc>,
    },
    /// `NotFound` if the merchant has no such affiliate.
    #[error(transparent)]
    Database(#[from] Error),
}

/// Gives the trigger to another affiliate. Orders placed from `from` on, including those already
/// processed, belong to the new holder. Earlier ones stay with the former holder. With a future
/// `from`, the holder stays until then, and a handover scheduled before is replaced. `from` can't
/// be before the current holder's period.
pub fn reassign(
    conn: &mut PgConnection,
    actor: &Actor,
    trigger: &Trigger,
    affiliate_id: i64,
    from: DateTime<Utc>,
) -> Result<Trigger, ReassignError> {
    let trigger = Trigger::lock(conn, actor.merchant_id, trigger.id)?;
    let trigger = hand_over_if_due(conn, actor.merchant_id, actor.now, trigger)?;
    let name = affiliate_name(conn, actor.merchant_id, affiliate_id)?;
    if trigger.affiliate_id == affiliate_id {
        return Err(ReassignError::SameHolder);
    }
    let key = (actor.merchant_id, trigger.id);
    let periods = Holding::periods(conn, key)?;
    let current = trigger.current(&periods).ok_or(Error::NotFound)?;
    let from = start_of(from, actor.now, current.from)?;
    unschedule(conn, actor, &trigger)?;
    dated::hold_from(conn, key, Some(Holding { affiliate_id }), from)?;
    let is_now = from <= second(actor.now).max(current.from);
    let holder = if is_now { affiliate_id } else { trigger.affiliate_id };
    let handover_at = (!is_now).then_some(from);
    set_holder(conn, actor.merchant_id, &trigger, holder, handover_at)?;
    record_reassignment(conn, actor, &trigger, (affiliate_id, &name), from, is_now)?;
    let since = trigger.handover_at.map_or(from, |scheduled| scheduled.min(from));
    let cause = RecalculationReason::TriggerReassigned { trigger: trigger.words(), to: name };
    request_for_trigger(conn, actor, trigger.id, since, &cause)?;
    Ok(Trigger { affiliate_id: holder, handover_at, ..trigger })
}

/// The second from which on the trigger belongs to the other affiliate. `now` is never before the
/// holder's period, even if the clock went back.
fn start_of(
    from: DateTime<Utc>,
    now: DateTime<Utc>,
    holder_since: DateTime<Utc>,
) -> Result<DateTime<Utc>, ReassignError> {
    if from == now {
        return Ok(second(now).max(holder_since));
    }
    if now.checked_add_days(MAX_AHEAD).is_none_or(|latest| from > latest) {
        return Err(ReassignError::TooFar);
    }
    if second(from) < holder_since {
        return Err(ReassignError::BeforeHolder { since: holder_since });
    }
    Ok(second(from))
}

fn record_reassignment(
    conn: &mut PgConnection,
    actor: &Actor,
    trigger: &Trigger,
    (affiliate_id, name): (i64, &str),
    from: DateTime<Utc>,
    is_now: bool,
) -> QueryResult<()> {
    let holder = affiliate_name(conn, actor.merchant_id, trigger.affiliate_id)?;
    let (trigger_name, to) = (trigger.named(), name.to_owned());
    let event = match is_now {
        true => AuditEvent::TriggerReassigned {
            trigger: trigger_name,
            from: holder,
            to,
            was_scheduled: false,
        },
        false => {
            AuditEvent::ReassignmentScheduled { trigger: trigger_name, from: holder, to, at: from }
        }
    };
    let act = Act {
        before: Some(serde_json::json!({ "affiliate_id": trigger.affiliate_id })),
        after: Some(serde_json::json!({ "affiliate_id": affiliate_id, "from": from })),
        ..trigger.act(event)
    };
    audit::record(conn, actor, act)
}
