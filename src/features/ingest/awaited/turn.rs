//! The work itself: read the orders that messages wait for, and take them in.

use chrono::{DateTime, Duration, Utc};
use rand::RngExt;
use vouch_core::delivery::DeliveryOutcome;
use vouch_platforms::{CallError, OrderMessage};

use super::model::{Awaited, due, next_due, put_off, settle};
use crate::features::ingest::failures::{self, FailureReason, OWN_FAULT};
use crate::features::ingest::intake::Outcome;
use crate::features::ingest::read::{self, Read};
use crate::features::store_workers::{Next, Turn, TurnError};
use crate::kit::counters;

/// After so many tries, most of a day apart, the messages are shown as failed.
pub(in crate::features::ingest) const MAX_ATTEMPTS: i32 = 24;
/// The wait after the first failed try; each further one doubles it.
const FIRST_WAIT: Duration = Duration::seconds(15);
/// The longest.
const MAX_WAIT: Duration = Duration::hours(1);
/// So many orders in a row that cannot be read, and it is the store that does not answer.
pub(in crate::features::ingest) const SILENCE: usize = 3;

/// Reads what is awaited, the longest first.
pub(crate) fn turn(turn: &mut Turn<'_>) -> Result<Next, TurnError> {
    let mut silent = 0;
    let mut client = None;
    while turn.goes_on() {
        let portion = turn.read(|conn| due(conn, &turn.store, turn.now()))?;
        if portion.is_empty() {
            break;
        }
        for awaited in portion {
            if !turn.goes_on() {
                break;
            }
            let client = match &mut client {
                Some(client) => client,
                None => client.insert(turn.client()?),
            };
            let begun_at = turn.now();
            let called = match turn.call(|| client.order(&awaited.order_ref)) {
                Ok(called) => called,
                Err(error) => {
                    fail_own(turn, &awaited, &error)?;
                    continue;
                }
            };
            match called {
                Ok(message) => {
                    silent = 0;
                    match ingest(turn, &awaited, message.as_ref(), begun_at) {
                        Err(error) if error.is_own_fault() => fail_own(turn, &awaited, &error)?,
                        taken_in => taken_in?,
                    }
                }
                Err(error @ CallError::Throttled { .. }) => return Err(error.into()),
                Err(error) => {
                    fail(turn, &awaited, &error)?;
                    silent += 1;
                    if silent >= SILENCE || matches!(error, CallError::Denied(_)) {
                        return Err(error.into());
                    }
                }
            }
        }
    }
    let next = turn.read(|conn| next_due(conn, &turn.store))?;
    Ok(next.map_or_else(Next::idle, Next::at))
}

fn ingest(
    turn: &Turn<'_>,
    awaited: &Awaited,
    message: Option<&OrderMessage>,
    begun_at: DateTime<Utc>,
) -> Result<(), TurnError> {
    let store = &turn.store;
    let taken_in = turn.write(|conn| {
        let Some(message) = message else {
            let detail = "The store has no order of this number, or no longer.";
            settle(conn, store, awaited, DeliveryOutcome::Noted, detail, None)?;
            return Ok(Outcome::Noted);
        };
        let read =
            read::ingest(conn, store, &turn.tools.pseudonyms(), message, begun_at, turn.now())?;
        let Read { outcome, order_id, detail } = read;
        let (shown, detail) = match outcome {
            Outcome::TakenIn { .. } => (DeliveryOutcome::TakenIn, String::new()),
            Outcome::Outdated { .. } | Outcome::Repeated if order_id.is_some() => {
                (DeliveryOutcome::Outdated, String::new())
            }
            _ => (DeliveryOutcome::Noted, detail),
        };
        settle(conn, store, awaited, shown, &detail, order_id)?;
        Ok(outcome)
    })?;
    counters::credits(taken_in.credited());
    Ok(())
}

/// Vouch failed on this order. Those behind it go on.
fn fail_own(turn: &Turn<'_>, awaited: &Awaited, error: &TurnError) -> Result<(), TurnError> {
    let store = &turn.store;
    let order = awaited.order_ref.as_str();
    tracing::error!(merchant_id = store.merchant_id, order, %error, "order_not_processed");
    turn.write(|conn| {
        if awaited.tries + 1 >= MAX_ATTEMPTS {
            let reason = FailureReason::OwnFault;
            failures::record(conn, store.merchant_id, &awaited.deliveries, reason, turn.now())?;
            return settle(conn, store, awaited, DeliveryOutcome::Failed, OWN_FAULT, None);
        }
        put_off(conn, store, awaited, OWN_FAULT, turn.now() + wait_after(awaited.tries))
    })
}

fn fail(turn: &Turn<'_>, awaited: &Awaited, error: &CallError) -> Result<(), TurnError> {
    let store = &turn.store;
    turn.write(|conn| {
        // Not the order's fault: it does not count, and goes on once the access is mended.
        if matches!(error, CallError::Denied(_)) {
            let same = Awaited { tries: awaited.tries - 1, ..awaited.clone() };
            return put_off(conn, store, &same, &error.to_string(), turn.now());
        }
        if awaited.tries + 1 >= MAX_ATTEMPTS {
            let detail =
                format!("{error} Vouch has tried {MAX_ATTEMPTS} times; replay it to try again.");
            let reason = FailureReason::NotFetched;
            failures::record(conn, store.merchant_id, &awaited.deliveries, reason, turn.now())?;
            return settle(conn, store, awaited, DeliveryOutcome::Failed, &detail, None);
        }
        let reason = format!("{error} Vouch tries again by itself.");
        put_off(conn, store, awaited, &reason, turn.now() + wait_after(awaited.tries))
    })
}

/// Some wait longer, some shorter, so that not all come back at once.
pub(in crate::features::ingest) fn wait_after(tries: i32) -> Duration {
    let wait = (FIRST_WAIT * (1 << tries.clamp(0, 10))).min(MAX_WAIT);
    wait * rand::rng().random_range(75..=125) / 100
}
