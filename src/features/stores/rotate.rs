//! Re-encrypts every secret of every store for a new secret key.

use diesel::prelude::*;
use secrecy::ExposeSecret;

use super::access::{credentials_use, token_use};
use super::model::Store;
use crate::kit::db::schema::stores;
use crate::kit::secrets::{Encryptor, Use};

/// The result for the secrets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reencrypted {
    /// How many were re-encrypted with the new key.
    pub(crate) reencrypted: usize,
    /// How many were already re-encrypted, by an earlier run that was interrupted.
    pub(crate) already: usize,
    /// How many neither key can decrypt. They stay unchanged.
    pub(crate) unreadable: usize,
}

/// Re-encrypts every secret of every store from `old` to `new`, in one transaction: all or none.
/// The caller holds `Scope::Instance`.
pub(crate) fn reencrypt_secrets(
    conn: &mut PgConnection,
    old: &Encryptor,
    new: &Encryptor,
) -> QueryResult<Reencrypted> {
    let all: Vec<Store> = stores::table
        .order((stores::merchant_id, stores::id))
        .for_no_key_update()
        .select(Store::as_select())
        .load(conn)?;
    let mut done = Reencrypted::default();
    for store in &all {
        let mut reencrypted = |bound_to: Use, encrypted: &Option<Vec<u8>>| {
            let encrypted = encrypted.as_ref()?;
            if new.open(bound_to, encrypted).is_ok() {
                done.already += 1;
                return Some(encrypted.clone());
            }
            let Ok(secret) = old.open(bound_to, encrypted) else {
                done.unreadable += 1;
                return Some(encrypted.clone());
            };
            done.reencrypted += 1;
            Some(new.encrypt(bound_to, secret.expose_secret()))
        };
        let webhook = reencrypted(store.webhook_use(), &store.webhook_secret);
        let previous = reencrypted(store.webhook_use(), &store.previous_webhook_secret);
        let privacy = reencrypted(store.webhook_use(), &store.privacy_secret);
        let credentials = reencrypted(credentials_use(store), &store.credentials);
        let token = reencrypted(token_use(store), &store.access_token);
        diesel::update(stores::table.find((store.merchant_id, store.id)))
            .set((
                stores::webhook_secret.eq(webhook),
                stores::previous_webhook_secret.eq(previous),
                stores::privacy_secret.eq(privacy),
                stores::credentials.eq(credentials),
                stores::access_token.eq(token),
            ))
            .execute(conn)?;
    }
    Ok(done)
}
