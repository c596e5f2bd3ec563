//! The work itself.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use vouch_core::platform::Platform;
use vouch_platforms::{Client, OrderMessage, Period, provider};

use super::model::{Backfill, unfinished};
use crate::features::ingest::intake::Outcome;
use crate::features::ingest::read;
use crate::features::store_workers::{Next, Turn, TurnError};
use crate::kit::counters;
use crate::kit::db::schema::{backfills, stores};

/// How often a store is asked what changed.
const INTERVAL: Duration = Duration::minutes(15);
/// So much is read twice: a store's clock may differ, and what it changes shows a little later.
const OVERLAP: Duration = Duration::minutes(15);
/// The first reading begins so long before the store was connected.
const BEFORE_CONNECTION: Duration = Duration::days(1);

/// Where the periodic reading is, between two turns.
#[derive(Serialize, Deserialize)]
struct Place {
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    cursor: Option<String>,
}

/// Reads what somebody asked for, then what changed since the last reading.
pub(crate) fn turn(turn: &mut Turn<'_>) -> Result<Next, TurnError> {
    let mut client = turn.client()?;
    if let Some(asked) = turn.read(|conn| unfinished(conn, &turn.store))?
        && !read_asked(turn, &mut *client, &asked)?
    {
        return Ok(go_on(turn));
    }
    if !read_changes(turn, &mut *client)? {
        return Ok(go_on(turn));
    }
    Ok(Next::at(turn.now() + INTERVAL))
}

fn go_on(turn: &Turn<'_>) -> Next {
    Next { due_at: Some(turn.now()), state: turn.state.clone() }
}

/// Reads on in what changed since the last reading; `true` once it is done. Its place is the turn's
/// state, which outlives a turn that fails.
fn read_changes(turn: &mut Turn<'_>, client: &mut dyn Client) -> Result<bool, TurnError> {
    let kept = turn.state.clone().and_then(|state| serde_json::from_value::<Place>(state).ok());
    let mut place = kept.unwrap_or_else(|| since_the_last(turn));
    let period = Period { from: place.from, until: place.until };
    loop {
        turn.state = serde_json::to_value(&place).ok();
        if !turn.goes_on() {
            return Ok(false);
        }
        let begun_at = turn.now();
        let batch = client.orders(&period, place.cursor.as_deref())?;
        for message in &batch.rows {
            ingest(turn, message, begun_at, None)?;
        }
        place.cursor = batch.next;
        if place.cursor.is_none() {
            break;
        }
    }
    let store = &turn.store;
    turn.write(|conn| {
        diesel::update(stores::table.find((store.merchant_id, store.id)))
            .set(stores::orders_read_until.eq(period.until))
            .execute(conn)
    })?;
    turn.state = None;
    Ok(true)
}

fn since_the_last(turn: &Turn<'_>) -> Place {
    let (store, now) = (&turn.store, turn.now());
    let from = match store.orders_read_until {
        Some(until) => until - OVERLAP,
        None => store.created_at - BEFORE_CONNECTION,
    };
    Place { from: within_reach(store.platform, from, now), until: now, cursor: None }
}

/// As far back as the platform shows orders.
fn within_reach(platform: Platform, from: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    let reach = provider(platform).and_then(|provider| provider.orders_reach());
    reach.map_or(from, |reach| from.max(now - reach))
}

/// Reads on in the period that somebody asked for; `true` once it is done.
fn read_asked(
    turn: &mut Turn<'_>,
    client: &mut dyn Client,
    asked: &Backfill,
) -> Result<bool, TurnError> {
    let mut period = Period { from: asked.period_from, until: asked.period_until };
    period.from = within_reach(turn.store.platform, period.from, turn.now()).min(period.until);
    let mut cursor = asked.cursor.clone();
    loop {
        if !turn.goes_on() {
            return Ok(false);
        }
        let begun_at = turn.now();
        let batch = client.orders(&period, cursor.as_deref())?;
        for message in &batch.rows {
            ingest(turn, message, begun_at, Some(asked))?;
        }
        cursor = batch.next;
        let read = i64::try_from(batch.rows.len()).unwrap_or_default();
        let now = turn.now();
        turn.write(|conn| {
            diesel::update(backfills::table.find((turn.store.merchant_id, asked.id)))
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

/// One order in a transaction of its own, as if the store had sent it. What was news is counted
/// with it: after an interruption the order is read again, and is news no more.
fn ingest(
    turn: &Turn<'_>,
    message: &OrderMessage,
    begun_at: DateTime<Utc>,
    asked: Option<&Backfill>,
) -> Result<(), TurnError> {
    match ingest_one(turn, message, begun_at, asked) {
        Ok(outcome) => counters::credits(outcome.credited()),
        // It must hold up no other order of the store, and isn't read again automatically.
        Err(error) if error.is_own_fault() => {
            let (store, now) = (&turn.store, turn.now());
            let (merchant_id, order) = (store.merchant_id, message.order_ref.as_str());
            tracing::error!(merchant_id, order, %error, "order_not_processed");
            turn.write(|conn| read::keep_failed(conn, store, message, begun_at, now))?;
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

fn ingest_one(
    turn: &Turn<'_>,
    message: &OrderMessage,
    begun_at: DateTime<Utc>,
    asked: Option<&Backfill>,
) -> Result<Outcome, TurnError> {
    let (store, now) = (&turn.store, turn.now());
    turn.write(|conn| {
        let outcome =
            read::ingest(conn, store, &turn.tools.pseudonyms(), message, begun_at, now)?.outcome;
        let (new, changed) = match outcome {
            Outcome::TakenIn { is_new: true, .. } => (1, 0),
            Outcome::TakenIn { is_new: false, .. } => (0, 1),
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
