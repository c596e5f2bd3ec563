//! The work itself: read the refunds of orders, and take their lines in.

use chrono::{DateTime, Utc};
use vouch_platforms::{CallError, OrderMessage};

use super::model::{ReadProblem, Requested, due, finish, has_all_lines, next_due, put_off};
use crate::features::ingest::awaited::{MAX_ATTEMPTS, SILENCE, wait_after};
use crate::features::ingest::intake::Outcome;
use crate::features::ingest::read;
use crate::features::store_workers::{Next, Turn, TurnError};
use crate::kit::counters;

/// A store that does not list a refund after so many attempts has none: it was deleted, or the
/// order names it by mistake.
const ATTEMPTS_UNLISTED: i32 = 5;

/// Reads what is due, the longest overdue first.
pub(crate) fn turn(turn: &mut Turn<'_>) -> Result<Next, TurnError> {
    let mut silent = 0;
    let mut client = None;
    while turn.goes_on() {
        let portion = turn.read(|conn| due(conn, &turn.store, turn.now()))?;
        if portion.is_empty() {
            break;
        }
        for requested in portion {
            if !turn.goes_on() {
                break;
            }
            let client = match &mut client {
                Some(client) => client,
                None => client.insert(turn.client()?),
            };
            let read_at = turn.now();
            let currency = requested.currency.as_deref().unwrap_or_default();
            let called = turn.call(|| client.refunds(&requested.order_ref, currency, read_at));
            let called = match called {
                Ok(called) => called,
                Err(error) => {
                    fail_own(turn, &requested, &error, read_at)?;
                    continue;
                }
            };
            match called {
                Ok(Some(message)) => {
                    silent = 0;
                    match ingest(turn, &requested, &message, read_at) {
                        Err(error) if error.is_own_fault() => {
                            fail_own(turn, &requested, &error, read_at)?;
                        }
                        taken_in => taken_in?,
                    }
                }
                Ok(None) => fail(turn, &requested, ReadProblem::Refused, read_at)?,
                Err(error @ CallError::Throttled { .. }) => return Err(error.into()),
                Err(error) => {
                    fail(turn, &requested, ReadProblem::from(&error), read_at)?;
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
    requested: &Requested,
    message: &OrderMessage,
    read_at: DateTime<Utc>,
) -> Result<(), TurnError> {
    let store = &turn.store;
    let outcome = turn.write(|conn| {
        let outcome =
            read::ingest(conn, store, &turn.tools.pseudonyms(), message, read_at, turn.now())?
                .outcome;
        if outcome == Outcome::Failed {
            put_off(conn, store, requested, ReadProblem::Unreadable, read_at, None)?;
        } else if has_all_lines(conn, store, requested)? {
            finish(conn, store, requested, read_at)?;
        } else {
            let is_last = requested.attempts + 1 >= ATTEMPTS_UNLISTED;
            let until = turn.now() + wait_after(requested.attempts);
            let until = (!is_last).then_some(until);
            put_off(conn, store, requested, ReadProblem::NotListed, read_at, until)?;
        }
        Ok(outcome)
    })?;
    counters::credits(outcome.credited());
    Ok(())
}

/// Vouch failed on these refunds. Those behind them go on.
fn fail_own(
    turn: &Turn<'_>,
    requested: &Requested,
    error: &TurnError,
    read_at: DateTime<Utc>,
) -> Result<(), TurnError> {
    let (merchant_id, order) = (turn.store.merchant_id, requested.order_ref.as_str());
    tracing::error!(merchant_id, order, %error, "refunds_not_processed");
    fail(turn, requested, ReadProblem::Unreadable, read_at)
}

fn fail(
    turn: &Turn<'_>,
    requested: &Requested,
    problem: ReadProblem,
    read_at: DateTime<Utc>,
) -> Result<(), TurnError> {
    let store = &turn.store;
    turn.write(|conn| match problem {
        // Not the order's fault: it does not count, and goes on once the access is restored.
        ReadProblem::AccessDenied => {
            let same = Requested { attempts: requested.attempts - 1, ..requested.clone() };
            put_off(conn, store, &same, problem, read_at, Some(turn.now()))
        }
        ReadProblem::Refused => put_off(conn, store, requested, problem, read_at, None),
        _ => {
            let is_last = requested.attempts + 1 >= MAX_ATTEMPTS;
            let until = turn.now() + wait_after(requested.attempts);
            put_off(conn, store, requested, problem, read_at, (!is_last).then_some(until))
        }
    })
}
