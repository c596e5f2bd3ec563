//! The end of a check: what all its pages come to.

use chrono::{DateTime, Duration, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz};

use super::settings::holds;
use crate::features::comparisons::model::{Comparison, insert};
use crate::features::store_workers::{Turn, TurnError};
use crate::features::stores::Store;
use crate::kit::db::prepared;
use crate::kit::db::schema::comparisons;

/// What a list shows can be so much behind what a store has made.
const LAG: Duration = Duration::minutes(5);

/// Settles every verdict by the triggers of this moment, shows the check, and takes the one before
/// from sight. `true`: there is more to do now, since the settings were changed meanwhile, or
/// somebody asked for another one.
pub(super) fn finish(turn: &Turn<'_>, comparison: &Comparison) -> Result<bool, TurnError> {
    let (store, now) = (&turn.store, turn.now());
    turn.write(|conn| {
        if !holds(conn, store, comparison)? {
            return Ok(true);
        }
        // Planned while PostgreSQL has not counted the new rows yet, what follows would compare every
        // trigger with every finding.
        conn.batch_execute("SET LOCAL enable_nestloop = off")?;
        settle(conn, store, comparison)?;
        add_missing(conn, store, comparison)?;
        let shown = comparisons::table
            .filter(comparisons::merchant_id.eq(store.merchant_id))
            .filter(comparisons::store_id.eq(store.id))
            .filter(comparisons::is_shown);
        diesel::update(shown).set(comparisons::is_shown.eq(false)).execute(conn)?;
        let again = show(conn, store, comparison, now)?;
        if let Some(asked_by) = &again {
            insert(conn, store, Some(asked_by), now)?;
        }
        Ok(again.is_some())
    })
}

/// Triggers can have been made, retired or reinstated since their page was read.
fn settle(conn: &mut PgConnection, store: &Store, comparison: &Comparison) -> QueryResult<usize> {
    prepared::<()>(concat!(
        "UPDATE comparison_findings f SET trigger_id = j.trigger_id, verdict = j.verdict \
         FROM (SELECT c.id, t.id AS trigger_id, ",
        verdict!(),
        " AS verdict FROM comparison_findings c LEFT JOIN triggers t \
             ON t.merchant_id = c.merchant_id AND t.kind = 'coupon_code' AND t.key = c.key \
             WHERE c.merchant_id = ? AND c.comparison_id = ?) j \
         WHERE f.merchant_id = ? AND f.id = j.id \
             AND (f.trigger_id, f.verdict) IS DISTINCT FROM (j.trigger_id, j.verdict)"
    ))
    .bind::<BigInt, _>(store.merchant_id)
    .bind::<BigInt, _>(comparison.id)
    .bind::<BigInt, _>(store.merchant_id)
    .execute(conn)
}

/// The triggers in force whose codes were not met: all that were there when the check began, but
/// for those that are on their way, or came into the store meanwhile.
fn add_missing(
    conn: &mut PgConnection,
    store: &Store,
    comparison: &Comparison,
) -> QueryResult<usize> {
    let begun_at = comparison.begun_at.unwrap_or(comparison.asked_at);
    prepared::<()>(
        "INSERT INTO comparison_findings \
             (merchant_id, comparison_id, key, code, trigger_id, verdict, same_rules, rules) \
         SELECT t.merchant_id, ?, t.key, t.value, t.id, 'vouch_only', true, '' FROM triggers t \
         WHERE t.merchant_id = ? AND t.kind = 'coupon_code' AND t.retired_at IS NULL \
             AND t.created_at <= ? \
             AND NOT EXISTS (SELECT 1 FROM comparison_findings f \
                 WHERE f.merchant_id = t.merchant_id AND f.comparison_id = ? AND f.key = t.key) \
             AND NOT EXISTS (SELECT 1 FROM pushes p \
                 WHERE p.merchant_id = t.merchant_id AND p.trigger_id = t.id AND p.store_id = ? \
                     AND (p.status = 'queued' AND ? \
                         OR p.status IN ('pushed', 'in_store') AND p.settled_at >= ?))",
    )
    .bind::<BigInt, _>(comparison.id)
    .bind::<BigInt, _>(store.merchant_id)
    .bind::<Timestamptz, _>(begun_at)
    .bind::<BigInt, _>(comparison.id)
    .bind::<BigInt, _>(store.id)
    .bind::<Bool, _>(comparison.creates_codes)
    .bind::<Timestamptz, _>(begun_at - LAG)
    .execute(conn)
}

/// Counts the findings and marks the check as done; answers who asked for another one.
fn show(
    conn: &mut PgConnection,
    store: &Store,
    comparison: &Comparison,
    now: DateTime<Utc>,
) -> QueryResult<Option<String>> {
    prepared::<(Nullable<Text>,)>(
        "UPDATE comparisons SET finished_at = ?, is_shown = true, cursor = NULL, \
             both_count = n.both_count, vouch_only_count = n.vouch_only_count, \
             store_only_count = n.store_only_count, off_count = n.off_count, \
             different_count = n.different_count, retired_count = n.retired_count \
         FROM (SELECT count(*) FILTER (WHERE verdict = 'both') AS both_count, \
             count(*) FILTER (WHERE verdict = 'vouch_only') AS vouch_only_count, \
             count(*) FILTER (WHERE verdict = 'store_only') AS store_only_count, \
             count(*) FILTER (WHERE verdict = 'off') AS off_count, \
             count(*) FILTER (WHERE verdict = 'different') AS different_count, \
             count(*) FILTER (WHERE verdict = 'retired') AS retired_count \
             FROM comparison_findings WHERE merchant_id = ? AND comparison_id = ?) n \
         WHERE comparisons.merchant_id = ? AND comparisons.id = ? RETURNING again_by",
    )
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(store.merchant_id)
    .bind::<BigInt, _>(comparison.id)
    .bind::<BigInt, _>(store.merchant_id)
    .bind::<BigInt, _>(comparison.id)
    .get_result::<(Option<String>,)>(conn)
    .map(|(again_by,)| again_by)
}
