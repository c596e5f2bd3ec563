//! The work itself: reads the store's codes page by page, joins each page with the triggers, and at
//! the end sees which triggers were not met.

use std::collections::HashMap;

use chrono::{DateTime, Duration, NaiveTime, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz};

use super::limits::CountedCodes;
use super::model::{Comparison, StoreState, insert};
use crate::db::prepared;
use crate::db::schema::{comparison_findings as findings, comparisons, stores};
use crate::platforms::{Batch, CallError, Client, StoreCode};
use crate::store_jobs::{Next, Turn, TurnError};
use crate::stores::Store;
use crate::triggers::code::key_of_reported_code;

/// A reading that rested for longer begins anew: what it read is too old to go with the rest.
const STALE: Duration = Duration::hours(3);
/// The daily check comes at the store's own time of day, at least so long after the one before.
const APART: Duration = Duration::hours(12);
/// How long to wait where the credentials are good, but not for this.
const LACKING: Duration = Duration::hours(6);
/// What a list shows can be so much behind what a store has made.
const LAG: Duration = Duration::minutes(5);
/// More characters of what a store says are not kept.
const LONGEST: usize = 255;
/// So many findings of earlier checks are deleted at once.
const SWEEP: i64 = 5_000;

/// What a code of the store `c` and its trigger `t`, if any, come to.
macro_rules! verdict {
    () => {
        "CASE WHEN t.id IS NULL THEN 'store_only' \
         WHEN t.retired_at IS NOT NULL \
             THEN CASE WHEN c.state IN ('live', 'scheduled') THEN 'retired' END \
         WHEN c.state <> 'live' THEN 'off' \
         WHEN NOT c.same_rules THEN 'different' \
         ELSE 'both' END"
    };
}

/// Goes on with the check that is unfinished, or begins the daily one when its time has come.
pub(crate) fn turn(turn: &mut Turn<'_>) -> Result<Next, TurnError> {
    sweep(turn)?;
    let comparison = match current(turn)? {
        Current::GoesOn(comparison) => comparison,
        Current::Later(at) => return Ok(Next::at(at)),
    };
    let mut client = turn.client()?;
    let mut cursor = comparison.cursor.clone();
    loop {
        if !turn.goes_on() {
            return Ok(Next::at(turn.now()));
        }
        let batch = match client.codes(cursor.as_deref()) {
            Err(CallError::Denied(reason)) => {
                return lacks(turn, &mut *client, &comparison, reason);
            }
            batch => batch?,
        };
        keep(turn, &comparison, &batch)?;
        cursor = batch.next;
        if cursor.is_none() {
            break;
        }
    }
    let next = if finish(turn, &comparison)? { None } else { next_daily(turn)? };
    Ok(Next::at(next.unwrap_or_else(|| turn.now())))
}

enum Current {
    GoesOn(Box<Comparison>),
    Later(DateTime<Utc>),
}

/// The check to go on with; begun anew where what it began with holds no longer.
fn current(turn: &Turn<'_>) -> Result<Current, TurnError> {
    let (store, now) = (&turn.store, turn.now());
    let mut unfinished = turn.read(|conn| Comparison::unfinished(conn, store))?;
    if unfinished.is_none() {
        if let Some(daily) = next_daily(turn)?.filter(|daily| *daily > now) {
            return Ok(Current::Later(daily));
        }
        turn.write(|conn| insert(conn, store, None, now))?;
        unfinished = turn.read(|conn| Comparison::unfinished(conn, store))?;
    }
    let Some(unfinished) = unfinished else { return Ok(Current::Later(now)) };
    let is_fresh = unfinished.advanced_at.is_some_and(|at| now - at < STALE);
    let holds = is_fresh && turn.read(|conn| holds(conn, store, &unfinished))?;
    let comparison = if holds { unfinished } else { begin(turn, &unfinished)? };
    if !has_rules_of(&comparison, store) {
        // They were changed since the store was read for this turn: the next one has the new ones.
        return Ok(Current::Later(now));
    }
    Ok(Current::GoesOn(Box::new(comparison)))
}

fn has_rules_of(comparison: &Comparison, store: &Store) -> bool {
    comparison.creates_codes == store.creates_codes
        && comparison.discount_rules == store.discount_rules
}

/// Whether the store is still set as it was when the check began.
fn holds(conn: &mut PgConnection, store: &Store, comparison: &Comparison) -> QueryResult<bool> {
    let (creates_codes, rules, counted): (bool, Option<serde_json::Value>, Vec<Option<String>>) =
        stores::table
            .find((store.merchant_id, store.id))
            .select((stores::creates_codes, stores::discount_rules, stores::counted_codes))
            .first(conn)?;
    Ok(creates_codes == comparison.creates_codes
        && rules == comparison.discount_rules
        && counted == comparison.counted_codes)
}

