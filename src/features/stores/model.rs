use chrono::{DateTime, Utc};
use diesel::prelude::*;
use rand::RngExt;
use secrecy::SecretSlice;
use vouch_core::platform::Platform;
use vouch_platforms::provider;

use crate::kit::audit::Act;
use crate::kit::db::schema::stores;
use crate::kit::secrets::{DecryptError, Encryptor, Use};

/// Letters and digits that nobody mistakes for one another (RFC 4648, base32), in lower case.
const KEY_ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// 24 characters of 5 bits: 120 bits, which nobody guesses.
const KEY_CHARACTERS: usize = 24;

/// A connection to a store.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = stores)]
pub struct Store {
    /// Whose it is.
    pub merchant_id: i64,
    /// Its key within the merchant.
    pub id: i64,
    /// What it runs on.
    pub platform: Platform,
    /// What pages call it.
    pub name: String,
    /// Its host name; `None` for the API.
    pub address: Option<String>,
    /// Names it in its webhook address.
    pub store_key: String,
    /// Sealed.
    pub(super) webhook_secret: Option<Vec<u8>>,
    /// Sealed.
    pub(super) previous_webhook_secret: Option<Vec<u8>>,
    /// Since when the current webhook secret is known.
    pub webhook_secret_set_at: Option<DateTime<Utc>>,
    /// When it was first connected.
    pub created_at: DateTime<Utc>,
    /// Since when it is no longer.
    pub disconnected_at: Option<DateTime<Utc>>,
    /// Sealed.
    pub(super) credentials: Option<Vec<u8>>,
    /// Since when the current credentials are known.
    pub credentials_set_at: Option<DateTime<Utc>>,
    /// Sealed.
    pub(super) access_token: Option<Vec<u8>>,
    pub(super) access_token_expires_at: Option<DateTime<Utc>>,
    /// When it last answered a call, or refused one for good.
    pub access_checked_at: Option<DateTime<Utc>>,
    /// Why it cannot be called any more, for people.
    pub access_problem: Option<String>,
    /// Whether new coupon codes are pushed into it.
    pub creates_codes: bool,
    /// What every pushed code gets, as the platform's module has it.
    pub discount_rules: Option<serde_json::Value>,
    /// Orders that changed before this were read by the catch-up.
    pub orders_read_until: Option<DateTime<Utc>>,
    /// When its webhooks were last looked at.
    pub webhooks_checked_at: Option<DateTime<Utc>>,
    /// What is wrong with its webhooks, for people.
    pub webhooks_problem: Option<String>,
    /// Encrypted.
    pub(super) privacy_secret: Option<Vec<u8>>,
}

impl Store {
    /// A store of the merchant, connected or not.
    pub fn find(conn: &mut PgConnection, merchant_id: i64, store_id: i64) -> QueryResult<Self> {
        stores::table.find((merchant_id, store_id)).select(Self::as_select()).first(conn)
    }

    /// A store of the merchant that is connected, on that platform.
    pub fn find_connected(
        conn: &mut PgConnection,
        merchant_id: i64,
        platform: Platform,
        store_id: i64,
    ) -> QueryResult<Self> {
        let store = Self::find(conn, merchant_id, store_id)?;
        let fits = store.is_connected() && store.platform == platform;
        if fits { Ok(store) } else { Err(diesel::result::Error::NotFound) }
    }

    /// A connected store of the merchant, of a platform that Vouch calls.
    pub fn find_called(
        conn: &mut PgConnection,
        merchant_id: i64,
        store_id: i64,
    ) -> QueryResult<Self> {
        let store = Self::find(conn, merchant_id, store_id)?;
        let is_called = store.is_connected() && provider(store.platform).is_some();
        if is_called { Ok(store) } else { Err(diesel::result::Error::NotFound) }
    }

    /// The merchant's connected stores on one platform, in the order they were first connected.
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

    /// Whether its messages are taken in.
    pub fn is_connected(&self) -> bool {
        self.disconnected_at.is_none()
    }

    /// Whether the secret before the current one is still accepted.
    pub fn has_previous_secret(&self) -> bool {
        self.previous_webhook_secret.is_some()
    }

    /// The secrets that may sign its webhooks: the current one, then the one before it.
    ///
    /// # Errors
    /// [`DecryptError`] when one was sealed with another installation key.
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

    /// What may sign privacy requests: the webhooks' secrets, also those from before it was
    /// disconnected.
    pub fn privacy_secrets(
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

    /// The last four characters of the current webhook secret, to tell which one it is; `None` when
    /// there is none, or it does not open.
    pub fn secret_ending(&self, encryptor: &Encryptor) -> Option<String> {
        use secrecy::ExposeSecret;
        let secret = encryptor.open(self.webhook_use(), self.webhook_secret.as_ref()?).ok()?;
        let text = String::from_utf8_lossy(secret.expose_secret());
        let length = text.chars().count();
        Some(text.chars().skip(length.saturating_sub(4)).collect())
    }

    pub(super) fn webhook_use(&self) -> Use {
        webhook_use(self.merchant_id, self.id)
    }

    /// As the audit log names it.
    pub(super) fn act<'a>(&self, action: &'a str, summary: String) -> Act<'a> {
        Act {
            action,
            subject_kind: "store",
            subject_id: Some(self.id),
            summary,
            before: None,
            after: None,
        }
    }
}

pub(super) fn webhook_use(merchant_id: i64, store_id: i64) -> Use {
    Use { merchant_id, store_id, purpose: "webhook" }
}

/// A new name for a store in webhook addresses. It begins with the merchant, so that the merchant
/// is known before anything is looked up.
pub(super) fn new_store_key(merchant_id: i64) -> String {
    let mut rng = rand::rng();
    let random: String = (0..KEY_CHARACTERS)
        .map(|_| char::from(KEY_ALPHABET[rng.random_range(0..KEY_ALPHABET.len())]))
        .collect();
    format!("{merchant_id}-{random}")
}

/// The merchant in a store key, if it is one at all; whether the store exists is not said.
pub fn merchant_of_key(store_key: &str) -> Option<i64> {
    let (merchant, random) = store_key.split_once('-')?;
    let fits = random.len() == KEY_CHARACTERS
        && random.bytes().all(|byte| KEY_ALPHABET.contains(&byte))
        && merchant.bytes().all(|byte| byte.is_ascii_digit());
    merchant.parse().ok().filter(|_| fits)
}

/// The store of that key, connected or not. Within the merchant that [`merchant_of_key`] names.
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
