//! API keys: `vk_{merchant}_{secret}`. The merchant is part of the key, so it's known before any
//! lookup.

mod owned;

use chrono::{DateTime, Duration, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use sha2::{Digest, Sha256};
use vouch_core::platform::Platform;

pub(crate) use self::owned::{ApiKey, list, revoke, revoke_of_merchant, revoke_of_user};
pub use self::owned::{NewKey, create};
use crate::kit::db::schema::{api_keys, merchants, stores, users};
use crate::kit::db::text_enum;

/// 32 random bytes in base64 are 43 characters.
const SECRET_CHARACTERS: usize = 43;

text_enum! {
    /// What a key may do.
    pub enum ApiScope {
        /// Read conversion triggers.
        Read = "read", "Read conversion triggers";
        /// Report orders, and read how they were credited.
        Orders = "orders", "Report orders";
        /// Create conversion triggers.
        Triggers = "triggers", "Create conversion triggers";
    }
}

/// An API key as sent.
pub(crate) struct BearerToken {
    /// The merchant that it claims to belong to.
    pub(crate) merchant_id: i64,
    hash: [u8; 32],
}

impl BearerToken {
    /// Parses `vk_{merchant}_{secret}`. `None` if it can't be a key.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (merchant_id, secret) = text.strip_prefix("vk_")?.split_once('_')?;
        let merchant_id = merchant_id.parse().ok()?;
        (secret.len() == SECRET_CHARACTERS)
            .then(|| Self { merchant_id, hash: Sha256::digest(text).into() })
    }
}

/// An accepted key.
#[derive(Clone, Debug)]
pub(crate) struct Admitted {
    pub(crate) merchant_id: i64,
    pub(crate) key_id: i64,
    /// The store of orders reported by the API.
    pub(crate) store_id: i64,
    pub(crate) scopes: Vec<ApiScope>,
}

/// Looks up a key within its merchant's scope and records its use. `None` if there's no such key,
/// it's revoked or expired, its creator was disabled, or the merchant is closed. It still works if
/// its creator is no longer a member. Orders must not wait for pages, so `users` isn't read: a
/// disabled user's keys are revoked in the same transaction.
pub(crate) fn admit(
    conn: &mut PgConnection,
    token: &BearerToken,
    scope: ApiScope,
    now: DateTime<Utc>,
) -> QueryResult<Option<Admitted>> {
    let merchant_id = token.merchant_id;
    let found: Option<(i64, Option<DateTime<Utc>>, Vec<Option<String>>)> = api_keys::table
        .inner_join(merchants::table)
        .filter(api_keys::merchant_id.eq(merchant_id))
        .filter(api_keys::token_hash.eq(token.hash.to_vec()))
        .filter(api_keys::revoked_at.is_null())
        .filter(api_keys::expires_at.is_null().or(api_keys::expires_at.gt(now)))
        .filter(merchants::closed_at.is_null())
        .select((api_keys::id, api_keys::last_used_at, api_keys::scopes))
        .first(conn)
        .optional()?;
    let Some((key_id, last_used_at, scopes)) = found else { return Ok(None) };
    if scope != ApiScope::Orders && is_of_disabled(conn, merchant_id, key_id)? {
        return Ok(None);
    }
    // To the minute, so that not every request writes.
    if last_used_at.is_none_or(|at| now - at >= Duration::minutes(1)) {
        diesel::update(api_keys::table.find((merchant_id, key_id)))
            .set(api_keys::last_used_at.eq(now))
            .execute(conn)?;
    }
    let store_id = store(conn, merchant_id, now)?;
    Ok(Some(Admitted { merchant_id, key_id, store_id, scopes: read_scopes(scopes) }))
}

fn is_of_disabled(conn: &mut PgConnection, merchant_id: i64, key_id: i64) -> QueryResult<bool> {
    let of_disabled = api_keys::table
        .inner_join(users::table)
        .filter(api_keys::merchant_id.eq(merchant_id))
        .filter(api_keys::id.eq(key_id))
        .filter(users::disabled_at.is_not_null());
    diesel::select(exists(of_disabled)).get_result(conn)
}

fn read_scopes(stored: Vec<Option<String>>) -> Vec<ApiScope> {
    stored.iter().flatten().filter_map(|scope| ApiScope::parse(scope)).collect()
}

/// The key's purpose, as its creator named it.
pub(crate) fn name(conn: &mut PgConnection, merchant_id: i64, key_id: i64) -> QueryResult<String> {
    api_keys::table.find((merchant_id, key_id)).select(api_keys::name).first(conn)
}

/// The store of orders reported by the API. It's created at the first use.
fn store(conn: &mut PgConnection, merchant_id: i64, now: DateTime<Utc>) -> QueryResult<i64> {
    let of_api = || {
        stores::table
            .filter(stores::merchant_id.eq(merchant_id))
            .filter(stores::platform.eq(Platform::Api))
            .select(stores::id)
    };
    if let Some(id) = of_api().first(conn).optional()? {
        return Ok(id);
    }
    diesel::insert_into(stores::table)
        .values((
            stores::merchant_id.eq(merchant_id),
            stores::platform.eq(Platform::Api),
            stores::name.eq("API"),
            stores::store_key.eq(format!("{merchant_id}-api")),
            stores::created_at.eq(now),
        ))
        // A concurrent request may have been first.
        .on_conflict_do_nothing()
        .execute(conn)?;
    of_api().first(conn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_whose_it_is() {
        let secret = "a_-".repeat(14) + "z";
        let token = BearerToken::parse(&format!("vk_42_{secret}")).unwrap();
        assert_eq!(token.merchant_id, 42);
        for wrong in ["", "vk_", "vk_42_short", "vk_x_y", "sk_42_0"] {
            assert!(BearerToken::parse(wrong).is_none(), "{wrong}");
        }
    }
}
