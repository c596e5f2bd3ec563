use actix_session::Session;
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use futures_util::future::{Ready, ready};
use rand::distr::{Alphanumeric, SampleString};
use serde::{Deserialize, Serialize};
use vouch_core::calendar::Calendar;

use super::browser;
use crate::features::auth::session_store::ABSOLUTE_LIMIT;
use crate::kit::db::schema::sessions;
use crate::kit::error::{AppError, AppResult};
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::peer::peer;

/// The session key that holds the [`Origin`].
pub(in crate::features::auth) const ORIGIN: &str = "origin";

/// Longer user agents are cut to this many characters.
const USER_AGENT_LENGTH: usize = 300;

/// Where a person signed in. It's stored with the session from its start.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Origin {
    /// Identifies this session among the person's sessions. It gives no access.
    pub(super) id: String,
    user_agent: String,
    address: String,
}

impl Origin {
    /// The IP address.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

impl FromRequest for Origin {
    type Error = AppError;
    type Future = Ready<AppResult<Self>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let user_agent = req.headers().get(header::USER_AGENT);
        let user_agent = user_agent.and_then(|value| value.to_str().ok()).unwrap_or_default();
        ready(Ok(Self {
            id: Alphanumeric.sample_string(&mut rand::rng(), 16),
            user_agent: user_agent.chars().take(USER_AGENT_LENGTH).collect(),
            address: peer(req).to_string(),
        }))
    }
}

/// One of a person's sessions.
pub(crate) struct Device {
    key_hash: Vec<u8>,
    /// Identifies it in URLs.
    pub(crate) id: String,
    pub(crate) browser: String,
    /// The IP address at sign-in.
    pub(crate) address: String,
    /// Whether it's the current session.
    pub(crate) is_this: bool,
    created_at: DateTime<Utc>,
    /// When it was last used, to within a few minutes.
    seen_at: DateTime<Utc>,
}

impl Device {
    pub(crate) fn since(&self, calendar: Calendar) -> DisplayTime {
        DisplayTime::new(self.created_at, calendar)
    }

    pub(crate) fn seen(&self, calendar: Calendar) -> DisplayTime {
        DisplayTime::new(self.seen_at, calendar)
    }
}

/// The ID of a session among its person's sessions.
pub(crate) fn name_of(session: &Session) -> AppResult<String> {
    let origin = session.get::<Origin>(ORIGIN)?;
    Ok(origin.map(|origin| origin.id).unwrap_or_default())
}

type Row = (Vec<u8>, serde_json::Value, DateTime<Utc>, DateTime<Utc>);

/// A person's active sessions, the last used first; `this` is the current one.
pub(crate) fn devices(
    conn: &mut PgConnection,
    user_id: i64,
    this: &str,
    now: DateTime<Utc>,
) -> QueryResult<Vec<Device>> {
    let rows: Vec<Row> = sessions::table
        .filter(sessions::user_id.eq(user_id))
        .filter(sessions::expires_at.gt(now))
        .filter(sessions::created_at.gt(now - ABSOLUTE_LIMIT))
        .order((sessions::seen_at.desc(), sessions::created_at.desc()))
        .select((sessions::key_hash, sessions::state, sessions::created_at, sessions::seen_at))
        .load(conn)?;
    Ok(rows.into_iter().map(|row| device(row, this)).collect())
}

fn device((key_hash, state, created_at, seen_at): Row, this: &str) -> Device {
    // Each value of the state is a JSON string of its own.
    let origin: Origin = state
        .get(ORIGIN)
        .and_then(serde_json::Value::as_str)
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    // Sessions from before origins were stored get an ID from their key hash.
    let id = if origin.id.is_empty() { hex::encode(&key_hash[..16]) } else { origin.id };
    Device {
        is_this: id == this,
        id,
        browser: browser::in_words(&origin.user_agent),
        address: origin.address,
        key_hash,
        created_at,
        seen_at,
    }
}

/// Ends one of a person's sessions. Fails with `NotFound` if they have no such session.
pub(crate) fn end(
    conn: &mut PgConnection,
    user_id: i64,
    id: &str,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let device = devices(conn, user_id, "", now)?.into_iter().find(|device| device.id == id);
    let device = device.ok_or(diesel::result::Error::NotFound)?;
    diesel::delete(sessions::table.find(device.key_hash)).execute(conn).map(drop)
}

/// Ends all of a person's sessions except `this`. Returns how many.
pub(crate) fn end_others(
    conn: &mut PgConnection,
    user_id: i64,
    this: &str,
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    let others: Vec<Vec<u8>> = devices(conn, user_id, this, now)?
        .into_iter()
        .filter(|device| !device.is_this)
        .map(|device| device.key_hash)
        .collect();
    diesel::delete(sessions::table.filter(sessions::key_hash.eq_any(others))).execute(conn)
}
