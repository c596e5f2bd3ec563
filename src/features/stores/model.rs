use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use rand::RngExt;
use secrecy::SecretSlice;
use vouch_core::platform::Platform;
use vouch_core::text::ending;
use vouch_platforms::{Reason, provider};

use crate::features::audit::{Act, AuditEvent};
use crate::kit::audit::SubjectKind;
use crate::kit::db::schema::stores;
use crate::kit::secrets::{DecryptError, Encryptor, Use};
use crate::kit::stored_text::{StoredText, shown};
use crate::kit::urls;

/// Letters and digits that aren't easily confused (RFC 4648, base32), in lower case.
const KEY_ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// 24 characters of 5 bits: 120 bits, too many to guess.
const KEY_CHARACTERS: usize = 24;

#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = stores)]
pub struct Store {
    pub merchant_id: i64,
    pub id: i64,
    pub platform: Platform,
    pub name: String,
    /// Its host name. `None` for the API.
    pub address: Option<String>,
    /// Identifies the store in its webhook URL.
    pub store_key: String,
    /// Encrypted.
    pub(super) webhook_secret: Option<Vec<u8>>,
    /// Encrypted.
    pub(super) previous_webhook_secret: Option<Vec<u8>>,
    /// When the current webhook secret was set.
    pub webhook_secret_set_at: Option<DateTime<Utc>>,
    /// When it was first connected.
    pub created_at: DateTime<Utc>,
    pub disconnected_at: Option<DateTime<Utc>>,
    /// Encrypted.
    pub(super) credentials: Option<Vec<u8>>,
    /// When the current credentials were set.
    pub credentials_set_at: Option<DateTime<Utc>>,
    /// Encrypted.
    pub(super) access_token: Option<Vec<u8>>,
    pub(super) access_token_expires_at: Option<DateTime<Utc>>,
    /// When it last accepted or rejected the credentials.
    pub access_checked_at: Option<DateTime<Utc>>,
    pub(super) access_problem: Option<String>,
    pub(super) access_reason: Option<StoredText<Reason>>,
    /// Whether new coupon codes are pushed to it.
    pub creates_codes: bool,
    /// The settings of every pushed code, as JSON of the platform's module.
    pub discount_rules: Option<serde_json::Value>,
    /// Orders that changed before this time are imported.
    pub orders_read_until: Option<DateTime<Utc>>,
    /// When its webhooks were last checked.
    pub webhooks_checked_at: Option<DateTime<Utc>>,
    pub(super) webhooks_problem: Option<String>,
    pub(super) webhooks_reason: Option<StoredText<Reason>>,
    /// Encrypted.
    pub(super) privacy_secret: Option<Vec<u8>>,
}

impl Store {
    /// Why it can't be called anymore.
    pub fn access_problem(&self) -> Option<String> {
        shown(self.access_reason.as_ref(), self.access_problem.as_deref())
    }

    /// The problem with its webhooks.
    pub(crate) fn webhooks_problem(&self) -> Option<String> {
        shown(self.webhooks_reason.as_ref(), self.webhooks_problem.as_deref())
    }

    /// A store of the merchant, connected or not.
    pub fn find(conn: &mut PgConnection, merchant_id: i64, store_id: i64) -> QueryResult<Self> {
        stores::table.find((merchant_id, store_id)).select(Self::as_select()).first(conn)
    }

    /// A connected store of the merchant on that platform.
    pub(crate) fn find_connected(
        conn: &mut PgConnection,
        merchant_id: i64,
        platform: Platform,
        store_id: i64,
    ) -> QueryResult<Self> {
        let store = Self::find(conn, merchant_id, store_id)?;
        let fits = store.is_connected() && store.platform == platform;
        if fits { Ok(store) } else { Err(diesel::result::Error::NotFound) }
    }

    /// A connected store of the merchant, on a platform that Vouch calls.
    pub(crate) fn find_called(
        conn: &mut PgConnection,
        merchant_id: i64,
        store_id: i64,
    ) -> QueryResult<Self> {
        let store = Self::find(conn, merchant_id, store_id)?;
        let is_called = store.is_connected() && provider(store.platform).is_some();
        if is_called { Ok(store) } else { Err(diesel::result::Error::NotFound) }
    }

    /// The merchant's connected stores on one platform, ordered by their first connection.
    pub fn connected(
        conn: &mut PgConnection,
        merchant_id: i64,
        platform: Platform,
    ) -> QueryResult<Vec<Self>> {
        stores::table
            .filter(stores::merchant_id.eq(merchant_id))
            .filter(stores::platform.eq(platform))
            .filter(stores::disconnected_at.is_null())
            .order(stores::id)
            .select(Self::as_select())
            .load(conn)
    }

    /// Whether its webhooks are processed.
    pub fn is_connected(&self) -> bool {
        self.disconnected_at.is_none()
    }

