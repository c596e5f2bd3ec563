//! A new installation key: every secret of every store is sealed anew.

use diesel::prelude::*;
use secrecy::ExposeSecret;

use super::access::{credentials_use, token_use};
use super::model::Store;
use crate::kit::db::schema::stores;
use crate::kit::secrets::{Encryptor, Use};

/// What became of the secrets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reencrypted {
    /// How many are sealed with the new key now.
    pub reencrypted: usize,
    /// How many were so already: the command was broken off, and is run again.
    pub already: usize,
    /// How many open with neither key. They stay as they are.
    pub unreadable: usize,
}

/// Seals every secret of every store with `new` instead of `old`. Within `Scope::Instance`, in
/// one transaction: either all of them are sealed anew or none is.
pub fn reencrypt_secrets(
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
        let mut anew = |bound_to: Use, encrypted: &Option<Vec<u8>>| {
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
        let webhook = anew(store.webhook_use(), &store.webhook_secret);
        let previous = anew(store.webhook_use(), &store.previous_webhook_secret);
        let privacy = anew(store.webhook_use(), &store.privacy_secret);
        let credentials = anew(credentials_use(store), &store.credentials);
        let token = anew(token_use(store), &store.access_token);
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
