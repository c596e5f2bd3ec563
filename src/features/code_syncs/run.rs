//! The work itself: reads the store's codes page by page, joins each page with the triggers, and at
//! the end sees which triggers were not met.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use vouch_platforms::{CallError, Client};

use self::daily::next_daily;
use self::finish::finish;
use self::keep::keep;
use self::settings::holds;
use self::sweep::sweep;
use super::model::{CodeSync, insert};
use crate::features::store_workers::{StoreRun, StoreRunError};
use crate::features::stores::Store;
use crate::kit::db::schema::{code_sync_results as findings, code_syncs, stores};

/// What a code of the store `c` and its trigger `t`, if any, come to.
macro_rules! status {
    () => {
        "CASE WHEN t.id IS NULL THEN 'store_only' \
         WHEN t.retired_at IS NOT NULL \
             THEN CASE WHEN c.state IN ('live', 'scheduled') THEN 'retired' END \
         WHEN c.state <> 'live' THEN 'off' \
         WHEN NOT c.same_rules THEN 'different' \
         ELSE 'both' END"
    };
}

mod daily;
mod finish;
mod keep;
mod settings;
mod sweep;

/// A reading that rested for longer begins anew: what it read is too old to go with the rest.
const STALE: Duration = Duration::hours(3);
/// How long to wait where the credentials are good, but not for this.
const LACKING: Duration = Duration::hours(6);

/// Goes on with the check that is unfinished, or begins the daily one when its time has come.
pub(crate) fn run(run: &StoreRun<'_, '_>) -> Result<DateTime<Utc>, StoreRunError> {
    sweep(run)?;
    let code_sync = match current(run)? {
        Current::GoesOn(code_sync) => code_sync,
        Current::Later(at) => return Ok(at),
    };
    let mut client = run.client()?;
    let mut cursor = code_sync.cursor.clone();
    loop {
        if !run.goes_on() {
            return Ok(run.now());
        }
        let batch = match client.codes(cursor.as_deref()) {
            Err(CallError::Denied(reason)) => {
                return lacks(run, &mut *client, &code_sync, reason);
            }
            batch => batch?,
        };
        keep(run, &code_sync, &batch)?;
        cursor = batch.next;
        if cursor.is_none() {
            break;
        }
    }
    let next = if finish(run, &code_sync)? { None } else { next_daily(run)? };
    Ok(next.unwrap_or_else(|| run.now()))
}

enum Current {
    GoesOn(Box<CodeSync>),
    Later(DateTime<Utc>),
}

/// The check to go on with; begun anew where what it began with holds no longer.
fn current(run: &StoreRun<'_, '_>) -> Result<Current, StoreRunError> {
    let (store, now) = (&run.store, run.now());
    let mut unfinished = run.read(|conn| CodeSync::unfinished(conn, store))?;
    if unfinished.is_none() {
        if let Some(daily) = next_daily(run)?.filter(|daily| *daily > now) {
            return Ok(Current::Later(daily));
        }
        run.write(|conn| insert(conn, store, None, now))?;
        unfinished = run.read(|conn| CodeSync::unfinished(conn, store))?;
    }
    let Some(unfinished) = unfinished else { return Ok(Current::Later(now)) };
    let is_fresh = unfinished.advanced_at.is_some_and(|at| now - at < STALE);
    let holds = is_fresh && run.read(|conn| holds(conn, store, &unfinished))?;
    let code_sync = if holds { unfinished } else { begin(run, &unfinished)? };
    if !has_rules_of(&code_sync, store) {
        // They were changed since the store was read for this run: the next one has the new ones.
        return Ok(Current::Later(now));
    }
    Ok(Current::GoesOn(Box::new(code_sync)))
}

fn has_rules_of(code_sync: &CodeSync, store: &Store) -> bool {
    code_sync.creates_codes == store.creates_codes
        && code_sync.discount_rules == store.discount_rules
}

/// From the first code on, by what the store is set to now.
fn begin(run: &StoreRun<'_, '_>, code_sync: &CodeSync) -> Result<CodeSync, StoreRunError> {
    let (store, now) = (&run.store, run.now());
    run.write(|conn| {
        let of_this = findings::table
            .filter(findings::merchant_id.eq(store.merchant_id))
            .filter(findings::code_sync_id.eq(code_sync.id));
        diesel::delete(of_this).execute(conn)?;
        let (creates_codes, rules, counted): (
            bool,
            Option<serde_json::Value>,
            Vec<Option<String>>,
        ) = stores::table
            .find((store.merchant_id, store.id))
            .select((stores::creates_codes, stores::discount_rules, stores::counted_codes))
            .first(conn)?;
        diesel::update(code_syncs::table.find((store.merchant_id, code_sync.id)))
            .set((
                code_syncs::started_at.eq(now),
                code_syncs::advanced_at.eq(now),
                code_syncs::cursor.eq(None::<String>),
                code_syncs::creates_codes.eq(creates_codes),
                code_syncs::discount_rules.eq(rules),
                code_syncs::counted_codes.eq(counted),
                code_syncs::read_count.eq(0),
                code_syncs::other_count.eq(0),
            ))
            .returning(CodeSync::as_returning())
            .get_result(conn)
    })
}

/// The store refuses its codes. Where it lets Vouch in all the same, the credentials are good for
/// the rest of the work, which goes on.
fn lacks(
    run: &StoreRun<'_, '_>,
    client: &mut dyn Client,
    code_sync: &CodeSync,
    reason: String,
) -> Result<DateTime<Utc>, StoreRunError> {
    client.access()?;
    let key = (run.store.merchant_id, code_sync.id);
    run.write(|conn| {
        diesel::update(code_syncs::table.find(key))
            .set(code_syncs::problem.eq(&reason))
            .execute(conn)
    })?;
    Ok(run.now() + LACKING)
}