/// From the first code on, by what the store is set to now.
fn begin(turn: &Turn<'_>, comparison: &Comparison) -> Result<Comparison, TurnError> {
    let (store, now) = (&turn.store, turn.now());
    turn.write(|conn| {
        let of_this = findings::table
            .filter(findings::merchant_id.eq(store.merchant_id))
            .filter(findings::comparison_id.eq(comparison.id));
        diesel::delete(of_this).execute(conn)?;
        let (creates_codes, rules, counted): (
            bool,
            Option<serde_json::Value>,
            Vec<Option<String>>,
        ) = stores::table
            .find((store.merchant_id, store.id))
            .select((stores::creates_codes, stores::discount_rules, stores::counted_codes))
            .first(conn)?;
        diesel::update(comparisons::table.find((store.merchant_id, comparison.id)))
            .set((
                comparisons::begun_at.eq(now),
                comparisons::advanced_at.eq(now),
                comparisons::cursor.eq(None::<String>),
                comparisons::creates_codes.eq(creates_codes),
                comparisons::discount_rules.eq(rules),
                comparisons::counted_codes.eq(counted),
                comparisons::read_count.eq(0),
                comparisons::other_count.eq(0),
            ))
            .returning(Comparison::as_returning())
            .get_result(conn)
    })
}

/// A page of the store's codes, with the place where the reading goes on: in one transaction, so
/// that whoever goes on reads every page once.
fn keep(
    turn: &Turn<'_>,
    comparison: &Comparison,
    batch: &Batch<StoreCode>,
) -> Result<(), TurnError> {
    let (store, now) = (&turn.store, turn.now());
    let columns = Columns::of(&batch.rows, comparison, store.merchant_id);
    let read = i64::try_from(batch.rows.len()).unwrap_or_default();
    turn.write(|conn| {
        let others = if read == 0 { 0 } else { columns.insert(conn, store, comparison)? };
        diesel::update(comparisons::table.find((store.merchant_id, comparison.id)))
            .set((
                comparisons::cursor.eq(&batch.next),
                comparisons::advanced_at.eq(now),
                comparisons::read_count.eq(comparisons::read_count + read),
                comparisons::other_count.eq(comparisons::other_count + others),
                comparisons::problem.eq(None::<String>),
            ))
            .execute(conn)
    })?;
    Ok(())
}

/// A page of codes as the columns of a table: each key once.
#[derive(Default)]
struct Columns {
    keys: Vec<String>,
    codes: Vec<String>,
    states: Vec<StoreState>,
    same_rules: Vec<bool>,
    counts: Vec<bool>,
    marked_for: Vec<Option<i64>>,
    rules: Vec<String>,
    admin_urls: Vec<Option<String>>,
}

impl Columns {
    fn of(rows: &[StoreCode], comparison: &Comparison, merchant_id: i64) -> Self {
        let counted = CountedCodes::of_column(&comparison.counted_codes);
        let mut by_key: HashMap<String, &StoreCode> = HashMap::new();
        for row in rows {
            let key = short(&key_of_reported_code(&row.code));
            let state = |row: &StoreCode| StoreState::from(row.state);
            let held = by_key.entry(key).or_insert(row);
            if state(held) != StoreState::Live && state(row) == StoreState::Live {
                *held = row;
            }
        }
        let mut columns = Self::default();
        for (key, row) in by_key {
            let mark = row.mark.filter(|mark| mark.merchant_id == merchant_id);
            // What Vouch made counts, whatever it is called by now.
            columns.counts.push(mark.is_some() || counted.include(&key));
            columns.marked_for.push(mark.map(|mark| mark.trigger_id));
            columns.keys.push(key);
            columns.codes.push(short(&row.code));
            columns.states.push(row.state.into());
            columns.same_rules.push(row.same_rules || !comparison.compares_rules());
            columns.rules.push(row.rules.chars().filter(|c| !c.is_control()).collect());
            columns.admin_urls.push(row.admin_url.clone());
        }
        columns
    }

    /// Keeps those that a trigger has and those that count; answers how many there are besides.
    fn insert(
        self,
        conn: &mut PgConnection,
        store: &Store,
        comparison: &Comparison,
    ) -> QueryResult<i64> {
        let (others,): (i64,) = prepared::<(BigInt,)>(concat!(
            "WITH c AS (SELECT * FROM unnest(?::text[], ?::text[], ?::text[], ?::boolean[], \
                 ?::boolean[], ?::bigint[], ?::text[], ?::text[]) \
                 AS c (key, code, state, same_rules, counts, marked_for, rules, admin_url)), \
             joined AS (SELECT c.*, t.id AS trigger_id, ",
            verdict!(),
            " AS verdict FROM c LEFT JOIN triggers t ON t.merchant_id = ? \
                 AND t.kind = 'coupon_code' AND t.key = c.key COLLATE \"C\"), \
             kept AS (INSERT INTO comparison_findings AS f (merchant_id, comparison_id, key, code, \
                     trigger_id, verdict, state, same_rules, rules, admin_url, marked_for) \
                 SELECT ?, ?, key, code, trigger_id, verdict, state, same_rules, rules, admin_url, \
                     marked_for \
                 FROM joined WHERE trigger_id IS NOT NULL OR counts \
                 ON CONFLICT (merchant_id, comparison_id, key) DO UPDATE \
                 SET code = excluded.code, verdict = excluded.verdict, state = excluded.state, \
                     same_rules = excluded.same_rules, rules = excluded.rules, \
                     admin_url = excluded.admin_url, marked_for = excluded.marked_for \
                 WHERE f.state <> 'live' AND excluded.state = 'live') \
             SELECT count(*) FROM joined WHERE trigger_id IS NULL AND NOT counts"
        ))
        .bind::<Array<Text>, _>(self.keys)
        .bind::<Array<Text>, _>(self.codes)
        .bind::<Array<Text>, _>(self.states)
        .bind::<Array<Bool>, _>(self.same_rules)
        .bind::<Array<Bool>, _>(self.counts)
        .bind::<Array<Nullable<BigInt>>, _>(self.marked_for)
        .bind::<Array<Text>, _>(self.rules)
        .bind::<Array<Nullable<Text>>, _>(self.admin_urls)
        .bind::<BigInt, _>(store.merchant_id)
        .bind::<BigInt, _>(store.merchant_id)
        .bind::<BigInt, _>(comparison.id)
        .get_result(conn)?;
        Ok(others)
    }
}

