use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};

use crate::features::auth::Merchant;
use crate::kit::db::schema::{members, merchants, stores, users};
use crate::kit::db::statement::statement;
use crate::kit::lists::{COUNT_LIMIT, ColumnType, Count, Listing, Range, SortOrder, contains};

/// A merchant for support staff, without its secrets.
#[derive(Clone, Debug)]
pub(crate) struct MerchantRow {
    pub(crate) merchant: Merchant,
    pub(crate) members: i64,
    /// The number of connected stores.
    pub(crate) stores: i64,
    /// Deliveries that failed and can be replayed.
    pub(crate) failed_deliveries: Count,
    /// When the newest order was placed.
    pub(crate) last_order_at: Option<DateTime<Utc>>,
    /// When it was closed, and the reason from the instance log. `None` if it's open.
    pub(crate) closing: Option<(DateTime<Utc>, String)>,
}

pub(super) const BY_NAME: SortOrder =
    SortOrder::ascending(&[("name", ColumnType::Text), ("id", ColumnType::Number)]);

/// Some of the merchants of the instance: all, or those where a name, slug, member's email or store
/// domain contains `search`, in any case. Call it within `Scope::Support`.
pub(super) fn merchants(
    conn: &mut PgConnection,
    search: &str,
    range: &Range,
) -> QueryResult<Listing<MerchantRow>> {
    let mut query = merchants::table.select(Merchant::as_select()).into_boxed();
    if !search.is_empty() {
        let pattern = contains(search);
        let members = members::table
            .inner_join(users::table)
            .filter(users::email.ilike(pattern.clone()))
            .select(members::merchant_id);
        let stores = stores::table
            .filter(stores::address.ilike(pattern.clone()))
            .select(stores::merchant_id);
        query = query.filter(
            merchants::name
                .ilike(pattern.clone())
                .or(merchants::slug.ilike(pattern))
                .or(merchants::id.eq_any(members))
                .or(merchants::id.eq_any(stores)),
        );
    }
    let found: Vec<Merchant> = range.walk(query).load(conn)?;
    range
        .listing(found, |merchant| (merchant.name.clone(), merchant.id))
        .complete(|found| with_state(conn, found))
}

#[derive(QueryableByName)]
struct StateRow {
    #[diesel(sql_type = BigInt)]
    merchant_id: i64,
    #[diesel(sql_type = BigInt)]
    members: i64,
    #[diesel(sql_type = BigInt)]
    stores: i64,
    #[diesel(sql_type = BigInt)]
    failed_deliveries: Count,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_order_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    closed_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    closed_for: Option<String>,
}

fn with_state(conn: &mut PgConnection, rows: Vec<Merchant>) -> QueryResult<Vec<MerchantRow>> {
    let ids: Vec<i64> = rows.iter().map(|merchant| merchant.id).collect();
    // Each column reads one index. Failed deliveries are counted up to just past the limit for pages.
    let states: Vec<StateRow> = statement!(
        "SELECT m.id AS merchant_id, \
             (SELECT count(*) FROM members WHERE merchant_id = m.id) AS members, \
             (SELECT count(*) FROM stores WHERE merchant_id = m.id \
                 AND disconnected_at IS NULL AND platform <> 'api') AS stores, \
             (SELECT count(*) FROM (SELECT 1 FROM deliveries WHERE merchant_id = m.id \
                 AND outcome = 'failed' LIMIT :at_most) AS failed) AS failed_deliveries, \
             (SELECT placed_at FROM orders WHERE merchant_id = m.id AND placed_at IS NOT NULL \
                 ORDER BY placed_at DESC LIMIT 1) AS last_order_at, \
             c.closed_at, \
             CASE WHEN c.closed_at IS NOT NULL THEN (SELECT details->>'reason' \
                 FROM instance_log WHERE action = 'merchant.closed' AND subject_id = m.id \
                 ORDER BY id DESC LIMIT 1) END AS closed_for \
         FROM unnest(:ids) AS m (id) JOIN merchants c ON c.id = m.id",
        ids: Array<BigInt>,
        at_most: BigInt = COUNT_LIMIT + 1,
    )
    .load(conn)?;
    let mut states: HashMap<i64, StateRow> =
        states.into_iter().map(|state| (state.merchant_id, state)).collect();
    let row = |merchant: Merchant| {
        let state = states.remove(&merchant.id)?;
        Some(MerchantRow {
            merchant,
            members: state.members,
            stores: state.stores,
            failed_deliveries: state.failed_deliveries,
            last_order_at: state.last_order_at,
            closing: state.closed_at.map(|at| (at, state.closed_for.unwrap_or_default())),
        })
    };
    Ok(rows.into_iter().filter_map(row).collect())
}
