//! Finishes a check after its last page.

use chrono::{DateTime, Duration, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz};

use super::settings::holds;
use crate::features::code_syncs::model::{CodeSync, insert};
use crate::features::store_workers::{StoreRun, StoreRunError};
use crate::features::stores::Store;
use crate::kit::db::schema::code_syncs;
use crate::kit::db::statement::statement;

/// The store's list of codes may lack new ones for this long.
const LAG: Duration = Duration::minutes(5);

/// Updates every status from the current triggers, and shows this check instead of the previous
/// one. Returns `true` if there's more to do now. That's the case if the settings changed
/// meanwhile, or another check was requested.
pub(super) fn finish(run: &StoreRun<'_, '_>, code_sync: &CodeSync) -> Result<bool, StoreRunError> {
    let (store, now) = (&run.store, run.now());
    run.write(|conn| {
        if !holds(conn, store, code_sync)? {
            return Ok(true);
        }
        // PostgreSQL has no statistics for the new rows yet. Otherwise it might plan a nested loop
        // that compares every trigger with every result.
        conn.batch_execute("SET LOCAL enable_nestloop = off")?;
        settle(conn, store, code_sync)?;
        add_missing(conn, store, code_sync)?;
        let shown = code_syncs::table
            .filter(code_syncs::merchant_id.eq(store.merchant_id))
            .filter(code_syncs::store_id.eq(store.id))
            .filter(code_syncs::is_shown);
        diesel::update(shown).set(code_syncs::is_shown.eq(false)).execute(conn)?;
        let again = show(conn, store, code_sync, now)?;
        if let Some(requested_by) = &again {
            insert(conn, store, Some(requested_by), now)?;
        }
        Ok(again.is_some())
    })
}

/// Triggers may have been created, retired or reinstated since their page was read.
fn settle(conn: &mut PgConnection, store: &Store, code_sync: &CodeSync) -> QueryResult<usize> {
    statement!(
        concat!(
        "UPDATE code_sync_results f SET trigger_id = j.trigger_id, status = j.status \
         FROM (SELECT c.id, t.id AS trigger_id, ",
        status!(),
        " AS status FROM code_sync_results c LEFT JOIN triggers t \
             ON t.merchant_id = c.merchant_id AND t.kind = 'coupon_code' AND t.key = c.key \
             WHERE c.merchant_id = :merchant_id AND c.code_sync_id = :code_sync_id) j \
         WHERE f.merchant_id = :merchant_id AND f.id = j.id \
             AND (f.trigger_id, f.status) IS DISTINCT FROM (j.trigger_id, j.status)"
        ),
        merchant_id: BigInt = store.merchant_id,
        code_sync_id: BigInt = code_sync.id,
    )
    .execute(conn)
}

/// Inserts the active triggers without a code in the store that existed when the check began. Codes
/// that are queued for the store, or were recently pushed to it, aren't missing.
fn add_missing(conn: &mut PgConnection, store: &Store, code_sync: &CodeSync) -> QueryResult<usize> {
    let started_at = code_sync.started_at.unwrap_or(code_sync.requested_at);
    statement!(
        "INSERT INTO code_sync_results \
             (merchant_id, code_sync_id, key, code, trigger_id, status, same_rules, rules) \
         SELECT t.merchant_id, :code_sync_id, t.key, t.value, t.id, 'vouch_only', true, '' \
         FROM triggers t \
         WHERE t.merchant_id = :merchant_id AND t.kind = 'coupon_code' AND t.retired_at IS NULL \
             AND t.created_at <= :started_at \
             AND NOT EXISTS (SELECT 1 FROM code_sync_results f \
                 WHERE f.merchant_id = t.merchant_id AND f.code_sync_id = :code_sync_id \
                     AND f.key = t.key) \
             AND NOT EXISTS (SELECT 1 FROM pushes p \
                 WHERE p.merchant_id = t.merchant_id AND p.trigger_id = t.id \
                     AND p.store_id = :store_id AND (p.status = 'queued' AND :creates_codes \
                         OR p.status IN ('pushed', 'in_store') AND p.settled_at >= :pushed_since))",
        code_sync_id: BigInt = code_sync.id,
        merchant_id: BigInt = store.merchant_id,
        started_at: Timestamptz = started_at,
        store_id: BigInt = store.id,
        creates_codes: Bool = code_sync.creates_codes,
        pushed_since: Timestamptz = started_at - LAG,
    )
    .execute(conn)
}

/// Counts the results and finishes the check. Returns who requested another one.
fn show(
    conn: &mut PgConnection,
    store: &Store,
    code_sync: &CodeSync,
    now: DateTime<Utc>,
) -> QueryResult<Option<String>> {
    statement!(
        "UPDATE code_syncs SET finished_at = :now, is_shown = true, cursor = NULL, \
             in_sync_count = n.in_sync_count, missing_count = n.missing_count, \
             store_only_count = n.store_only_count, inactive_count = n.inactive_count, \
             different_count = n.different_count, retired_count = n.retired_count \
         FROM (SELECT count(*) FILTER (WHERE status = 'both') AS in_sync_count, \
             count(*) FILTER (WHERE status = 'vouch_only') AS missing_count, \
             count(*) FILTER (WHERE status = 'store_only') AS store_only_count, \
             count(*) FILTER (WHERE status = 'off') AS inactive_count, \
             count(*) FILTER (WHERE status = 'different') AS different_count, \
             count(*) FILTER (WHERE status = 'retired') AS retired_count \
             FROM code_sync_results WHERE merchant_id = :merchant_id AND code_sync_id = :id) n \
         WHERE code_syncs.merchant_id = :merchant_id AND code_syncs.id = :id \
         RETURNING rerun_requested_by",
        now: Timestamptz = now,
        merchant_id: BigInt = store.merchant_id,
        id: BigInt = code_sync.id,
    )
    .scalar::<Nullable<Text>>()
    .get_result(conn)
}
