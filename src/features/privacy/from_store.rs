//! Processes the privacy requests that stores send for their customers.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz};
use vouch_platforms::{PrivacyRequest, PrivacyTopic};

use super::erase::erase_person;
use super::person::Lookup;
use super::requests::act;
use crate::features::audit::AuditEvent;
use crate::features::stores::{self, Store};
use crate::kit::audit::{Actor, record};
use crate::kit::db::schema::stores as store_rows;
use crate::kit::db::statement::{columns, statement};
use crate::kit::db::{Db, Scope};
use crate::kit::error::AppResult;
use crate::kit::pseudonyms::Pseudonyms;

/// Processes a store's privacy request, on the caller's thread. `fallback` identifies requests that
/// have no ID. Returns whether a person was erased.
pub(crate) fn carry_out(
    db: &Db,
    pseudonyms: &Pseudonyms,
    (merchant_id, store_id): (i64, i64),
    (topic, request): (PrivacyTopic, PrivacyRequest),
    fallback: &str,
    now: DateTime<Utc>,
) -> AppResult<bool> {
    let actor = Actor::system(merchant_id, now);
    let PrivacyRequest { request_ref, email, order_refs } = request;
    match topic {
        PrivacyTopic::Redact => {
            let lookup = Lookup {
                emails: vec![email],
                orders: Some((store_id, order_refs)),
                keeps_members: true,
                is_repeat: false,
            };
            let outcome = erase_person(db, &actor, pseudonyms, &lookup)?;
            let outcome = outcome.inspect_err(|refused| {
                tracing::error!(merchant_id, store_id, error = %refused, "privacy_request_refused");
            });
            Ok(outcome.is_ok_and(|erased| !erased.is_nothing()))
        }
        PrivacyTopic::DataRequest => {
            let request_ref = request_ref.unwrap_or_else(|| fallback.to_owned());
            db.run_blocking(Scope::Merchant(merchant_id), |conn| {
                keep(conn, &actor, store_id, &request_ref, &email, &order_refs)
            })?;
            Ok(false)
        }
        PrivacyTopic::ShopRedact => {
            db.run_blocking(Scope::Merchant(merchant_id), |conn| {
                request_erasure(conn, &actor, store_id)
            })?;
            Ok(false)
        }
    }
}

/// Creates a task for the merchant. A repeated request changes nothing.
fn keep(
    conn: &mut PgConnection,
    actor: &Actor,
    store_id: i64,
    request_ref: &str,
    email: &str,
    order_refs: &[String],
) -> QueryResult<()> {
    let kept = statement!(
        "INSERT INTO data_requests (:new.columns) VALUES (:new.values) \
         ON CONFLICT (merchant_id, store_id, request_ref) DO NOTHING",
        ..new = columns!(
            merchant_id: BigInt = actor.merchant_id,
            store_id: BigInt = store_id,
            request_ref: Text = request_ref,
            email: Text = email,
            order_refs: Array<Text> = order_refs,
            received_at: Timestamptz = actor.now,
        ),
    )
    .execute(conn)?;
    if kept == 0 {
        return Ok(());
    }
    record(conn, actor, act(AuditEvent::DataRequestReceived, store_id))
}

/// Requests that the background job erases the customers of a store, whatever its retention period.
/// Shopify sends this two days after the app was uninstalled. A store that's still connected has
/// missed that webhook, so it's disconnected here.
fn request_erasure(conn: &mut PgConnection, actor: &Actor, store_id: i64) -> QueryResult<()> {
    let store = Store::find(conn, actor.merchant_id, store_id)?;
    stores::disconnect(conn, actor, &store)?;
    let asked = diesel::update(store_rows::table.find((actor.merchant_id, store_id)))
        .filter(store_rows::erasure_requested_at.is_null())
        .set(store_rows::erasure_requested_at.eq(actor.now))
        .execute(conn)?;
    if asked == 0 {
        return Ok(());
    }
    record(conn, actor, act(AuditEvent::StoreErasureRequested, store_id))
}
