//! Whether the secret key can decrypt the stores' secrets, for `vouch doctor`.

use diesel::prelude::*;

use super::model::Store;
use crate::kit::db::schema::{merchants, stores};
use crate::kit::secrets::Encryptor;

/// A store with a secret that can't be decrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableSecret {
    /// The merchant's name.
    pub merchant: String,
    /// The store's name on pages.
    pub store: String,
}

/// How many stores' secrets were checked, and the stores whose secrets this key can't decrypt. The
/// caller holds `Scope::Instance`.
pub fn check_secrets(
    conn: &mut PgConnection,
    encryptor: &Encryptor,
) -> QueryResult<(usize, Vec<UnreadableSecret>)> {
    let rows = stores::table
        .inner_join(merchants::table)
        .filter(stores::webhook_secret.is_not_null().or(stores::credentials.is_not_null()))
        .order((stores::merchant_id, stores::id))
        .select((Store::as_select(), merchants::name))
        .load::<(Store, String)>(conn)?;
    let unreadable = rows
        .iter()
        .filter(|(store, _)| {
            store.webhook_secrets(encryptor).is_err() || store.credentials(encryptor).is_err()
        })
        .map(|(store, merchant)| UnreadableSecret {
            merchant: merchant.clone(),
            store: store.name.clone(),
        })
        .collect();
    Ok((rows.len(), unreadable))
}
