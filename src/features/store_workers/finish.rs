//! How a turn ends: what is kept of it, and when the next one comes.

use std::time::Duration as Span;

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Jsonb, Nullable, Text, Timestamptz};
use rand::RngExt;
use vouch_platforms::CallError;

use super::turn::{Next, Turn, TurnError};
use crate::features::stores;
use crate::kit::db::prepared;
use crate::kit::store_jobs::Job;

/// The first wait after a failed turn; each further one doubles it.
const FIRST_WAIT: Duration = Duration::seconds(5);
/// The longest.
const MAX_WAIT: Duration = Duration::minutes(5);
/// A store cannot ask for a longer pause.
const MAX_PAUSE: Duration = Duration::hours(1);

/// What the row says of the next turn.
struct Ending {
    due_at: Option<DateTime<Utc>>,
    not_before: Option<DateTime<Utc>>,
    failures: i32,
    last_error: Option<String>,
    state: Option<serde_json::Value>,
}

/// Gives the job back.
///
/// # Errors
/// [`TurnError::Lost`] when another worker has it; the database's.
pub(super) fn finish(turn: &Turn<'_>, outcome: Result<Next, TurnError>) -> Result<(), TurnError> {
    let now = turn.now();
    let store = &turn.store;
    let (denied, answered) = match &outcome {
        Err(TurnError::Call(CallError::Denied(reason))) => (Some(reason.clone()), false),
        outcome => (None, outcome.is_ok()),
    };
    let ending = ending(&turn.job, turn.state.clone(), outcome, now)?;
    let note = |conn: &mut PgConnection| match &denied {
        Some(problem) => stores::note_denied(conn, store, problem, now),
        None if answered && needs_noting(store.access_checked_at, now) => {
            stores::note_answered(conn, store, now)
        }
        None => Ok(()),
    };
    turn.write_and(note, |conn| release(conn, &turn.job, &ending))
}

/// Not at each turn: the row is read with every page.
fn needs_noting(checked_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    checked_at.is_none_or(|at| now - at > Duration::minutes(1))
}

fn ending(
    job: &Job,
    state: Option<serde_json::Value>,
    outcome: Result<Next, TurnError>,
    now: DateTime<Utc>,
) -> Result<Ending, TurnError> {
    let failed = |last_error: String| Ending {
        due_at: Some(now),
        not_before: Some(now + wait_after(job.failures + 1)),
        failures: job.failures.saturating_add(1),
        last_error: Some(last_error),
        state: state.clone(),
    };
    Ok(match outcome {
        Ok(next) => Ending {
            due_at: next.due_at,
            not_before: None,
            failures: 0,
            last_error: None,
            state: next.state,
        },
        Err(TurnError::Lost) => return Err(TurnError::Lost),
        Err(TurnError::Call(CallError::Throttled { wait })) => Ending {
            not_before: Some(now + pause(wait)),
            failures: job.failures,
            ..failed(CallError::Throttled { wait }.to_string())
        },
        Err(TurnError::Call(CallError::Denied(reason))) => {
            Ending { not_before: None, failures: 0, ..failed(reason) }
        }
        Err(TurnError::Call(error)) => failed(error.to_string()),
        Err(TurnError::Own(error)) => {
            tracing::error!(
                merchant_id = job.merchant_id, store_id = job.store_id, kind = job.kind.as_str(),
                %error, "a turn for a store failed",
            );
            failed("Vouch itself could not go on; see the log of that time.".to_owned())
        }
    })
}

/// Some wait longer, some shorter, so that not all come back at once.
fn wait_after(failures: i32) -> Duration {
    let doublings = failures.clamp(1, 10) - 1;
    let wait = (FIRST_WAIT * (1 << doublings)).min(MAX_WAIT);
    let percent = rand::rng().random_range(75..=125);
    wait * percent / 100
}

/// As long as the store asks for, and a little: it counts in whole seconds.
fn pause(asked: Span) -> Duration {
    let asked = Duration::from_std(asked).unwrap_or(MAX_PAUSE).min(MAX_PAUSE);
    asked + Duration::milliseconds(rand::rng().random_range(20..=250))
}

/// `false` when the job is another worker's. What has become due during the turn stays due.
fn release(conn: &mut PgConnection, job: &Job, ending: &Ending) -> QueryResult<bool> {
    prepared::<()>(
        "UPDATE store_jobs SET leased_until = NULL, due_at = least(due_at, ?), not_before = ?, \
             failures = ?, last_error = ?, state = ? \
         WHERE merchant_id = ? AND store_id = ? AND kind = ? AND lease = ? \
             AND leased_until IS NOT NULL",
    )
    .bind::<Nullable<Timestamptz>, _>(ending.due_at)
    .bind::<Nullable<Timestamptz>, _>(ending.not_before)
    .bind::<Integer, _>(ending.failures)
    .bind::<Nullable<Text>, _>(&ending.last_error)
    .bind::<Nullable<Jsonb>, _>(&ending.state)
    .bind::<BigInt, _>(job.merchant_id)
    .bind::<BigInt, _>(job.store_id)
    .bind::<Text, _>(job.kind)
    .bind::<BigInt, _>(job.lease)
    .execute(conn)
    .map(|released| released > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_makes_the_wait_longer_up_to_a_limit() {
        for (failures, seconds) in [(1, 5), (2, 10), (3, 20), (7, 300), (1000, 300)] {
            let wait = wait_after(failures).num_milliseconds();
            let whole = seconds * 1000;
            assert!((whole * 75 / 100..=whole * 125 / 100).contains(&wait), "{failures}: {wait}");
        }
    }

    #[test]
    fn a_pause_is_as_long_as_asked_within_reason() {
        assert!(pause(Span::from_secs(7)) >= Duration::seconds(7));
        assert!(pause(Span::MAX) <= MAX_PAUSE + Duration::seconds(1));
    }
}
