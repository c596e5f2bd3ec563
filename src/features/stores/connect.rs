//! Connects and disconnects a store.

use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use vouch_core::platform::Platform;
use vouch_platforms::WebhookSecret;

use super::access::{access_problem, webhooks_problem};
use super::model::{Store, new_store_key, webhook_use};
use super::text;
use super::title::title;
use crate::features::audit::AuditEvent;
use crate::kit::audit::{Actor, ActorKind, SubjectKind, record};
use crate::kit::db::schema::{audit_log, merchants, stores};
use crate::kit::secrets::Encryptor;

/// The audit log's action for a disconnected store.
const DISCONNECTED: &str = "store.disconnected";

/// Why a store couldn't be connected.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The merchant has already connected it.
    #[error("{}", text::ALREADY_CONNECTED)]
    Connected,
    #[error(transparent)]
    Database(#[from] Error),
}

/// The data to connect a store.
pub struct NewStore<'a> {
    pub platform: Platform,
    /// As the platform's settings page validated it.
    pub address: &'a str,
    /// The key that signs its webhooks, if it's known yet.
    pub webhook_secret: Option<&'a WebhookSecret>,
}

/// Connects a store, or reconnects it as the same store with the same webhook URL. Its known orders
/// must not be credited twice. Fails with [`ConnectError::Connected`] if it's already connected.
pub fn connect(
    conn: &mut PgConnection,
    actor: &Actor,
    encryptor: &Encryptor,
    new: &NewStore<'_>,
) -> Result<Store, ConnectError> {
    let NewStore { platform, address, webhook_secret } = *new;
    conn.transaction(|conn| {
        let known = stores::table
            .filter(stores::merchant_id.eq(actor.merchant_id))
            .filter(stores::platform.eq(platform))
            .filter(stores::address.eq(address))
            .for_no_key_update()
            .select((stores::id, stores::disconnected_at))
            .first::<(i64, Option<DateTime<Utc>>)>(conn)
            .optional()?;
        let store_id = match known {
            Some((_, None)) => return Err(ConnectError::Connected),
            Some((store_id, Some(_))) => store_id,
            None => insert(conn, actor, platform, address)?,
        };
        let bound_to = webhook_use(actor.merchant_id, store_id);
        let encrypted = webhook_secret.map(|secret| encryptor.encrypt(bound_to, secret.as_bytes()));
        let store: Store = diesel::update(stores::table.find((actor.merchant_id, store_id)))
            .set((
                stores::webhook_secret_set_at.eq(encrypted.is_some().then_some(actor.now)),
                stores::webhook_secret.eq(encrypted),
                stores::previous_webhook_secret.eq(None::<Vec<u8>>),
                stores::disconnected_at.eq(None::<DateTime<Utc>>),
                stores::privacy_secret.eq(None::<Vec<u8>>),
                stores::erasure_requested_at.eq(None::<DateTime<Utc>>),
                stores::erased_at.eq(None::<DateTime<Utc>>),
            ))
            .returning(Store::as_returning())
            .get_result(conn)?;
        let event = AuditEvent::StoreConnected {
            platform,
            store: store.name.clone(),
            is_again: known.is_some(),
        };
        record(conn, actor, store.act(event))?;
        Ok(store)
    })
}

/// [`connect`] for the Shopify store at `address`, whose webhooks are signed with `secret`, for the
/// demo and tests.
pub fn connect_shopify(
    conn: &mut PgConnection,
    actor: &Actor,
    encryptor: &Encryptor,
    address: &str,
    secret: &WebhookSecret,
) -> Result<Store, ConnectError> {
    let webhook_secret = Some(secret);
    let new = NewStore { platform: Platform::Shopify, address, webhook_secret };
    connect(conn, actor, encryptor, &new)
}

fn insert(
    conn: &mut PgConnection,
    actor: &Actor,
    platform: Platform,
    address: &str,
) -> Result<i64, ConnectError> {
    let program: String =
        merchants::table.find(actor.merchant_id).select(merchants::name).first(conn)?;
    let name = title(conn, (actor.merchant_id, None), (&program, platform), address)?;
    diesel::insert_into(stores::table)
        .values((
            stores::merchant_id.eq(actor.merchant_id),
            stores::platform.eq(platform),
            stores::name.eq(name),
            stores::address.eq(address),
            stores::store_key.eq(new_store_key(actor.merchant_id)),
            stores::created_at.eq(actor.now),
        ))
        .returning(stores::id)
        .get_result(conn)
        .map_err(|error| match error {
            // A concurrent request connected it first.
            Error::DatabaseError(DatabaseErrorKind::UniqueViolation, ref info)
                if info.constraint_name() == Some("stores_address_unique") =>
            {
                ConnectError::Connected
            }
            error => ConnectError::Database(error),
        })
}

/// Disconnects a store. Its webhooks are rejected from now on, except privacy requests. Its secrets
/// are deleted, except the one that signs these requests. Its orders and conversions stay, its
/// customers' data for the retention period. A second call changes nothing.
pub fn disconnect(conn: &mut PgConnection, actor: &Actor, store: &Store) -> QueryResult<()> {
    conn.transaction(|conn| {
        let ended = diesel::update(stores::table.find((store.merchant_id, store.id)))
            .filter(stores::disconnected_at.is_null())
            .set((
                stores::disconnected_at.eq(actor.now),
                stores::privacy_secret.eq(stores::webhook_secret),
                stores::webhook_secret.eq(None::<Vec<u8>>),
                stores::previous_webhook_secret.eq(None::<Vec<u8>>),
                stores::webhook_secret_set_at.eq(None::<DateTime<Utc>>),
                stores::credentials.eq(None::<Vec<u8>>),
                stores::credentials_set_at.eq(None::<DateTime<Utc>>),
                stores::access_token.eq(None::<Vec<u8>>),
                stores::access_token_expires_at.eq(None::<DateTime<Utc>>),
                access_problem(None),
                webhooks_problem(None),
            ))
            .execute(conn)?;
        if ended == 0 {
            return Ok(());
        }
        let event =
            AuditEvent::StoreDisconnected { platform: store.platform, store: store.name.clone() };
        record(conn, actor, store.act(event))
    })
}

/// A store whose owner uninstalled Vouch there.
#[derive(Clone, Debug, Queryable)]
pub(crate) struct Uninstalled {
    pub(crate) name: String,
    pub(crate) platform: Platform,
    pub(crate) at: DateTime<Utc>,
}

/// Stores that were disconnected after `since` by the store instead of a member, and that are still
/// disconnected.
pub(crate) fn uninstalled(
    conn: &mut PgConnection,
    merchant_id: i64,
    since: DateTime<Utc>,
) -> QueryResult<Vec<Uninstalled>> {
    let by_the_store = audit_log::table
        .filter(audit_log::merchant_id.eq(merchant_id))
        .filter(audit_log::subject_kind.eq(SubjectKind::Store))
        .filter(audit_log::subject_id.eq(stores::id.nullable()))
        .filter(audit_log::action.eq(DISCONNECTED))
        .filter(audit_log::actor_kind.eq(ActorKind::System))
        .filter(audit_log::at.nullable().eq(stores::disconnected_at));
    stores::table
        .filter(stores::merchant_id.eq(merchant_id))
        .filter(stores::disconnected_at.gt(since))
        .filter(exists(by_the_store))
        .order(stores::id)
        .select((stores::name, stores::platform, stores::disconnected_at.assume_not_null()))
        .load(conn)
}