/// Codes of triggers have 50 characters at the most.
fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

/// Settles every verdict by the triggers of this moment, shows the check, and takes the one before
/// from sight. `true`: there is more to do now, since the settings were changed meanwhile, or
/// somebody asked for another one.
fn finish(turn: &Turn<'_>, comparison: &Comparison) -> Result<bool, TurnError> {
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

/// The store refuses its codes. Where it lets Vouch in all the same, the credentials are good for
/// the rest of the work, which goes on.
fn lacks(
    turn: &Turn<'_>,
    client: &mut dyn Client,
    comparison: &Comparison,
    reason: String,
) -> Result<Next, TurnError> {
    client.access()?;
    let key = (turn.store.merchant_id, comparison.id);
    turn.write(|conn| {
        diesel::update(comparisons::table.find(key))
            .set(comparisons::problem.eq(&reason))
            .execute(conn)
    })?;
    Ok(Next::at(turn.now() + LACKING))
}

/// When the store's next daily check is due; `None`: it had none yet.
fn next_daily(turn: &Turn<'_>) -> Result<Option<DateTime<Utc>>, TurnError> {
    let store = &turn.store;
    let shown = turn.read(|conn| Comparison::shown(conn, store))?;
    let begun = shown.and_then(|shown| shown.begun_at);
    Ok(begun.map(|begun| daily_after(store.id, begun)))
}

/// The first time of day that is the store's own, well after `begun`: the stores of an installation
/// are spread over the day.
fn daily_after(store_id: i64, begun: DateTime<Utc>) -> DateTime<Utc> {
    const DAY: u64 = 86_400;
    let second = store_id.unsigned_abs().wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    let midnight = begun.date_naive().and_time(NaiveTime::MIN).and_utc();
    let mut at = midnight + Duration::seconds(i64::try_from(second % DAY).unwrap_or_default());
    while at < begun + APART {
        at += Duration::days(1);
    }
    at
}

/// Deletes what checks before the shown one found, a piece at a time.
fn sweep(turn: &Turn<'_>) -> Result<(), TurnError> {
    let store = &turn.store;
    let of_store = comparisons::table
        .filter(comparisons::merchant_id.eq(store.merchant_id))
        .filter(comparisons::store_id.eq(store.id))
        .filter(comparisons::finished_at.is_not_null())
        .filter(comparisons::is_shown.eq(false));
    let old: Vec<i64> = turn.read(|conn| of_store.select(comparisons::id).load(conn))?;
    for id in old {
        let of_old = findings::table
            .filter(findings::merchant_id.eq(store.merchant_id))
            .filter(findings::comparison_id.eq(id));
        loop {
            if !turn.goes_on() {
                return Ok(());
            }
            let piece = of_old.select(findings::id).limit(SWEEP);
            let ids: Vec<i64> = turn.read(|conn| piece.load(conn))?;
            if ids.is_empty() {
                break;
            }
            turn.write(|conn| {
                let piece = findings::table
                    .filter(findings::merchant_id.eq(store.merchant_id))
                    .filter(findings::id.eq_any(&ids));
                diesel::delete(piece).execute(conn)
            })?;
        }
        let key = (store.merchant_id, id);
        turn.write(|conn| diesel::delete(comparisons::table.find(key)).execute(conn))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_daily_check_keeps_its_time_of_day_and_its_distance() {
        let begun: DateTime<Utc> = "2026-03-04T23:10:00Z".parse().unwrap();
        let mut slots = Vec::new();
        for store_id in 1..=50 {
            let next = daily_after(store_id, begun);
            let apart = next - begun;
            assert!(apart >= APART && apart < APART + Duration::days(1), "{store_id}: {apart}");
            assert_eq!(daily_after(store_id, next), next + Duration::days(1), "{store_id}");
            slots.push(next.time());
        }
        slots.sort();
        slots.dedup();
        assert!(slots.len() > 45, "spread over the day: {slots:?}");
    }
}
