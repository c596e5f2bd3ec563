//! What Vouch calls a store with, and what it may do there.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use secrecy::SecretSlice;

use super::model::Store;
use crate::kit::audit::{Actor, record};
use crate::kit::db::schema::stores;
use crate::kit::secrets::{DecryptError, Encryptor, Use};
use crate::kit::{store_jobs, urls};

/// What sealed credentials are bound to.
pub(super) fn credentials_use(store: &Store) -> Use {
    Use { merchant_id: store.merchant_id, store_id: store.id, purpose: "credentials" }
}

/// What a sealed token is bound to.
pub(super) fn token_use(store: &Store) -> Use {
    Use { merchant_id: store.merchant_id, store_id: store.id, purpose: "access-token" }
}

impl Store {
    /// The platform's own credentials, as JSON; `None` while there are none.
    ///
    /// # Errors
    /// [`DecryptError`] when they were sealed with another installation key.
    pub fn credentials(
        &self,
        encryptor: &Encryptor,
    ) -> Result<Option<SecretSlice<u8>>, DecryptError> {
        let encrypted = self.credentials.as_ref();
        encrypted.map(|encrypted| encryptor.open(credentials_use(self), encrypted)).transpose()
    }

    /// Whether there is anything to call it with.
    pub fn has_credentials(&self) -> bool {
        self.credentials.is_some()
    }

    /// The token that was got with the credentials, while it is good at `at`. One that does not
    /// open is as good as none: it is asked for again.
    pub fn access_token(
        &self,
        encryptor: &Encryptor,
        at: DateTime<Utc>,
    ) -> Option<SecretSlice<u8>> {
        let good = self.access_token_expires_at.is_some_and(|end| at < end);
        let encrypted = self.access_token.as_ref().filter(|_| good)?;
        encryptor.open(token_use(self), encrypted).ok()
    }

    /// Where it sends its messages. `public_url`: where Vouch is reached, without a slash at the end.
    pub fn webhook_url(&self, public_url: &str) -> String {
        format!("{public_url}/hooks/{}/{}", self.platform.as_str(), self.store_key)
    }

    /// The page of the settings where it is connected.
    pub fn settings_path(&self) -> String {
        urls::store_settings(self.platform)
    }
}

/// Keeps what the store is called with from now on: `json` is the platform's own. What was wrong
/// with the access is forgotten, and all that waited for it is due.
///
/// # Errors
/// `NotFound` when the store is no longer connected; else the database's.
pub fn set_credentials(
    conn: &mut PgConnection,
    actor: &Actor,
    encryptor: &Encryptor,
    store: &Store,
    json: &[u8],
) -> QueryResult<()> {
    conn.transaction(|conn| {
        let changed = diesel::update(stores::table.find((store.merchant_id, store.id)))
            .filter(stores::disconnected_at.is_null())
            .set((
                stores::credentials.eq(encryptor.encrypt(credentials_use(store), json)),
                stores::credentials_set_at.eq(actor.now),
                stores::access_token.eq(None::<Vec<u8>>),
                stores::access_token_expires_at.eq(None::<DateTime<Utc>>),
                stores::access_problem.eq(None::<String>),
            ))
            .execute(conn)?;
        if changed == 0 {
            return Err(diesel::result::Error::NotFound);
        }
        store_jobs::wake(conn, store.merchant_id, store.id, actor.now)?;
        let summary = format!("Set the API credentials of {}.", store.name);
        record(conn, actor, store.act("store.credentials_set", summary))
    })
}

/// Keeps a token that was got with the credentials `store` was read with, until `expires_at`. Where
/// they were replaced meanwhile, nothing is kept.
pub fn keep_access_token(
    conn: &mut PgConnection,
    encryptor: &Encryptor,
    store: &Store,
    token: &[u8],
    expires_at: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(stores::table.find((store.merchant_id, store.id)))
        .filter(stores::credentials_set_at.is_not_distinct_from(store.credentials_set_at))
        .set((
            stores::access_token.eq(encryptor.encrypt(token_use(store), token)),
            stores::access_token_expires_at.eq(expires_at),
        ))
        .execute(conn)
        .map(drop)
}

/// Says whether new codes are pushed into the store, and under which rules: `rules` is the
/// platform's own JSON. Codes that were queued go on.
///
/// # Errors
/// `NotFound` when the store is no longer connected; else the database's.
pub fn set_discount_rules(
    conn: &mut PgConnection,
    actor: &Actor,
    store: &Store,
    creates_codes: bool,
    rules: Option<&serde_json::Value>,
) -> QueryResult<()> {
    conn.transaction(|conn| {
        let changed = diesel::update(stores::table.find((store.merchant_id, store.id)))
            .filter(stores::disconnected_at.is_null())
            .set((stores::creates_codes.eq(creates_codes), stores::discount_rules.eq(rules)))
            .execute(conn)?;
        if changed == 0 {
            return Err(diesel::result::Error::NotFound);
        }
        let (kind, at) = (store_jobs::JobKind::Push, actor.now);
        store_jobs::make_due(conn, store.merchant_id, store.id, kind, at)?;
        let summary = match creates_codes {
            true => format!("Set what codes that are created in {} get.", store.name),
            false => format!("Switched the creation of codes in {} off.", store.name),
        };
        let mut act = store.act("store.discount_rules_set", summary);
        act.before = store.discount_rules.clone();
        act.after = rules.cloned();
        record(conn, actor, act)
    })
}

/// Notes that the store refused the credentials that `store` was read with: it rests until they are
/// mended. Where they were replaced meanwhile, the refusal says nothing.
pub fn note_denied(
    conn: &mut PgConnection,
    store: &Store,
    problem: &str,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(stores::table.find((store.merchant_id, store.id)))
        .filter(stores::credentials_set_at.is_not_distinct_from(store.credentials_set_at))
        .set((stores::access_problem.eq(problem), stores::access_checked_at.eq(now)))
        .execute(conn)
        .map(drop)
}

/// Notes that the store answered with the credentials that `store` was read with: nothing is wrong
/// with them, whatever was before.
pub fn note_answered(
    conn: &mut PgConnection,
    store: &Store,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(stores::table.find((store.merchant_id, store.id)))
        .filter(stores::credentials_set_at.is_not_distinct_from(store.credentials_set_at))
        .set((stores::access_problem.eq(None::<String>), stores::access_checked_at.eq(now)))
        .execute(conn)
        .map(drop)
}

/// Notes how the store's webhooks stand.
pub fn note_webhooks(
    conn: &mut PgConnection,
    store: &Store,
    problem: Option<&str>,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(stores::table.find((store.merchant_id, store.id)))
        .set((stores::webhooks_problem.eq(problem), stores::webhooks_checked_at.eq(now)))
        .execute(conn)
        .map(drop)
}
