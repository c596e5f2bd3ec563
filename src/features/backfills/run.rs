//! Imports orders from a store.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vouch_core::platform::Platform;
use vouch_platforms::{Client, OrderMessage, TimeRange, provider};

use super::model::{Backfill, unfinished};
use crate::features::ingest::intake::IngestOutcome;
use crate::features::ingest::read;
use crate::features::store_workers::{StoreRun, StoreRunError};
use crate::kit::counters;
use crate::kit::db::schema::{backfills, stores};

/// How often a store is asked for changes.
const INTERVAL: Duration = Duration::minutes(15);
/// This much is read twice, because a store's clock may differ, and its changes may appear a little
/// later.
const OVERLAP: Duration = Duration::minutes(15);
/// The first import begins this long before the store was connected.
const BEFORE_CONNECTION: Duration = Duration::days(1);

/// The progress of the periodic backfill between two runs.
#[derive(Serialize, Deserialize)]
struct Progress {
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    cursor: Option<String>,
}

/// Imports the period that a member requested, then what changed since the last import.
pub(crate) fn run(
    run: &StoreRun<'_, '_>,
    state: &mut Option<Value>,
) -> Result<DateTime<Utc>, StoreRunError> {
    let mut client = run.client()?;
    if let Some(asked) = run.read(|conn| unfinished(conn, &run.store))?
        && !read_asked(run, &mut *client, &asked)?
    {
        return Ok(run.now());
    }
    if !read_changes(run, state, &mut *client)? {
        return Ok(run.now());
    }
    Ok(run.now() + INTERVAL)
}

/// Continues the import of what changed since the last one. Returns `true` once it's complete. The
/// progress is the job's payload, which outlives a failed attempt.
fn read_changes(
    run: &StoreRun<'_, '_>,
    state: &mut Option<Value>,
    client: &mut dyn Client,
) -> Result<bool, StoreRunError> {
    let stored = state.clone().and_then(|state| serde_json::from_value::<Progress>(state).ok());
    let mut progress = stored.unwrap_or_else(|| since_the_last(run));
    let period = TimeRange { from: progress.from, until: progress.until };
    loop {
        *state = serde_json::to_value(&progress).ok();
        if !run.goes_on() {
            return Ok(false);
        }
        let begun_at = run.now();
        let batch = client.orders(&period, progress.cursor.as_deref())?;
        for message in &batch.rows {
            ingest(run, message, begun_at, None)?;
        }
        progress.cursor = batch.next;
        if progress.cursor.is_none() {
            break;
        }
    }
    let store = &run.store;
    run.write(|conn| {
        diesel::update(stores::table.find((store.merchant_id, store.id)))
            .set(stores::orders_read_until.eq(period.until))
            .execute(conn)
    })?;
    *state = None;
    Ok(true)
}

fn since_the_last(run: &StoreRun<'_, '_>) -> Progress {
    let (store, now) = (&run.store, run.now());
    let from = match store.orders_read_until {
        Some(until) => until - OVERLAP,
        None => store.created_at - BEFORE_CONNECTION,
    };
    Progress { from: within_reach(store.platform, from, now), until: now, cursor: None }
}

/// Limits the period to the time for which the platform shows orders.
fn within_reach(platform: Platform, from: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    let reach = provider(platform).and_then(|provider| provider.orders_reach());
    reach.map_or(from, |reach| from.max(now - reach))
}

/// Continues the period that a member requested. Returns `true` once it's complete.
fn read_asked(
    run: &StoreRun<'_, '_>,
    client: &mut dyn Client,
    asked: &Backfill,
) -> Result<bool, StoreRunError> {
    let mut period = TimeRange { from: asked.period_from, until: asked.period_until };
    period.from = within_reach(run.store.platform, period.from, run.now()).min(period.until);
    let mut cursor = asked.cursor.clone();
    loop {
        if !run.goes_on() {
            return Ok(false);
        }
        let begun_at = run.now();
        let batch = client.orders(&period, cursor.as_deref())?;
        for message in &batch.rows {
            ingest(run, message, begun_at, Some(asked))?;
        }
        cursor = batch.next;
        let read = i64::try_from(batch.rows.len()).unwrap_or_default();
        let now = run.now();
        run.write(|conn| {
            diesel::update(backfills::table.find((run.store.merchant_id, asked.id)))
                .set((
                    backfills::cursor.eq(&cursor),
                    backfills::read_count.eq(backfills::read_count + read),
                    backfills::finished_at.eq(cursor.is_none().then_some(now)),
                ))
                .execute(conn)
        })?;
        if cursor.is_none() {
            return Ok(true);
        }
    }
}

/// Processes one order in its own transaction, like a webhook delivery. The same transaction counts
/// it as new or changed. If it's read again after an interruption, it's neither.
fn ingest(
    run: &StoreRun<'_, '_>,
    message: &OrderMessage,
    begun_at: DateTime<Utc>,
    asked: Option<&Backfill>,
) -> Result<(), StoreRunError> {
    match ingest_one(run, message, begun_at, asked) {
        Ok(outcome) => counters::credits(outcome.credited()),
        // It must not block the store's other orders, and it isn't read again automatically.
        Err(error) if error.is_own_fault() => {
            let (store, now) = (&run.store, run.now());
            let (merchant_id, order) = (store.merchant_id, message.order_ref.as_str());
            tracing::error!(merchant_id, order, %error, "order_processing_failed");
            run.write(|conn| read::keep_failed(conn, store, message, begun_at, now))?;
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

fn ingest_one(
    run: &StoreRun<'_, '_>,
    message: &OrderMessage,
    begun_at: DateTime<Utc>,
    asked: Option<&Backfill>,
) -> Result<IngestOutcome, StoreRunError> {
    let (store, now) = (&run.store, run.now());
    run.write(|conn| {
        let outcome =
            read::ingest(conn, store, &run.tools.pseudonyms(), message, begun_at, now)?.outcome;
        let (new, changed) = match outcome {
            IngestOutcome::Processed { is_new: true, .. } => (1, 0),
            IngestOutcome::Processed { is_new: false, .. } => (0, 1),
            _ => return Ok(outcome),
        };
        let Some(asked) = asked else { return Ok(outcome) };
        diesel::update(backfills::table.find((store.merchant_id, asked.id)))
            .set((
                backfills::new_count.eq(backfills::new_count + new),
                backfills::changed_count.eq(backfills::changed_count + changed),
            ))
            .execute(conn)?;
        Ok(outcome)
    })
}
