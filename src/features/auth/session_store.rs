//! Sessions, behind actix-session's own trait.
//!
//! Sessions of people who are signed in or have entered their password are in PostgreSQL. The
//! cookie has a random key and the table only its hash, so reading the table lets no one sign in.
//! Other sessions have a CSRF token and the message for the next page. They're only in the signed
//! cookie, so viewing a form writes no row.

use std::collections::HashMap;

use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use actix_web::cookie::time::Duration as CookieDuration;
use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use rand::distr::{Alphanumeric, SampleString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::kit::clock;
use crate::kit::db::schema::sessions;
use crate::kit::db::{Db, Scope};
use crate::kit::error::{AppError, AppResult};
use crate::kit::session::{FLASH, TOKEN, USER_ID};

/// Idle timeout: a session ends this long after its last use.
pub(crate) const IDLE_LIMIT: Duration = Duration::hours(24);
/// A session ends this long after sign-in, used or not.
pub(crate) const ABSOLUTE_LIMIT: Duration = Duration::days(14);
/// How long after the password a two-factor code is accepted, and how long a form can stay open
/// before sign-in.
const ANONYMOUS_LIMIT: Duration = Duration::hours(2);
/// The state that may be stored in the cookie. A browser can replay an earlier cookie, so
/// replayable state must be harmless: no count of wrong codes, and no user.
const IN_COOKIE: [&str; 2] = [TOKEN, FLASH];
/// Browsers drop cookies above 4,096 bytes, and the encoding can triple each byte.
const MAX_COOKIE_BYTES: usize = 1_200;
/// The idle timeout moves in steps, so that not every page view writes.
const STEP: Duration = Duration::minutes(5);

type State = HashMap<String, String>;

/// A session stored in its cookie. As JSON it starts with a brace, which no row key does.
#[derive(Serialize, Deserialize)]
struct InCookie {
    until: DateTime<Utc>,
    state: State,
}

impl InCookie {
    /// The cookie for `state`; `None` if a row must store it.
    fn write(state: &State, now: DateTime<Utc>) -> Option<String> {
        if !state.keys().all(|key| IN_COOKIE.contains(&key.as_str())) {
            return None;
        }
        let session = Self { until: now + ANONYMOUS_LIMIT, state: state.clone() };
        serde_json::to_string(&session).ok().filter(|text| text.len() <= MAX_COOKIE_BYTES)
    }

    fn read(key: &str) -> Option<Self> {
        serde_json::from_str(key).ok()
    }
}

#[derive(Clone)]
pub(crate) struct PgSessions {
    db: Db,
}

impl PgSessions {
    /// Uses the pages' connection pool.
    pub(crate) fn new(db: Db) -> Self {
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

/// Wraps the error so that a database outage is still recognized as 503.
fn why(error: AppError) -> anyhow::Error {
    anyhow::Error::new(error)
}

impl SessionStore for PgSessions {
    /// Also extends the idle timeout. A separate [`Self::update_ttl`] would cost every page another
    /// transaction.
    async fn load(&self, session_key: &SessionKey) -> Result<Option<State>, LoadError> {
        if let Some(session) = InCookie::read(session_key.as_ref()) {
            return Ok((session.until > clock::now()).then_some(session.state));
        }
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
        if let Some(cookie) = InCookie::write(&state, clock::now()) {
            return SessionKey::try_from(cookie).map_err(|error| SaveError::Other(error.into()));
        }
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
        let is_row = InCookie::read(session_key.as_ref()).is_none();
        if !is_row || InCookie::write(&state, clock::now()).is_some() {
            if is_row {
                self.delete(&session_key).await.map_err(UpdateError::Other)?;
            }
            return self.save(state, ttl).await.map_err(|error| UpdateError::Other(error.into()));
        }
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
        // The session was ended elsewhere meanwhile. An update must not restore a signed-in
        // session.
        if updated == 0 && person_in(&kept).is_none() {
            return self.save(kept, ttl).await.map_err(|error| UpdateError::Other(error.into()));
        }
        Ok(session_key)
    }

    async fn update_ttl(&self, _: &SessionKey, _: &CookieDuration) -> anyhow::Result<()> {
        Ok(()) // Loading it has done so.
    }

    async fn delete(&self, session_key: &SessionKey) -> anyhow::Result<()> {
        if InCookie::read(session_key.as_ref()).is_some() {
            return Ok(());
        }
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

/// Extends the idle timeout of a signed-in session.
fn see_again(conn: &mut PgConnection, key: &[u8], now: DateTime<Utc>) -> QueryResult<usize> {
    diesel::update(sessions::table.find(key).filter(sessions::user_id.is_not_null()))
        .set((sessions::seen_at.eq(now), sessions::expires_at.eq(now + IDLE_LIMIT)))
        .execute(conn)
}

/// Ends all of a person's sessions.
pub(crate) fn end_sessions_of(conn: &mut PgConnection, user_id: i64) -> QueryResult<usize> {
    diesel::delete(sessions::table.filter(sessions::user_id.eq(user_id))).execute(conn)
}

/// Deletes expired sessions. The workers call it periodically.
pub(crate) fn sweep(db: &Db, now: DateTime<Utc>) -> AppResult<usize> {
    db.run_blocking(Scope::Unowned, |conn| {
        diesel::delete(
            sessions::table.filter(
                sessions::expires_at.lt(now).or(sessions::created_at.lt(now - ABSOLUTE_LIMIT)),
            ),
        )
        .execute(conn)
    })
}
