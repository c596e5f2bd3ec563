//! The secret that signs a store's webhooks.

use diesel::prelude::*;
use rand::Rng;
use secrecy::ExposeSecret;
use vouch_platforms::WebhookSecret;

use super::model::Store;
use crate::features::audit::AuditEvent;
use crate::kit::audit::{Actor, record};
use crate::kit::db::schema::stores;
use crate::kit::secrets::Encryptor;

/// A random secret of 160 bits, for stores whose webhooks Vouch creates.
pub(crate) fn random_secret() -> WebhookSecret {
    let mut bytes = [0; 20];
    rand::rng().fill_bytes(&mut bytes);
    bytes.into()
}

/// Makes `secret` the current secret. The previous one stays accepted until it's removed, because
/// the store signs with it for a while (Shopify: up to an hour). The same secret again changes
/// nothing. Fails with `NotFound` if the store is no longer connected.
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
        // A secret that can't be decrypted is useless as the previous one.
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
        let event = AuditEvent::SecretReplaced { store: store.name.clone() };
        record(conn, actor, store.act(event))
    })
}

/// Stops accepting the previous secret. A second call changes nothing.
pub(crate) fn remove_previous_secret(
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
        let event = AuditEvent::PreviousSecretRemoved { store: store.name.clone() };
        record(conn, actor, store.act(event))
    })
}
