//! The state of a merchant's stores for support staff, without their secrets.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz};
use vouch_core::platform::Platform;

use crate::features::ingest::text::DeliveryReason;
use crate::features::pushes::PushReason;
use crate::features::stores::Store;
use crate::kit::db::schema::stores;
use crate::kit::db::statement::statement;
use crate::kit::lists::{COUNT_LIMIT, Count};
use crate::kit::stored_text::{StoredText, shown};

/// The maximum of a store's newest failures on the page.
const NEWEST: i64 = 3;

/// A store without its credentials.
#[derive(Clone, Debug)]
pub(crate) struct StoreState {
    pub(crate) name: String,
    pub(crate) platform: Platform,
    /// The store domain or URL.
    pub(crate) address: Option<String>,
    pub(crate) disconnected_at: Option<DateTime<Utc>>,
    /// Why it can't be called.
    pub(crate) access_problem: Option<String>,
    pub(crate) webhooks_problem: Option<String>,
    /// Webhook deliveries that failed.
    pub(crate) deliveries: Failures,
    /// Codes that weren't pushed to it.
    pub(crate) pushes: Failures,
}

/// Failures of one kind at a store.
#[derive(Clone, Debug)]
pub(crate) struct Failures {
    pub(crate) count: Count,
    /// The newest ones.
    pub(crate) newest: Vec<StoreFailure>,
}

#[derive(Clone, Debug)]
pub(crate) struct StoreFailure {
    /// The code, or the delivery's topic.
    pub(crate) what: String,
    /// The reason, as a sentence.
    pub(crate) reason: String,
    pub(crate) at: DateTime<Utc>,
}

/// One of a store's newest failures, and their total.
struct FailureRow {
    store_id: i64,
    failed: Count,
    failure: StoreFailure,
}

/// A failed delivery, with its reason as stored.
#[derive(QueryableByName)]
struct DeliveryRow {
    #[diesel(sql_type = BigInt)]
    store_id: i64,
    #[diesel(sql_type = BigInt)]
    failed: Count,
    #[diesel(sql_type = Text)]
    topic: String,
    #[diesel(sql_type = Nullable<Text>)]
    detail: Option<String>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    reason: Option<StoredText<DeliveryReason>>,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
}

/// A failed push, with its reason as stored.
#[derive(QueryableByName)]
struct PushRow {
    #[diesel(sql_type = BigInt)]
    store_id: i64,
    #[diesel(sql_type = BigInt)]
    failed: Count,
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Text)]
    reason: String,
    #[diesel(sql_type = Nullable<Jsonb>)]
    details: Option<StoredText<PushReason>>,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
}

impl From<PushRow> for FailureRow {
    fn from(row: PushRow) -> Self {
        let reason = shown(row.details.as_ref(), Some(&row.reason)).unwrap_or_default();
        let failure = StoreFailure { what: row.code, reason, at: row.at };
        Self { store_id: row.store_id, failed: row.failed, failure }
    }
}

impl From<DeliveryRow> for FailureRow {
    fn from(row: DeliveryRow) -> Self {
        let reason = shown(row.reason.as_ref(), row.detail.as_deref()).unwrap_or_default();
        let failure = StoreFailure { what: row.topic, reason, at: row.at };
        Self { store_id: row.store_id, failed: row.failed, failure }
    }
}

/// The stores of a merchant, disconnected ones last.
pub(crate) fn stores_of(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Vec<StoreState>> {
    let rows: Vec<Store> = stores::table
        .filter(stores::merchant_id.eq(merchant_id))
        .order((stores::disconnected_at.is_not_null(), stores::id))
        .select(Store::as_select())
        .load(conn)?;
    let deliveries = failed_deliveries(conn, merchant_id)?;
    let pushes = failed_pushes(conn, merchant_id)?;
    let state = |store: Store| StoreState {
        access_problem: store.access_problem(),
        webhooks_problem: store.webhooks_problem(),
        deliveries: Failures::of(store.id, &deliveries),
        pushes: Failures::of(store.id, &pushes),
        name: store.name,
        platform: store.platform,
        address: store.address,
        disconnected_at: store.disconnected_at,
    };
    Ok(rows.into_iter().map(state).collect())
}

impl Failures {
    fn of(store_id: i64, rows: &[FailureRow]) -> Self {
        let own: Vec<&FailureRow> = rows.iter().filter(|row| row.store_id == store_id).collect();
        let count = own.first().map_or(Count::all(0), |row| row.failed);
        let newest = own.into_iter().map(|row| row.failure.clone()).collect();
        Self { count, newest }
    }
}

fn failed_deliveries(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Vec<FailureRow>> {
    let rows: Vec<DeliveryRow> = statement!(
        "SELECT s.id AS store_id, \
             (SELECT count(*) FROM (SELECT FROM deliveries WHERE merchant_id = s.merchant_id \
                 AND store_id = s.id AND outcome = 'failed' LIMIT :at_most) n) AS failed, \
             d.topic, d.detail, d.reason, d.received_at AS at \
         FROM stores s CROSS JOIN LATERAL (\
             SELECT id, topic, detail, reason, received_at FROM deliveries \
             WHERE merchant_id = s.merchant_id AND store_id = s.id AND outcome = 'failed' \
             ORDER BY id DESC LIMIT :newest) d \
         WHERE s.merchant_id = :merchant_id ORDER BY s.id, d.id DESC",
        merchant_id: BigInt,
        at_most: BigInt = COUNT_LIMIT + 1,
        newest: BigInt = NEWEST,
    )
    .load(conn)?;
    Ok(rows.into_iter().map(FailureRow::from).collect())
}

fn failed_pushes(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Vec<FailureRow>> {
    let rows: Vec<PushRow> = statement!(
        "SELECT s.id AS store_id, \
             (SELECT count(*) FROM (SELECT FROM pushes WHERE merchant_id = s.merchant_id \
                 AND store_id = s.id AND status = 'failed' LIMIT :at_most) n) AS failed, \
             t.value AS code, p.reason, p.details, coalesce(p.settled_at, p.created_at) AS at \
         FROM stores s CROSS JOIN LATERAL (\
             SELECT id, trigger_id, reason, details, settled_at, created_at FROM pushes \
             WHERE merchant_id = s.merchant_id AND store_id = s.id AND status = 'failed' \
             ORDER BY id DESC LIMIT :newest) p \
         JOIN triggers t ON t.merchant_id = s.merchant_id AND t.id = p.trigger_id \
         WHERE s.merchant_id = :merchant_id ORDER BY s.id, p.id DESC",
        merchant_id: BigInt,
        at_most: BigInt = COUNT_LIMIT + 1,
        newest: BigInt = NEWEST,
    )
    .load(conn)?;
    Ok(rows.into_iter().map(FailureRow::from).collect())
}