    /// Whether the previous secret is still accepted.
    pub(crate) fn has_previous_secret(&self) -> bool {
        self.previous_webhook_secret.is_some()
    }

    /// The secrets that may sign its webhooks: the current one, then the previous one. Fails with
    /// [`DecryptError`] if one was encrypted with another secret key.
    pub fn webhook_secrets(
        &self,
        encryptor: &Encryptor,
    ) -> Result<Vec<SecretSlice<u8>>, DecryptError> {
        [&self.webhook_secret, &self.previous_webhook_secret]
            .into_iter()
            .flatten()
            .map(|encrypted| encryptor.open(self.webhook_use(), encrypted))
            .collect()
    }

    /// The secrets that may sign privacy requests: those of the webhooks, and the one from before
    /// it was disconnected.
    pub(crate) fn privacy_secrets(
        &self,
        encryptor: &Encryptor,
    ) -> Result<Vec<SecretSlice<u8>>, DecryptError> {
        let former = self
            .privacy_secret
            .iter()
            .map(|encrypted| encryptor.open(self.webhook_use(), encrypted));
        let mut secrets = self.webhook_secrets(encryptor)?;
        secrets.extend(former.collect::<Result<Vec<_>, _>>()?);
        Ok(secrets)
    }

    /// The last four characters of the current webhook secret, to recognize it. `None` if there's
    /// none or it can't be decrypted.
    pub(crate) fn secret_ending(&self, encryptor: &Encryptor) -> Option<String> {
        use secrecy::ExposeSecret;
        let secret = encryptor.open(self.webhook_use(), self.webhook_secret.as_ref()?).ok()?;
        Some(ending(&String::from_utf8_lossy(secret.expose_secret()), 4))
    }

    /// The settings page that shows this store.
    pub(crate) fn settings_url(&self) -> String {
        urls::store_settings_of(self.platform, self.id)
    }

    pub(super) fn webhook_use(&self) -> Use {
        webhook_use(self.merchant_id, self.id)
    }

    /// Its entry for the audit log.
    pub(super) fn act(&self, event: AuditEvent) -> Act {
        Act::new(event, SubjectKind::Store, Some(self.id))
    }
}

pub(super) fn webhook_use(merchant_id: i64, store_id: i64) -> Use {
    Use { merchant_id, store_id, purpose: "webhook" }
}

/// A new key for a store's webhook URL. It starts with the merchant's ID, so that the merchant is
/// known before any lookup.
pub(super) fn new_store_key(merchant_id: i64) -> String {
    let mut rng = rand::rng();
    let random: String = (0..KEY_CHARACTERS)
        .map(|_| char::from(KEY_ALPHABET[rng.random_range(0..KEY_ALPHABET.len())]))
        .collect();
    format!("{merchant_id}-{random}")
}

/// The merchant in a store key, if the key is well-formed. The store itself may not exist.
pub fn merchant_of_key(store_key: &str) -> Option<i64> {
    let (merchant, random) = store_key.split_once('-')?;
    let fits = random.len() == KEY_CHARACTERS
        && random.bytes().all(|byte| KEY_ALPHABET.contains(&byte))
        && merchant.bytes().all(|byte| byte.is_ascii_digit());
    merchant.parse().ok().filter(|_| fits)
}

/// The store with that key, connected or not. The caller holds the scope of the merchant from
/// [`merchant_of_key`].
pub fn find_by_key(
    conn: &mut PgConnection,
    merchant_id: i64,
    store_key: &str,
) -> QueryResult<Store> {
    stores::table
        .filter(stores::merchant_id.eq(merchant_id))
        .filter(stores::store_key.eq(store_key))
        .select(Store::as_select())
        .first(conn)
}

/// Whether the merchant ever connected a store.
pub(crate) fn any(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<bool> {
    let all = stores::table.filter(stores::merchant_id.eq(merchant_id));
    diesel::select(exists(all)).get_result(conn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_key_names_its_merchant() {
        let key = new_store_key(42);
        assert_eq!(key.len(), "42-".len() + KEY_CHARACTERS);
        assert_eq!(merchant_of_key(&key), Some(42));
        assert_ne!(new_store_key(42), key);
    }

    #[test]
    fn what_is_no_store_key_names_nobody() {
        let random = "a".repeat(KEY_CHARACTERS);
        let keys = [
            String::new(),
            "42".into(),
            format!("-{random}"),
            format!("+42-{random}"),
            format!("-42-{random}"),
            format!("42-{random}a"),
            format!("42-{}A", &random[1..]),
            format!("99999999999999999999-{random}"),
            format!("４２-{random}"),
        ];
        for key in keys {
            assert_eq!(merchant_of_key(&key), None, "{key}");
        }
    }
}
