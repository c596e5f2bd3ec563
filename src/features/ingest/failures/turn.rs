use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration as Period, Instant};

use chrono::{DateTime, Duration, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::model::{Claimed, FailureReason, MAX_ATTEMPTS, claim, renew_all, wait_after};
use crate::features::ingest::intake::Outcome;
use crate::features::ingest::replay::{ReplayError, replay};
use crate::kit::audit::Actor;
use crate::kit::clock;
use crate::kit::counters;
use crate::kit::db::{Db, Scope};
use crate::kit::error::{AppError, AppResult};
use crate::kit::pseudonyms::Pseudonyms;
use crate::kit::supervise::Stop;

/// After so long a turn ends.
const TURN: Period = Period::from_secs(10);
/// The next attempt after one that the database was in no state for. It doesn't count.
const WAIT_OUT: Duration = Duration::minutes(1);

/// What became of an attempt.
enum Attempt {
    Processed(Outcome),
    /// It can't be processed by this build, however often it's tried.
    Refused(FailureReason),
    /// A fault that passes.
    Passing,
    /// Vouch failed on it again.
    Failed(String),
}

/// Processes failed deliveries whose time has come, each in a transaction of its own; answers how many
/// were tried.
pub fn turn(db: &Db, pseudonyms: &Pseudonyms, stop: &Stop) -> AppResult<usize> {
    let begun = Instant::now();
    let mut tried = 0;
    while begun.elapsed() < TURN && !stop.is_asked() {
        let now = clock::now();
        let claimed = db.run_blocking(Scope::Instance, |conn| claim(conn, now))?;
        let Some(claimed) = claimed else { break };
        let attempt = try_once(db, pseudonyms, claimed, now);
        tried += 1;
        keep(db, claimed, attempt, now)?;
    }
    Ok(tried)
}

/// Makes what failed under another build than `build` due once more; answers how many. To be called when
/// a process starts, and not later: two builds that run side by side would take turns for ever.
pub fn renew(db: &Db, build: &str) -> AppResult<usize> {
    db.run_blocking(Scope::Instance, |conn| renew_all(conn, build, clock::now()))
}

fn try_once(db: &Db, pseudonyms: &Pseudonyms, claimed: Claimed, now: DateTime<Utc>) -> Attempt {
    let actor = Actor::system(claimed.merchant_id, now);
    let work = || {
        db.run_blocking(Scope::Merchant(claimed.merchant_id), |conn| {
            // Its order is locked meanwhile: whatever is in the way must not keep it so.
            conn.batch_execute("SET LOCAL lock_timeout = '1s'")?;
            match replay(conn, &actor, pseudonyms, claimed.delivery_id) {
                Ok(outcome) => QueryResult::Ok(Ok(outcome)),
                Err(ReplayError::Database(error)) => Err(error),
                Err(refusal) => Ok(Err(refusal)),
            }
        })
    };
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(Ok(Outcome::Failed))) => Attempt::Refused(FailureReason::Unreadable),
        Ok(Ok(Ok(outcome))) => Attempt::Processed(outcome),
        Ok(Ok(Err(_))) => Attempt::Refused(FailureReason::Unreadable),
        Ok(Err(AppError::BadRequest(_))) => Attempt::Refused(FailureReason::Value),
        Ok(Err(error)) if error.is_passing() => Attempt::Passing,
        Ok(Err(error)) => Attempt::Failed(error.to_string()),
        Err(_) => Attempt::Failed("it panicked".to_owned()),
    }
}

fn keep(db: &Db, claimed: Claimed, attempt: Attempt, now: DateTime<Utc>) -> AppResult<()> {
    let Claimed { merchant_id, delivery_id, attempts } = claimed;
    let scope = Scope::Merchant(merchant_id);
    match attempt {
        Attempt::Processed(outcome) => {
            counters::credits(outcome.credited());
            Ok(())
        }
        Attempt::Refused(reason) => {
            db.run_blocking(scope, |conn| claimed.plan_for(conn, reason, None))
        }
        Attempt::Passing => {
            db.run_blocking(scope, |conn| claimed.plan(conn, attempts - 1, Some(now + WAIT_OUT)))
        }
        Attempt::Failed(cause) => {
            let retry_at = (attempts < MAX_ATTEMPTS).then(|| now + wait_after(attempts));
            tracing::error!(merchant_id, delivery_id, attempts, %cause, "delivery_failed_again");
            let reason = FailureReason::OwnFault;
            db.run_blocking(scope, |conn| claimed.plan_for(conn, reason, retry_at))
        }
    }
}
