//! The secret that signs a store's webhooks.

use std::fmt;

use diesel::prelude::*;
use rand::Rng;
use secrecy::{ExposeSecret, SecretString};

use super::model::Store;
use crate::kit::audit::{Actor, record};
use crate::kit::db::schema::stores;
use crate::kit::secrets::Encryptor;

/// Shorter ones are a slip of copying: Shopify's have 32 to 64 characters.
const MIN_CHARS: usize = 16;
const MAX_CHARS: usize = 200;

/// Why a webhook secret is refused, in words that say how to mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretRefusal {
    /// Nothing was typed.
    #[error("Paste the secret that Shopify shows below the list of webhooks.")]
    Missing,
    /// Not a secret as Shopify makes them.
    #[error(
        "This does not look like a webhook secret: it should be one word of letters, digits and signs. Copy it whole, without the text around it."
    )]
    Impossible,
}

/// A webhook secret as a person pasted it; outer space is cut.
pub struct WebhookSecret(SecretString);

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(..)")
    }
}

impl WebhookSecret {
    /// Checks what was pasted.
    pub fn parse(typed: &str) -> Result<Self, SecretRefusal> {
        let typed = typed.trim();
        if typed.is_empty() {
            return Err(SecretRefusal::Missing);
        }
        let fits = (MIN_CHARS..=MAX_CHARS).contains(&typed.len())
            && typed.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(typed.into())) } else { Err(SecretRefusal::Impossible) }
    }

    /// A new one, for a store whose webhooks Vouch makes itself: 160 bits that nobody guesses.
    pub fn random() -> Self {
        let mut bytes = [0; 20];
        rand::rng().fill_bytes(&mut bytes);
        Self(hex::encode(bytes).into())
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}

/// Makes `secret` the current one. The one before it stays accepted until it is removed: the store
/// goes on signing with it for a while (Shopify: up to an hour). The same secret again changes
/// nothing.
///
/// # Errors
/// `NotFound` when the store is no longer connected; else the database's.
pub fn replace_secret(
    conn: &mut PgConnection,
    actor: &Actor,
    encryptor: &Encryptor,
    store: &Store,
    secret: &WebhookSecret,
) -> QueryResult<()> {
    conn.transaction(|conn| {
        let (current, connected) = stores::table
            .find((store.merchant_id, store.id))
            .for_no_key_update()
            .select((stores::webhook_secret, stores::disconnected_at.is_null()))
            .first::<(Option<Vec<u8>>, bool)>(conn)?;
        if !connected {
            return Err(diesel::result::Error::NotFound);
        }
        // One that no longer opens is of no use as the previous one.
        let opened = current
            .as_ref()
            .and_then(|encrypted| encryptor.open(store.webhook_use(), encrypted).ok());
        if opened.as_ref().is_some_and(|opened| opened.expose_secret() == secret.as_bytes()) {
            return Ok(());
        }
        diesel::update(stores::table.find((store.merchant_id, store.id)))
            .set((
                stores::webhook_secret
                    .eq(encryptor.encrypt(store.webhook_use(), secret.as_bytes())),
                stores::previous_webhook_secret.eq(opened.and(current)),
                stores::webhook_secret_set_at.eq(actor.now),
            ))
            .execute(conn)?;
        let summary = format!("Replaced the webhook secret of {}.", store.name);
        record(conn, actor, store.act("store.secret_replaced", summary))
    })
}

/// Stops accepting the secret before the current one. To do it twice changes nothing.
pub fn remove_previous_secret(
    conn: &mut PgConnection,
    actor: &Actor,
    store: &Store,
) -> QueryResult<()> {
    conn.transaction(|conn| {
        let removed = diesel::update(stores::table.find((store.merchant_id, store.id)))
            .filter(stores::previous_webhook_secret.is_not_null())
            .set(stores::previous_webhook_secret.eq(None::<Vec<u8>>))
            .execute(conn)?;
        if removed == 0 {
            return Ok(());
        }
        let summary = format!("Removed the previous webhook secret of {}.", store.name);
        record(conn, actor, store.act("store.previous_secret_removed", summary))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pasted_secret_loses_its_outer_space_and_is_never_printed() {
        let secret = WebhookSecret::parse(" shpss_0123456789abcdef\n").unwrap();
        assert_eq!(secret.as_bytes(), b"shpss_0123456789abcdef");
        assert_eq!(format!("{secret:?}"), "WebhookSecret(..)");
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        assert_eq!(WebhookSecret::parse("  ").unwrap_err(), SecretRefusal::Missing);
        let impossible =
            ["short", "two words of a sentence", "sëcretsëcretsëcret", &"x".repeat(201)];
        for typed in impossible {
            assert_eq!(WebhookSecret::parse(typed).unwrap_err(), SecretRefusal::Impossible);
        }
    }
}
