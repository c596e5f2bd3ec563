//! The credentials of a store, and the settings for calls to it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use secrecy::SecretSlice;
use vouch_platforms::Reason;

use super::jobs;
use super::model::Store;
use super::title::title;
use crate::features::audit::{Act, AuditEvent};
use crate::kit::audit::{Actor, record};
use crate::kit::db::schema::stores;
use crate::kit::jobs::wake;
use crate::kit::secrets::{DecryptError, Encryptor, Use};
use crate::kit::stored_text::StoredText;
use crate::kit::urls;

/// What encrypted credentials are bound to.
pub(super) fn credentials_use(store: &Store) -> Use {
    Use { merchant_id: store.merchant_id, store_id: store.id, purpose: "credentials" }
}

/// What an encrypted token is bound to.
pub(super) fn token_use(store: &Store) -> Use {
    Use { merchant_id: store.merchant_id, store_id: store.id, purpose: "access-token" }
}

impl Store {
    /// The platform's own credentials as JSON. `None` if there are none. Fails with
    /// [`DecryptError`] if they were encrypted with another secret key.
    pub fn credentials(
        &self,
        encryptor: &Encryptor,
    ) -> Result<Option<SecretSlice<u8>>, DecryptError> {
        let encrypted = self.credentials.as_ref();
        encrypted.map(|encrypted| encryptor.open(credentials_use(self), encrypted)).transpose()
    }

    pub fn has_credentials(&self) -> bool {
        self.credentials.is_some()
    }

    /// The access token from these credentials, if it's valid at `at`. A token that can't be
    /// decrypted counts as none, so a new one is requested.
    pub(crate) fn access_token(
        &self,
        encryptor: &Encryptor,
        at: DateTime<Utc>,
    ) -> Option<SecretSlice<u8>> {
        let good = self.access_token_expires_at.is_some_and(|end| at < end);
        let encrypted = self.access_token.as_ref().filter(|_| good)?;
        encryptor.open(token_use(self), encrypted).ok()
    }

    /// The URL for its webhooks. `public_url` is Vouch's base URL without a trailing slash.
    pub fn webhook_url(&self, public_url: &str) -> String {
        format!("{public_url}/hooks/{}/{}", self.platform.as_str(), self.store_key)
    }

    /// The settings page where it's connected.
    pub(crate) fn settings_path(&self) -> String {
        urls::store_settings(self.platform)
    }
}

type StoredProblem<Earlier, Current> = (
    diesel::dsl::Eq<Earlier, Option<String>>,
    diesel::dsl::Eq<Current, Option<StoredText<Reason>>>,
);

/// Sets or clears why the store can't be called.
pub(super) fn access_problem(
    reason: Option<&Reason>,
) -> StoredProblem<stores::access_problem, stores::access_reason> {
    let reason = reason.cloned().map(StoredText::from);
    (stores::access_problem.eq(None::<String>), stores::access_reason.eq(reason))
}

/// Sets or clears the problem with the store's webhooks.
pub(super) fn webhooks_problem(
    reason: Option<&Reason>,
) -> StoredProblem<stores::webhooks_problem, stores::webhooks_reason> {
    let reason = reason.cloned().map(StoredText::from);
    (stores::webhooks_problem.eq(None::<String>), stores::webhooks_reason.eq(reason))
}

/// Saves the store's credentials. `json` has the platform's own format. Clears the access problem
/// and makes the store's jobs due. Fails with `NotFound` if the store is no longer connected.
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
                access_problem(None),
            ))
            .execute(conn)?;
        if changed == 0 {
            return Err(diesel::result::Error::NotFound);
        }
        jobs::wake_jobs(conn, store.merchant_id, store.id, actor.now)?;
        let event = AuditEvent::CredentialsSaved { store: store.name.clone() };
        record(conn, actor, store.act(event))
    })
}

/// Saves an access token until `expires_at`. `store` holds the credentials that it was requested
/// with. If they were replaced meanwhile, nothing is saved.
pub(crate) fn keep_access_token(
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

/// Sets whether new codes are pushed to the store and with which settings. `rules` is the
/// platform's own JSON. Queued codes get the new settings, or wait while code creation is off.
/// Fails with `NotFound` if the store is no longer connected.
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
        wake(conn, &store.queue(jobs::PUSH), actor.now)?;
        let event = AuditEvent::DiscountRulesChanged {
            store: store.name.clone(),
            was_on: store.creates_codes,
            is_on: creates_codes,
        };
        let act =
            Act { before: store.discount_rules.clone(), after: rules.cloned(), ..store.act(event) };
        record(conn, actor, act)
    })
}

/// Records that the store rejected the credentials in `store`, so calls pause until they're fixed.
/// If the credentials were replaced meanwhile, the rejection is ignored.
pub(crate) fn note_denied(
    conn: &mut PgConnection,
    store: &Store,
    reason: &Reason,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(stores::table.find((store.merchant_id, store.id)))
        .filter(stores::credentials_set_at.is_not_distinct_from(store.credentials_set_at))
        .set((access_problem(Some(reason)), stores::access_checked_at.eq(now)))
        .execute(conn)
        .map(drop)
}

/// Records that the store accepted the credentials in `store`, and clears any access problem.
/// `called` is the store's own title, or "".
pub(crate) fn note_answered(
    conn: &mut PgConnection,
    store: &Store,
    called: &str,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    if let Some(address) = store.address.as_deref().filter(|_| !called.trim().is_empty()) {
        let key = (store.merchant_id, Some(store.id));
        let name = title(conn, key, (called.trim(), store.platform), address)?;
        diesel::update(stores::table.find((store.merchant_id, store.id)))
            .filter(stores::name.ne(&name))
            .set(stores::name.eq(&name))
            .execute(conn)?;
    }
    diesel::update(stores::table.find((store.merchant_id, store.id)))
        .filter(stores::credentials_set_at.is_not_distinct_from(store.credentials_set_at))
        .set((access_problem(None), stores::access_checked_at.eq(now)))
        .execute(conn)
        .map(drop)
}

/// Records the state of the store's webhooks.
pub(crate) fn note_webhooks(
    conn: &mut PgConnection,
    store: &Store,
    problem: Option<&Reason>,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(stores::table.find((store.merchant_id, store.id)))
        .set((webhooks_problem(problem), stores::webhooks_checked_at.eq(now)))
        .execute(conn)
        .map(drop)
}
