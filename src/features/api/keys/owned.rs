//! API keys as the merchant's owners manage them: create, list, revoke.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use rand::RngExt;
use sha2::{Digest, Sha256};
use vouch_core::text::ending;

use super::{ApiScope, read_scopes, store};
use crate::features::audit::{Act, AuditEvent, KeyRevocation};
use crate::features::auth::lock_owner;
use crate::kit::audit::{Actor, SubjectKind, record};
use crate::kit::db::schema::{api_keys, members, users};

/// A key as the settings show it.
#[derive(Clone, Debug)]
pub(crate) struct ApiKey {
    /// The ID within the merchant.
    pub(crate) id: i64,
    /// Its purpose.
    pub(crate) name: String,
    /// Its last four characters.
    pub(crate) hint: String,
    pub(crate) created_by: String,
    /// Whether the creator is still a member.
    pub(crate) creator_is_member: bool,
    pub(crate) scopes: Vec<ApiScope>,
    /// When it expires.
    pub(crate) expires_at: Option<DateTime<Utc>>,
    pub(crate) created_at: DateTime<Utc>,
    /// To the minute.
    pub(crate) last_used_at: Option<DateTime<Utc>>,
    pub(crate) revoked_at: Option<DateTime<Utc>>,
}

/// The merchant's keys, newest first.
pub(crate) fn list(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Vec<ApiKey>> {
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

/// ID, name, hint; creator, whether they're a member; scopes, expiry; when it was created, used,
/// revoked.
type Row = (
    i64,
    String,
    String,
    (String, bool),
    (Vec<Option<String>>, Option<DateTime<Utc>>),
    (DateTime<Utc>, Option<DateTime<Utc>>, Option<DateTime<Utc>>),
);

/// A key to create.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Its purpose.
    pub name: String,
    /// At least one.
    pub scopes: Vec<ApiScope>,
    /// When it expires.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Creates a key and returns the key itself, which can't be shown again. Fails with `NotFound` if
/// the actor is no longer an owner of an open program.
pub fn create(conn: &mut PgConnection, actor: &Actor, new: &NewKey) -> QueryResult<String> {
    let creator = actor.user_id.unwrap_or_default();
    if !lock_owner(conn, actor.merchant_id, creator)? {
        return Err(diesel::result::Error::NotFound);
    }
    let name = &new.name;
    let scopes: Vec<&str> = new.scopes.iter().map(|scope| scope.as_str()).collect();
    let secret: [u8; 32] = rand::rng().random();
    let token = format!("vk_{}_{}", actor.merchant_id, URL_SAFE_NO_PAD.encode(secret));
    let hint = ending(&token, 4);
    let id: i64 = diesel::insert_into(api_keys::table)
        .values((
            api_keys::merchant_id.eq(actor.merchant_id),
            api_keys::name.eq(name),
            api_keys::hint.eq(&hint),
            api_keys::token_hash.eq(Sha256::digest(&token).to_vec()),
            api_keys::created_by.eq(creator),
            api_keys::created_at.eq(actor.now),
            api_keys::scopes.eq(&scopes),
            api_keys::expires_at.eq(new.expires_at),
        ))
        .returning(api_keys::id)
        .get_result(conn)?;
    store(conn, actor.merchant_id, actor.now)?;
    let event = AuditEvent::ApiKeyCreated { name: name.clone(), hint };
    let act = Act {
        after: Some(serde_json::json!({ "scopes": scopes, "expires_at": new.expires_at })),
        ..Act::new(event, SubjectKind::ApiKey, Some(id))
    };
    record(conn, actor, act)?;
    Ok(token)
}

/// Revokes a key. Requests with it are rejected from now on. Fails with `NotFound` if the merchant
/// doesn't have it or it was revoked before.
pub(crate) fn revoke(conn: &mut PgConnection, actor: &Actor, key_id: i64) -> QueryResult<()> {
    let name: String = diesel::update(api_keys::table.find((actor.merchant_id, key_id)))
        .filter(api_keys::revoked_at.is_null())
        .set(api_keys::revoked_at.eq(actor.now))
        .returning(api_keys::name)
        .get_result(conn)?;
    let event = AuditEvent::ApiKeyRevoked { name, because: KeyRevocation::Member };
    record(conn, actor, Act::new(event, SubjectKind::ApiKey, Some(key_id)))
}

/// A key that was revoked with the access of a user or a merchant.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = api_keys)]
pub(crate) struct RevokedKey {
    pub(crate) merchant_id: i64,
    /// The ID within the merchant.
    pub(crate) id: i64,
    /// Its purpose.
    pub(crate) name: String,
}

/// Revokes every key that a user created, for any merchant. Call it within `Scope::Instance`.
pub(crate) fn revoke_of_user(
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
pub(crate) fn revoke_of_merchant(
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
