//! Scheduled handovers of a trigger to another affiliate. The holder stays until then. Later orders
//! belong to the new holder even if the worker is late, because the period already exists.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::Error;
use serde_json::json;

use super::model::{Trigger, affiliate_name};
use super::periods::Holding;
use crate::features::audit::{Act, AuditEvent};
use crate::features::recalculations::{RecalculationReason, request_for_trigger};
use crate::kit::audit::{self, Actor};
use crate::kit::dated::{self, Dated, Period};
use crate::kit::db::schema::triggers;
use crate::kit::db::{Db, Scope};
use crate::kit::error::AppResult;
use crate::kit::supervise::Stop;

/// How many handovers one job run processes.
const PORTION: i64 = 100;

impl Trigger {
    /// The period of the current holder.
    pub(super) fn current<'a>(
        &self,
        periods: &'a [Period<Holding>],
    ) -> Option<&'a Period<Holding>> {
        periods.iter().rfind(|period| Some(period.from) != self.handover_at)
    }
}

/// Cancels the scheduled handover, so that the holder stays. Returns `false` if there's none.
pub(crate) fn cancel_handover(
    conn: &mut PgConnection,
    actor: &Actor,
    trigger_id: i64,
) -> QueryResult<bool> {
    let trigger = Trigger::lock(conn, actor.merchant_id, trigger_id)?;
    let trigger = hand_over_if_due(conn, actor.merchant_id, actor.now, trigger)?;
    let Some(at) = trigger.handover_at else { return Ok(false) };
    unschedule(conn, actor, &trigger)?;
    set_holder(conn, actor.merchant_id, &trigger, trigger.affiliate_id, None)?;
    let name = affiliate_name(conn, actor.merchant_id, trigger.affiliate_id)?;
    let event = AuditEvent::ReassignmentCanceled { trigger: trigger.named(), affiliate: name };
    let act = Act {
        before: Some(json!({ "handover_at": at })),
        after: Some(json!({ "handover_at": null })),
        ..trigger.act(event)
    };
    audit::record(conn, actor, act)?;
    let cause = RecalculationReason::HandoverCanceled { trigger: trigger.words() };
    request_for_trigger(conn, actor, trigger.id, at, &cause)?;
    Ok(true)
}

/// Deletes the period that hasn't begun yet, if there's one.
pub(super) fn unschedule(
    conn: &mut PgConnection,
    actor: &Actor,
    trigger: &Trigger,
) -> QueryResult<()> {
    if trigger.handover_at.is_none() {
        return Ok(());
    }
    let key = (actor.merchant_id, trigger.id);
    let periods = Holding::periods(conn, key)?;
    let current = trigger.current(&periods).ok_or(Error::NotFound)?;
    dated::hold_from(conn, key, Some(current.value.clone()), current.from).map(drop)
}

/// Writes the current holder and the time of the next handover.
pub(super) fn set_holder(
    conn: &mut PgConnection,
    merchant_id: i64,
    trigger: &Trigger,
    affiliate_id: i64,
    handover_at: Option<DateTime<Utc>>,
) -> QueryResult<()> {
    diesel::update(triggers::table.find((merchant_id, trigger.id)))
        .set((triggers::affiliate_id.eq(affiliate_id), triggers::handover_at.eq(handover_at)))
        .execute(conn)
        .map(drop)
}

/// Does the handover if it's due, and returns the current trigger. The caller holds the trigger's
/// lock.
pub(super) fn hand_over_if_due(
    conn: &mut PgConnection,
    merchant_id: i64,
    now: DateTime<Utc>,
    trigger: Trigger,
) -> QueryResult<Trigger> {
    let Some(at) = trigger.handover_at.filter(|at| *at <= now) else { return Ok(trigger) };
    let periods = Holding::periods(conn, (merchant_id, trigger.id))?;
    let holding = dated::at(&periods, at).ok_or(Error::NotFound)?;
    let affiliate_id = holding.affiliate_id;
    set_holder(conn, merchant_id, &trigger, affiliate_id, None)?;
    let from = affiliate_name(conn, merchant_id, trigger.affiliate_id)?;
    let to = affiliate_name(conn, merchant_id, affiliate_id)?;
    let event =
        AuditEvent::TriggerReassigned { trigger: trigger.named(), from, to, was_scheduled: true };
    let act = Act {
        before: Some(json!({ "affiliate_id": trigger.affiliate_id })),
        after: Some(json!({ "affiliate_id": affiliate_id, "from": at })),
        ..trigger.act(event)
    };
    audit::record(conn, &Actor::system(merchant_id, now), act)?;
    Ok(Trigger { affiliate_id, handover_at: None, ..trigger })
}

/// Does the handovers that are due. Returns how many were due.
pub fn hand_over_due(db: &Db, now: DateTime<Utc>, stop: &Stop) -> AppResult<usize> {
    let due: Vec<(i64, i64)> = db.run_blocking(Scope::Instance, |conn| {
        triggers::table
            .filter(triggers::handover_at.le(now))
            .order(triggers::handover_at)
            .limit(PORTION)
            .select((triggers::merchant_id, triggers::id))
            .load(conn)
    })?;
    for (merchant_id, id) in &due {
        if stop.is_asked() {
            break;
        }
        let done = db.run_blocking(Scope::Merchant(*merchant_id), |conn| {
            let trigger = Trigger::lock(conn, *merchant_id, *id)?;
            hand_over_if_due(conn, *merchant_id, now, trigger)
        });
        if let Err(error) = done {
            tracing::error!(merchant_id, trigger_id = id, %error, "reassignment_failed");
        }
    }
    Ok(due.len())
}
