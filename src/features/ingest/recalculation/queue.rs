//! Processes requests, one portion of each merchant in turn. So the 10,000 orders of one don't
//! delay the 3 of another. Any number of workers may do this at the same time.

use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::portion::{LockedRequest, Portion};
use crate::features::ingest::text::RecalculationFailure;
use crate::kit::db::schema::recalculations;
use crate::kit::db::statement::statement;
use crate::kit::db::{Db, Scope};
use crate::kit::error::AppResult;
use crate::kit::stored_text::{StoredText, shown};
use crate::kit::supervise::Stop;

/// After this many failed attempts, a request fails with its reason.
const ATTEMPTS: i32 = 12;
/// The wait after a temporary fault, in milliseconds.
const AFTER_PASSING: i32 = 5_000;
/// The maximum number of stored characters of a reason.
const REASON_LENGTH: usize = 500;
/// A run ends after this time, and returns how much was done.
const RUN_TIME: Duration = Duration::from_secs(1);
/// The maximum pause after a portion. A worker pauses for as long as the portion took, because
/// deliveries from stores come first.
const REST: Duration = Duration::from_millis(250);

/// Runs a worker once for due portions. Returns how many orders were recalculated.
pub fn run_due(db: &Db, stop: &Stop) -> AppResult<usize> {
    let begun = Instant::now();
    let mut recalculated = 0;
    while begun.elapsed() < RUN_TIME && !stop.is_asked() {
        let Some(orders) = round(db, REST, stop)? else { break };
        recalculated += orders;
    }
    Ok(recalculated)
}

/// Runs until nothing is due, now or within a second. Returns how many orders were recalculated.
/// It's for tests and commands. Workers call [`run_due`].
pub fn drain(db: &Db) -> AppResult<usize> {
    let mut recalculated = 0;
    loop {
        match round(db, Duration::ZERO, &Stop::default())? {
            Some(orders) => recalculated += orders,
            None if is_due_shortly(db)? => thread::sleep(Duration::from_millis(10)),
            None => return Ok(recalculated),
        }
    }
}

/// Processes one portion of each merchant with due requests. `None` if nothing could be done. There
/// may be many merchants, so it ends after the current portion once `stop` is asked.
fn round(db: &Db, rest: Duration, stop: &Stop) -> AppResult<Option<usize>> {
    let mut recalculated = None;
    for merchant_id in due(db)? {
        if stop.is_asked() {
            break;
        }
        let begun = Instant::now();
        if let Portion::Done(orders) = portion(db, merchant_id)? {
            recalculated = Some(recalculated.unwrap_or(0) + orders);
            if orders > 0 {
                stop.wait(begun.elapsed().min(rest));
            }
        }
    }
    Ok(recalculated)
}

/// The merchants with due requests.
fn due(db: &Db) -> AppResult<Vec<i64>> {
    db.run_blocking(Scope::Instance, |conn| {
        recalculations::table
            .filter(recalculations::failed_at.is_null())
            .filter(recalculations::due_at.le(diesel::dsl::now))
            .select(recalculations::merchant_id)
            .distinct()
            .order(recalculations::merchant_id)
            .load(conn)
    })
}

fn is_due_shortly(db: &Db) -> AppResult<bool> {
    db.run_blocking(Scope::Instance, |conn| {
        statement!(
            "SELECT EXISTS (SELECT FROM recalculations \
             WHERE failed_at IS NULL AND due_at <= now() + interval '1 second')"
        )
        .scalar::<Bool>()
        .get_result(conn)
    })
}

fn portion(db: &Db, merchant_id: i64) -> AppResult<Portion> {
    let mut taken = None;
    let done = db.run_blocking(Scope::Merchant(merchant_id), |conn| {
        // Its orders stay locked meanwhile, so this transaction must not wait long for other locks.
        conn.batch_execute("SET LOCAL lock_timeout = '1s'")?;
        let Some(request) = LockedRequest::take(conn, merchant_id)? else {
            return Ok(Portion::Nothing);
        };
        taken.insert(request).carry_out(conn)
    });
    match (done, taken) {
        // The attempt doesn't count, because a temporary fault isn't caused by the orders.
        (Err(error), Some(request)) if error.is_passing() => {
            db.run_blocking(Scope::Merchant(merchant_id), |conn| {
                request.put_off(conn, AFTER_PASSING)
            })?;
            Ok(Portion::Done(0))
        }
        (Err(error), Some(request)) => {
            let reason: String = format!("{error:#}").chars().take(REASON_LENGTH).collect();
            let (id, attempts) = (request.id, request.attempts);
            tracing::error!(merchant_id, recalculation_id = id, attempts, error = %reason, "recalculation_failed");
            db.run_blocking(Scope::Merchant(merchant_id), |conn| {
                failed(conn, &request, RecalculationFailure::Internal { error: reason })
            })?;
            Ok(Portion::Done(0))
        }
        (done, _) => done,
    }
}

/// Gives each order of a failed portion its own request, so that one bad order doesn't block the
/// others. A request for a single order is retried later.
fn failed(
    conn: &mut PgConnection,
    request: &LockedRequest,
    failure: RecalculationFailure,
) -> QueryResult<()> {
    let found = request.next(conn)?;
    if found.len() <= 1 {
        return request.put_back(conn, failure, ATTEMPTS);
    }
    let alone: Vec<Vec<i64>> = found.iter().map(|order| vec![order.id]).collect();
    request.hand_on(conn, &alone, 0)?;
    request.move_on(conn, &found)
}

/// How many requests failed, and the reason of the last one. The caller holds `Scope::Instance`.
pub fn failed_requests(conn: &mut PgConnection) -> QueryResult<(i64, String)> {
    let failed = || recalculations::table.filter(recalculations::failed_at.is_not_null());
    type Failure = (Option<StoredText<RecalculationFailure>>, Option<String>);
    let last: Option<Failure> = failed()
        .order(recalculations::failed_at.desc())
        .select((recalculations::failure, recalculations::last_error))
        .first(conn)
        .optional()?;
    let reason = last.and_then(|(stored, earlier)| shown(stored.as_ref(), earlier.as_deref()));
    Ok((failed().count().get_result(conn)?, reason.unwrap_or_default()))
}

/// Makes failed requests due again with all their attempts, because the operator may have fixed the
/// cause before Vouch started. Returns how many. The caller holds `Scope::Instance`.
pub fn retry_failed(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<usize> {
    diesel::update(recalculations::table.filter(recalculations::failed_at.is_not_null()))
        .set((
            recalculations::failed_at.eq(None::<DateTime<Utc>>),
            recalculations::attempts.eq(0),
            recalculations::due_at.eq(now),
        ))
        .execute(conn)
}
