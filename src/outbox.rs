//! Work that a transaction leaves for the background: written with the business rows, so that it is
//! there exactly when they are, and taken by any worker of any process.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Jsonb, Timestamptz};
use serde::{Deserialize, Serialize};

use crate::audit::Actor;
use crate::clock;
use crate::db::schema::outbox;
use crate::db::{Db, Scope, prepared};
use crate::error::AppResult;
use crate::orders::reconsider::{Portion, Since, reconsider, reconsider_since};

/// A worker that dies gives its work back after this time.
const LEASE: Duration = Duration::minutes(5);
/// After so many tries the work is parked with its reason.
const TRIES: i32 = 12;
/// As much of a reason is kept.
const REASON_LENGTH: usize = 500;

/// What can be left for the background.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", content = "payload", rename_all = "snake_case")]
pub enum Work {
    /// Decide again on some orders.
    Reconsider(Portion),
    /// Decide again on every order placed since then.
    ReconsiderSince(Since),
}

impl Work {
    fn kind(&self) -> &'static str {
        match self {
            Self::Reconsider(_) => "reconsider",
            Self::ReconsiderSince(_) => "reconsider_since",
        }
    }

    fn run(&self, conn: &mut PgConnection, actor: &Actor) -> QueryResult<()> {
        match self {
            Self::Reconsider(portion) => {
                reconsider(conn, actor, &portion.order_ids, &portion.cause)
            }
            Self::ReconsiderSince(all) => reconsider_since(conn, actor, all.since, &all.cause),
        }
    }
}

/// Leaves `work` for the background, in the running transaction.
///
/// # Errors
/// The database's.
pub fn queue(
    conn: &mut PgConnection,
    merchant_id: i64,
    work: &Work,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let payload = serde_json::to_value(work)
        .map_err(|error| diesel::result::Error::SerializationError(Box::new(error)))?;
    diesel::insert_into(outbox::table)
        .values((
            outbox::merchant_id.eq(merchant_id),
            outbox::kind.eq(work.kind()),
            outbox::payload.eq(payload),
            outbox::created_at.eq(now),
            outbox::available_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Does what is due, one piece after the other; answers how many.
///
/// # Errors
/// The database's, when it is away. A piece that fails is kept for another try.
pub fn work_off(db: &Db) -> AppResult<usize> {
    let mut done = 0;
    while work_one(db)? {
        done += 1;
    }
    Ok(done)
}

fn work_one(db: &Db) -> AppResult<bool> {
    let now = clock::now();
    let Some((merchant_id, id, payload, attempts)) = lease(db, now)? else { return Ok(false) };
    let actor = Actor::system(merchant_id, now);
    let result =
        serde_json::from_value::<Work>(payload).map_err(anyhow::Error::from).and_then(|work| {
            db.run_blocking(Scope::Merchant(merchant_id), |conn| {
                work.run(conn, &actor)?;
                diesel::delete(outbox::table.find((merchant_id, id))).execute(conn)
            })
            .map_err(anyhow::Error::from)
        });
    if let Err(error) = result {
        let reason = format!("{error:#}");
        let is_given_up = attempts >= TRIES;
        tracing::error!(merchant_id, id, attempts, is_given_up, cause = %reason, "work failed");
        let reason = reason.chars().take(REASON_LENGTH).collect();
        put_back(db, (merchant_id, id), Failure { attempts, is_given_up, reason }, now)?;
    }
    Ok(true)
}

type Leased = (i64, i64, serde_json::Value, i32);

fn lease(db: &Db, now: DateTime<Utc>) -> AppResult<Option<Leased>> {
    db.run_blocking(Scope::Installation, |conn| {
        prepared::<(BigInt, BigInt, Jsonb, Integer)>(
            "UPDATE outbox o SET leased_until = ?, attempts = o.attempts + 1 \
             FROM (SELECT merchant_id, id FROM outbox \
                 WHERE parked_at IS NULL AND available_at <= ? \
                     AND (leased_until IS NULL OR leased_until < ?) \
                 ORDER BY available_at, id LIMIT 1 FOR UPDATE SKIP LOCKED) due \
             WHERE o.merchant_id = due.merchant_id AND o.id = due.id \
             RETURNING o.merchant_id, o.id, o.payload, o.attempts",
        )
        .bind::<Timestamptz, _>(now + LEASE)
        .bind::<Timestamptz, _>(now)
        .bind::<Timestamptz, _>(now)
        .get_result(conn)
        .optional()
    })
}

/// A try that came to nothing.
struct Failure {
    attempts: i32,
    is_given_up: bool,
    reason: String,
}

/// Another try later, each time twice as late; or parked, for a person to look at.
fn put_back(db: &Db, key: (i64, i64), failure: Failure, now: DateTime<Utc>) -> AppResult<()> {
    let pause = Duration::seconds(1 << failure.attempts.clamp(0, 12));
    db.run_blocking(Scope::Merchant(key.0), |conn| {
        diesel::update(outbox::table.find(key))
            .set((
                outbox::available_at.eq(now + pause),
                outbox::leased_until.eq(None::<DateTime<Utc>>),
                outbox::last_error.eq(&failure.reason),
                outbox::parked_at.eq(failure.is_given_up.then_some(now)),
            ))
            .execute(conn)
            .map(drop)
    })
}

/// How many pieces were given up, and why the last of them. Within `Scope::Installation`.
///
/// # Errors
/// The database's.
pub fn given_up(conn: &mut PgConnection) -> QueryResult<(i64, String)> {
    let parked = || outbox::table.filter(outbox::parked_at.is_not_null());
    let last = parked()
        .order(outbox::parked_at.desc())
        .select(outbox::last_error)
        .first::<Option<String>>(conn)
        .optional()?;
    Ok((parked().count().get_result(conn)?, last.flatten().unwrap_or_default()))
}

/// Takes up again what was given up: somebody has mended the cause, or so it is hoped, when Vouch
/// is started anew. Answers how many pieces. Within `Scope::Installation`.
///
/// # Errors
/// The database's.
pub fn take_up_again(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<usize> {
    diesel::update(outbox::table.filter(outbox::parked_at.is_not_null()))
        .set((
            outbox::parked_at.eq(None::<DateTime<Utc>>),
            outbox::attempts.eq(0),
            outbox::available_at.eq(now),
        ))
        .execute(conn)
}
