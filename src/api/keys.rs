//! API keys: `vk_{merchant}_{secret}`, so that the merchant is known before anything is looked up.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use rand::RngExt;
use sha2::{Digest, Sha256};

use crate::audit::{Act, Actor, record};
use crate::db::schema::{api_keys, members, stores, users};
use crate::db::text_enum;
use crate::stores::Platform;

/// 32 random bytes in base64 are 43 characters.
const SECRET_CHARACTERS: usize = 43;

text_enum! {
    /// What a key may do.
    pub enum ApiScope {
        /// Look at conversion triggers.
        Read = "read", "Read conversion triggers";
        /// Report orders, and see what was decided on them.
        Orders = "orders", "Report orders";
        /// Create conversion triggers.
        Triggers = "triggers", "Create conversion triggers";
    }
}

/// A key as it is sent.
pub struct Token {
    /// Whose it says it is.
    pub merchant_id: i64,
    hash: [u8; 32],
}

impl Token {
    /// Reads `vk_{merchant}_{secret}`. `None` for what cannot be a key.
    pub fn parse(text: &str) -> Option<Self> {
        let (merchant_id, secret) = text.strip_prefix("vk_")?.split_once('_')?;
        let merchant_id = merchant_id.parse().ok()?;
        (secret.len() == SECRET_CHARACTERS)
            .then(|| Self { merchant_id, hash: Sha256::digest(text).into() })
    }
}

/// A key that may be used.
#[derive(Clone, Debug)]
pub struct Admitted {
    /// Whose it is.
    pub merchant_id: i64,
    /// Which key.
    pub key_id: i64,
    /// The store that the API's orders belong to.
    pub store_id: i64,
    /// What it may do.
    pub scopes: Vec<ApiScope>,
}

/// Looks a key up, within its merchant's scope, and notes that it was used. `None` if there is no
/// such key, it was revoked, or it has expired.
///
/// # Errors
/// The database's.
pub fn admit(
    conn: &mut PgConnection,
    token: &Token,
    now: DateTime<Utc>,
) -> QueryResult<Option<Admitted>> {
    let merchant_id = token.merchant_id;
    let found: Option<(i64, Option<DateTime<Utc>>, Vec<Option<String>>)> = api_keys::table
        .filter(api_keys::merchant_id.eq(merchant_id))
        .filter(api_keys::token_hash.eq(token.hash.to_vec()))
        .filter(api_keys::revoked_at.is_null())
        .filter(api_keys::expires_at.is_null().or(api_keys::expires_at.gt(now)))
        .select((api_keys::id, api_keys::last_used_at, api_keys::scopes))
        .first(conn)
        .optional()?;
    let Some((key_id, last_used_at, scopes)) = found else { return Ok(None) };
    // To the minute: not every request writes.
    if last_used_at.is_none_or(|at| now - at >= Duration::minutes(1)) {
        diesel::update(api_keys::table.find((merchant_id, key_id)))
            .set(api_keys::last_used_at.eq(now))
            .execute(conn)?;
    }
    let store_id = store(conn, merchant_id, now)?;
    Ok(Some(Admitted { merchant_id, key_id, store_id, scopes: read_scopes(scopes) }))
}

fn read_scopes(stored: Vec<Option<String>>) -> Vec<ApiScope> {
    stored.iter().flatten().filter_map(|scope| ApiScope::parse(scope)).collect()
}

/// What a key is for, as its maker called it.
///
/// # Errors
/// `NotFound` if it is not the merchant's.
pub fn name(conn: &mut PgConnection, merchant_id: i64, key_id: i64) -> QueryResult<String> {
    api_keys::table.find((merchant_id, key_id)).select(api_keys::name).first(conn)
}

/// The store that the API's orders belong to; made at the first use.
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
        // Another request may have been first.
        .on_conflict_do_nothing()
        .execute(conn)?;
    of_api().first(conn)
}

/// A key as the settings show it.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// Its key within the merchant.
    pub id: i64,
    /// What it is for.
    pub name: String,
    /// Its last four characters.
    pub hint: String,
    /// Who made it.
    pub created_by: String,
    /// Whether they are a member still.
    pub creator_is_member: bool,
    /// What it may do.
    pub scopes: Vec<ApiScope>,
    /// From when on it is refused.
    pub expires_at: Option<DateTime<Utc>>,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// The merchant's keys, the newest first.
