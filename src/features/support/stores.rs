//! A merchant's stores as support staff see them: how they fare, and none of their secrets.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Timestamptz};
use vouch_core::platform::Platform;

use crate::kit::db::prepared;
use crate::kit::db::schema::stores;
use crate::kit::web::paginate::{COUNT_LIMIT, Count};

/// How many of the newest failures of a store are shown.
const NEWEST: i64 = 3;

/// A store, without what it is called with.
#[derive(Clone, Debug)]
pub struct StoreState {
    /// What pages call it.
    pub name: String,
    /// What it runs on.
    pub platform: Platform,
    /// Where it is.
    pub address: Option<String>,
    /// When it was disconnected.
    pub disconnected_at: Option<DateTime<Utc>>,
    /// Why it cannot be called.
    pub access_problem: Option<String>,
    /// What is wrong with its webhooks.
    pub webhooks_problem: Option<String>,
    /// Its messages that could not be taken in.
    pub deliveries: Failures,
    /// Codes that did not get into it.
    pub pushes: Failures,
}

/// What failed at a store.
#[derive(Clone, Debug)]
pub struct Failures {
    /// How many.
    pub count: Count,
    /// The newest few.
    pub newest: Vec<Failure>,
}

/// One thing that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The code, or the message's topic.
    pub what: String,
    /// Why, in words for people.
    pub reason: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// Store, how many failed there, what, why, when: a row for each of the newest, the newest first.
type FailureRow = (i64, i64, String, String, DateTime<Utc>);

/// The stores of a merchant, the disconnected ones last.
pub fn stores_of(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Vec<StoreState>> {
    type Row = (
        i64,
        String,
        Platform,
        Option<String>,
        Option<DateTime<Utc>>,
        Option<String>,
        Option<String>,
    );
    let rows: Vec<Row> = stores::table
        .filter(stores::merchant_id.eq(merchant_id))
        .order((stores::disconnected_at.is_not_null(), stores::id))
        .select((
            stores::id,
            stores::name,
            stores::platform,
            stores::address,
            stores::disconnected_at,
            stores::access_problem,
            stores::webhooks_problem,
        ))
        .load(conn)?;
    let deliveries = failed_deliveries(conn, merchant_id)?;
    let pushes = failed_pushes(conn, merchant_id)?;
    let state = |row: Row| {
        let (id, name, platform, address, disconnected_at, access_problem, webhooks_problem) = row;
        StoreState {
            name,
            platform,
            address,
            disconnected_at,
            access_problem,
            webhooks_problem,
            deliveries: Failures::of(id, &deliveries),
            pushes: Failures::of(id, &pushes),
        }
    };
    Ok(rows.into_iter().map(state).collect())
}

impl Failures {
    fn of(store_id: i64, rows: &[FailureRow]) -> Self {
        let own: Vec<&FailureRow> = rows.iter().filter(|row| row.0 == store_id).collect();
        let count = Count::new(own.first().map_or(0, |row| row.1), COUNT_LIMIT);
        let newest = own
            .into_iter()
            .map(|(_, _, what, reason, at)| Failure {
                what: what.clone(),
                reason: reason.clone(),
                at: *at,
            })
            .collect();
        Self { count, newest }
    }
}

fn failed_deliveries(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Vec<FailureRow>> {
    prepared::<(BigInt, BigInt, Text, Text, Timestamptz)>(
        "SELECT s.id, \
             (SELECT count(*) FROM (SELECT FROM deliveries WHERE merchant_id = s.merchant_id \
                 AND store_id = s.id AND outcome = 'failed' LIMIT ?) n), \
             d.topic, d.detail, d.received_at \
         FROM stores s CROSS JOIN LATERAL (\
             SELECT id, topic, detail, received_at FROM deliveries \
             WHERE merchant_id = s.merchant_id AND store_id = s.id AND outcome = 'failed' \
             ORDER BY id DESC LIMIT ?) d \
         WHERE s.merchant_id = ? ORDER BY s.id, d.id DESC",
    )
    .bind::<BigInt, _>(COUNT_LIMIT + 1)
    .bind::<BigInt, _>(NEWEST)
    .bind::<BigInt, _>(merchant_id)
    .load(conn)
}

fn failed_pushes(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Vec<FailureRow>> {
    prepared::<(BigInt, BigInt, Text, Text, Timestamptz)>(
        "SELECT s.id, \
             (SELECT count(*) FROM (SELECT FROM pushes WHERE merchant_id = s.merchant_id \
                 AND store_id = s.id AND status = 'failed' LIMIT ?) n), \
             t.value, p.reason, coalesce(p.settled_at, p.created_at) \
         FROM stores s CROSS JOIN LATERAL (\
             SELECT id, trigger_id, reason, settled_at, created_at FROM pushes \
             WHERE merchant_id = s.merchant_id AND store_id = s.id AND status = 'failed' \
             ORDER BY id DESC LIMIT ?) p \
         JOIN triggers t ON t.merchant_id = s.merchant_id AND t.id = p.trigger_id \
         WHERE s.merchant_id = ? ORDER BY s.id, p.id DESC",
    )
    .bind::<BigInt, _>(COUNT_LIMIT + 1)
    .bind::<BigInt, _>(NEWEST)
    .bind::<BigInt, _>(merchant_id)
    .load(conn)
}
