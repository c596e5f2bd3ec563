//! Sessions in PostgreSQL, behind actix-session's own trait. The cookie holds a random key, the
//! table its hash: who reads the table cannot sign in with what is there.

use std::collections::HashMap;

use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use actix_web::cookie::time::Duration as CookieDuration;
use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use rand::distr::{Alphanumeric, SampleString};
use sha2::{Digest, Sha256};

use crate::clock;
use crate::db::schema::sessions;
use crate::db::{Db, Scope};
use crate::error::{AppError, AppResult};

/// A session ends this long after it was last used.
pub const IDLE_LIMIT: Duration = Duration::hours(24);
/// A session ends this long after sign-in, used or not.
pub const ABSOLUTE_LIMIT: Duration = Duration::days(14);
/// A session of nobody (a form that was looked at) is not kept long.
const ANONYMOUS_LIMIT: Duration = Duration::hours(2);
/// The idle limit moves in steps, so that not every page writes.
const STEP: Duration = Duration::minutes(5);

/// The key under which the state names the person.
pub(super) const USER_ID: &str = "user_id";

type State = HashMap<String, String>;

/// The session store.
#[derive(Clone)]
pub struct PgSessions {
    db: Db,
}

impl PgSessions {
    /// A store on the pages' pool.
    pub fn new(db: Db) -> Self {
        Self { db }
    }
}

fn hashed(key: &str) -> Vec<u8> {
    Sha256::digest(key.as_bytes()).to_vec()
}

fn person_in(state: &State) -> Option<i64> {
    state.get(USER_ID)?.parse().ok()
}

fn idle_until(state: &State, now: DateTime<Utc>) -> DateTime<Utc> {
    now + if person_in(state).is_some() { IDLE_LIMIT } else { ANONYMOUS_LIMIT }
}

/// The error inside actix-session's: keeps "the database is away" recognisable as 503.
fn why(error: AppError) -> anyhow::Error {
    anyhow::Error::new(error)
}

impl SessionStore for PgSessions {
    /// Moves the idle limit on as well: asked to do that on its own ([`Self::update_ttl`]), every
    /// page would take one transaction more.
    async fn load(&self, session_key: &SessionKey) -> Result<Option<State>, LoadError> {
        let (key, now) = (hashed(session_key.as_ref()), clock::now());
        let found: Option<(serde_json::Value, DateTime<Utc>)> = self
            .db
            .glance({
                let key = key.clone();
                move |conn| {
                    sessions::table
                        .find(&key)
                        .filter(sessions::expires_at.gt(now))
                        .filter(sessions::created_at.gt(now - ABSOLUTE_LIMIT))
                        .select((sessions::state, sessions::seen_at))
                        .first(conn)
                        .optional()
                }
            })
            .await
            .map_err(|error| LoadError::Other(why(error)))?;
        if found.as_ref().is_some_and(|(_, seen_at)| *seen_at < now - STEP) {
            let seen = self.db.glance(move |conn| see_again(conn, &key, now)).await;
            seen.map_err(|error| LoadError::Other(why(error)))?;
        }
        found
            .map(|(state, _)| serde_json::from_value(state))
            .transpose()
            .map_err(|error| LoadError::Deserialization(error.into()))
    }

    async fn save(&self, state: State, _: &CookieDuration) -> Result<SessionKey, SaveError> {
        let key = Alphanumeric.sample_string(&mut rand::rng(), 64);
        let row = (hashed(&key), clock::now());
        self.db
            .run(Scope::Unowned, move |conn| {
                let (key_hash, now) = row;
                diesel::insert_into(sessions::table)
                    .values((
                        sessions::key_hash.eq(key_hash),
                        sessions::user_id.eq(person_in(&state)),
                        sessions::expires_at.eq(idle_until(&state, now)),
                        sessions::state.eq(serde_json::json!(state)),
                        sessions::created_at.eq(now),
                        sessions::seen_at.eq(now),
                    ))
                    .execute(conn)
            })
            .await
            .map_err(|error| SaveError::Other(why(error)))?;
        SessionKey::try_from(key).map_err(|error| SaveError::Other(error.into()))
    }

    async fn update(
        &self,
        session_key: SessionKey,
        state: State,
        ttl: &CookieDuration,
    ) -> Result<SessionKey, UpdateError> {
        let (key, now) = (hashed(session_key.as_ref()), clock::now());
        let kept = state.clone();
        let updated = self
            .db
            .run(Scope::Unowned, move |conn| {
                diesel::update(sessions::table.find(key))
                    .set((
                        sessions::user_id.eq(person_in(&state)),
                        sessions::expires_at.eq(idle_until(&state, now)),
                        sessions::state.eq(serde_json::json!(state)),
                        sessions::seen_at.eq(now),
                    ))
                    .execute(conn)
            })
            .await
            .map_err(|error| UpdateError::Other(why(error)))?;
        // Ended meanwhile, elsewhere: a signed-in session must not come back by an update.
        if updated == 0 && person_in(&kept).is_none() {
            return self.save(kept, ttl).await.map_err(|error| UpdateError::Other(error.into()));
        }
        Ok(session_key)
    }

    async fn update_ttl(&self, _: &SessionKey, _: &CookieDuration) -> anyhow::Result<()> {
        Ok(()) // Loading it has done so.
    }

    async fn delete(&self, session_key: &SessionKey) -> anyhow::Result<()> {
        let key = hashed(session_key.as_ref());
        self.db
            .run(Scope::Unowned, move |conn| {
                diesel::delete(sessions::table.find(key)).execute(conn)
            })
            .await
            .map_err(why)?;
        Ok(())
    }
}

/// Moves the idle limit of somebody's session on.
fn see_again(conn: &mut PgConnection, key: &[u8], now: DateTime<Utc>) -> QueryResult<usize> {
    diesel::update(sessions::table.find(key).filter(sessions::user_id.is_not_null()))
        .set((sessions::seen_at.eq(now), sessions::expires_at.eq(now + IDLE_LIMIT)))
        .execute(conn)
}

/// Ends every session of a person, everywhere.
///
/// # Errors
/// The database's.
pub fn end_sessions_of(conn: &mut PgConnection, user_id: i64) -> QueryResult<usize> {
    diesel::delete(sessions::table.filter(sessions::user_id.eq(user_id))).execute(conn)
}

/// Deletes what has expired; the workers call it from time to time.
///
/// # Errors
/// The database's.
pub fn sweep(db: &Db, now: DateTime<Utc>) -> AppResult<usize> {
    db.run_blocking(Scope::Unowned, |conn| {
        diesel::delete(
            sessions::table.filter(
                sessions::expires_at.lt(now).or(sessions::created_at.lt(now - ABSOLUTE_LIMIT)),
            ),
        )
        .execute(conn)
    })
}