///
/// # Errors
/// The database's.
pub fn list(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Vec<ApiKey>> {
    let of_creator = members::table
        .filter(members::merchant_id.eq(merchant_id))
        .filter(members::user_id.eq(api_keys::created_by));
    let rows: Vec<Row> = api_keys::table
        .inner_join(users::table)
        .filter(api_keys::merchant_id.eq(merchant_id))
        .order(api_keys::id.desc())
        .select((
            api_keys::id,
            api_keys::name,
            api_keys::hint,
            (users::name, exists(of_creator)),
            (api_keys::scopes, api_keys::expires_at),
            (api_keys::created_at, api_keys::last_used_at, api_keys::revoked_at),
        ))
        .load(conn)?;
    let key = |(id, name, hint, creator, terms, times): Row| {
        let ((created_by, creator_is_member), (scopes, expires_at)) = (creator, terms);
        let (created_at, last_used_at, revoked_at) = times;
        let scopes = read_scopes(scopes);
        ApiKey {
            id,
            name,
            hint,
            created_by,
            creator_is_member,
            scopes,
            expires_at,
            created_at,
            last_used_at,
            revoked_at,
        }
    };
    Ok(rows.into_iter().map(key).collect())
}

/// Id, name, hint; who made it, and whether they're a member; what it may do, and until when; when it
/// was made, used, revoked.
type Row = (
    i64,
    String,
    String,
    (String, bool),
    (Vec<Option<String>>, Option<DateTime<Utc>>),
    (DateTime<Utc>, Option<DateTime<Utc>>, Option<DateTime<Utc>>),
);

/// A key to be made.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// What it is for.
    pub name: String,
    /// What it may do; at least one.
    pub scopes: Vec<ApiScope>,
    /// From when on it is refused.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Makes a key. What is answered is the key itself: it is never to be had again.
///
/// # Errors
/// The database's.
pub fn create(conn: &mut PgConnection, actor: &Actor, new: &NewKey) -> QueryResult<String> {
    let name = &new.name;
    let scopes: Vec<&str> = new.scopes.iter().map(|scope| scope.as_str()).collect();
    let secret: [u8; 32] = rand::rng().random();
    let token = format!("vk_{}_{}", actor.merchant_id, URL_SAFE_NO_PAD.encode(secret));
    let hint: String = token.chars().skip(token.len().saturating_sub(4)).collect();
    let id: i64 = diesel::insert_into(api_keys::table)
        .values((
            api_keys::merchant_id.eq(actor.merchant_id),
            api_keys::name.eq(name),
            api_keys::hint.eq(&hint),
            api_keys::token_hash.eq(Sha256::digest(&token).to_vec()),
            api_keys::created_by.eq(actor.user_id.unwrap_or_default()),
            api_keys::created_at.eq(actor.now),
            api_keys::scopes.eq(&scopes),
            api_keys::expires_at.eq(new.expires_at),
        ))
        .returning(api_keys::id)
        .get_result(conn)?;
    store(conn, actor.merchant_id, actor.now)?;
    let act = Act {
        after: Some(serde_json::json!({ "scopes": scopes, "expires_at": new.expires_at })),
        ..act("api_key.created", id, format!("Made the API key {name} (…{hint})."))
    };
    record(conn, actor, act)?;
    Ok(token)
}

/// Revokes a key: whatever uses it is refused from now on.
///
/// # Errors
/// `NotFound` if it is not the merchant's, or was revoked before.
pub fn revoke(conn: &mut PgConnection, actor: &Actor, key_id: i64) -> QueryResult<()> {
    let name: String = diesel::update(api_keys::table.find((actor.merchant_id, key_id)))
        .filter(api_keys::revoked_at.is_null())
        .set(api_keys::revoked_at.eq(actor.now))
        .returning(api_keys::name)
        .get_result(conn)?;
    record(conn, actor, act("api_key.revoked", key_id, format!("Revoked the API key {name}.")))
}

fn act(action: &str, key_id: i64, summary: String) -> Act<'_> {
    Act {
        action,
        subject_kind: "api_key",
        subject_id: Some(key_id),
        summary,
        before: None,
        after: None,
    }
}

/// A key that was revoked with the access of a person or a merchant.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = api_keys)]
pub struct RevokedKey {
    /// Whose it was.
    pub merchant_id: i64,
    /// Its key within the merchant.
    pub id: i64,
    /// What it was for.
    pub name: String,
}

/// Revokes every key that a person has made, of any merchant, within `Scope::Installation`.
///
/// # Errors
/// The database's.
pub fn revoke_of_user(
    conn: &mut PgConnection,
    user_id: i64,
    now: DateTime<Utc>,
) -> QueryResult<Vec<RevokedKey>> {
    diesel::update(api_keys::table)
        .filter(api_keys::created_by.eq(user_id))
        .filter(api_keys::revoked_at.is_null())
        .set(api_keys::revoked_at.eq(now))
        .returning(RevokedKey::as_returning())
        .get_results(conn)
}

/// Revokes every key of a merchant.
///
/// # Errors
/// The database's.
pub fn revoke_of_merchant(
    conn: &mut PgConnection,
    merchant_id: i64,
    now: DateTime<Utc>,
) -> QueryResult<Vec<RevokedKey>> {
    diesel::update(api_keys::table)
        .filter(api_keys::merchant_id.eq(merchant_id))
        .filter(api_keys::revoked_at.is_null())
        .set(api_keys::revoked_at.eq(now))
        .returning(RevokedKey::as_returning())
        .get_results(conn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_whose_it_is() {
        let secret = "a_-".repeat(14) + "z";
        let token = Token::parse(&format!("vk_42_{secret}")).unwrap();
        assert_eq!(token.merchant_id, 42);
        for wrong in ["", "vk_", "vk_42_short", "vk_x_y", "sk_42_0"] {
            assert!(Token::parse(wrong).is_none(), "{wrong}");
        }
    }
}
