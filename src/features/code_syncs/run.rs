//! Reads the store's codes page by page, and joins each page with the triggers. At the end, it
//! finds the triggers without a code in the store.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use vouch_platforms::{CallError, Client, Reason};

use self::daily::next_daily;
use self::finish::finish;
use self::keep::keep;
use self::settings::holds;
use self::sweep::sweep;
use super::model::{CodeSync, insert};
use crate::features::store_workers::{StoreRun, StoreRunError};
use crate::features::stores::Store;
use crate::kit::db::schema::{code_sync_results as findings, code_syncs, stores};
use crate::kit::stored_text::StoredText;

/// The status of a store code `c` with its trigger `t`, if any.
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

/// A check that paused for longer restarts, because its first pages are too old to combine with the
/// rest.
const STALE: Duration = Duration::hours(3);
/// The wait if the credentials are valid but lack the permission to read codes.
const LACKING: Duration = Duration::hours(6);

/// Continues the unfinished check, or begins the daily one when it's due.
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
                return lacks(run, &mut *client, &code_sync, &reason);
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

/// The check to continue. It restarts if the store's settings have changed or it's too old.
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
        // They changed after the store was loaded for this run. The next run has the new ones.
        return Ok(Current::Later(now));
    }
    Ok(Current::GoesOn(Box::new(code_sync)))
}

fn has_rules_of(code_sync: &CodeSync, store: &Store) -> bool {
    code_sync.creates_codes == store.creates_codes
        && code_sync.discount_rules == store.discount_rules
}

/// Restarts the check from the first code, with the store's current settings.
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

/// The store refuses access to its codes. If the credentials are otherwise valid, only the check
/// pauses, and other jobs continue.
fn lacks(
    run: &StoreRun<'_, '_>,
    client: &mut dyn Client,
    code_sync: &CodeSync,
    reason: &Reason,
) -> Result<DateTime<Utc>, StoreRunError> {
    client.access()?;
    let key = (run.store.merchant_id, code_sync.id);
    run.write(|conn| {
        diesel::update(code_syncs::table.find(key))
            .set((
                code_syncs::problem.eq(None::<String>),
                code_syncs::reason.eq(StoredText::from(reason.clone())),
            ))
            .execute(conn)
    })?;
    Ok(run.now() + LACKING)
}
