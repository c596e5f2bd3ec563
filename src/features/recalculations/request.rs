use chrono::{DateTime, SubsecRound, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Timestamptz};

use super::cause::RecalculationReason;
use super::matching::OrderSelection;
use crate::features::triggers::TriggerKind;
use crate::kit::audit::Actor;
use crate::kit::db::schema::{recalculations, triggers};
use crate::kit::db::statement::statement;

/// The subject of a request, as its row contains it. Both are `None` for a request about all
/// orders.
#[derive(Clone, Copy, Debug, Default)]
struct RequestSubject {
    pub(crate) trigger_id: Option<i64>,
    pub(crate) affiliate_id: Option<i64>,
}

/// Requests a recalculation of the orders that match the trigger and were placed since `since`.
/// Returns how many there are now.
pub(crate) fn request_for_trigger(
    conn: &mut PgConnection,
    actor: &Actor,
    trigger_id: i64,
    since: DateTime<Utc>,
    cause: &RecalculationReason,
) -> QueryResult<i64> {
    let (kind, key): (TriggerKind, String) = triggers::table
        .find((actor.merchant_id, trigger_id))
        .select((triggers::kind, triggers::key))
        .first(conn)?;
    let since = since.trunc_subsecs(0);
    let about = RequestSubject { trigger_id: Some(trigger_id), affiliate_id: None };
    request(conn, actor, about, since, &OrderSelection::Trigger { kind, key, since }, cause)
}

/// Requests a recalculation of the affiliate's orders placed since `since`. They match one of its
/// current or former triggers, or were manually credited to it. Returns how many there are now.
pub(crate) fn request_for_affiliate(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate_id: i64,
    since: DateTime<Utc>,
    cause: &RecalculationReason,
) -> QueryResult<i64> {
    let since = since.trunc_subsecs(0);
    let about = RequestSubject { trigger_id: None, affiliate_id: Some(affiliate_id) };
    request(
        conn,
        actor,
        about,
        since,
        &OrderSelection::Affiliate { id: affiliate_id, since },
        cause,
    )
}

/// Requests a recalculation of every order placed since `since`. Returns how many there are now. If
/// a change applies from now on, these are orders processed meanwhile, and those of stores whose
/// clock is ahead.
pub fn request_since(
    conn: &mut PgConnection,
    actor: &Actor,
    since: DateTime<Utc>,
    cause: &RecalculationReason,
) -> QueryResult<i64> {
    let since = since.trunc_subsecs(0);
    request(conn, actor, RequestSubject::default(), since, &OrderSelection::Since(since), cause)
}

fn request(
    conn: &mut PgConnection,
    actor: &Actor,
    about: RequestSubject,
    since: DateTime<Utc>,
    matching: &OrderSelection,
    cause: &RecalculationReason,
) -> QueryResult<i64> {
    let total = matching.count(conn, actor.merchant_id)?;
    let cause = to_json(cause)?;
    if !absorb(conn, actor, about, since, &cause, total)? {
        insert(conn, actor, about, (None, Some(since)), cause, total)?;
    }
    Ok(total)
}

/// Extends a request for the same reason that hasn't begun yet, since it will see this change too.
/// Returns `false` if there's none or a worker has it.
fn absorb(
    conn: &mut PgConnection,
    actor: &Actor,
    about: RequestSubject,
    since: DateTime<Utc>,
    cause: &serde_json::Value,
    total: i64,
) -> QueryResult<bool> {
    statement!(
        "UPDATE recalculations SET since = least(since, :since), cause = :cause, \
             orders_total = greatest(orders_total, :total) \
         WHERE merchant_id = :merchant_id AND id = (SELECT r.id FROM recalculations r \
             WHERE r.merchant_id = :merchant_id \
                 AND r.trigger_id IS NOT DISTINCT FROM :trigger_id \
                 AND r.affiliate_id IS NOT DISTINCT FROM :affiliate_id AND r.order_ids IS NULL \
                 AND r.in_flight IS NULL AND r.failed_at IS NULL \
                 AND r.cause ->> 'reason' = :cause ->> 'reason' \
             ORDER BY r.id LIMIT 1 FOR UPDATE SKIP LOCKED)",
        merchant_id: BigInt = actor.merchant_id,
        trigger_id: Nullable<BigInt> = about.trigger_id,
        affiliate_id: Nullable<BigInt> = about.affiliate_id,
        since: Timestamptz,
        cause: Jsonb,
        total: BigInt,
    )
    .execute(conn)
    .map(|absorbed| absorbed > 0)
}

/// Either these orders, or those placed since that time.
type RequestScope = (Option<Vec<Option<i64>>>, Option<DateTime<Utc>>);

fn insert(
    conn: &mut PgConnection,
    actor: &Actor,
    about: RequestSubject,
    which: RequestScope,
    cause: serde_json::Value,
    total: i64,
) -> QueryResult<()> {
    let (order_ids, since) = which;
    diesel::insert_into(recalculations::table)
        .values((
            recalculations::merchant_id.eq(actor.merchant_id),
            recalculations::trigger_id.eq(about.trigger_id),
            recalculations::affiliate_id.eq(about.affiliate_id),
            recalculations::order_ids.eq(order_ids),
            recalculations::since.eq(since),
            recalculations::cause.eq(cause),
            recalculations::orders_total.eq(total),
        ))
        .execute(conn)
        .map(drop)
}

fn to_json(cause: &RecalculationReason) -> QueryResult<serde_json::Value> {
    serde_json::to_value(cause)
        .map_err(|error| diesel::result::Error::SerializationError(Box::new(error)))
}
