use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};

use crate::features::auth::Merchant;
use crate::kit::db::prepared;
use crate::kit::db::schema::{members, merchants, stores, users};
use crate::kit::lists::{Kind, Listing, Order, Range, contains};

/// A merchant as support staff see it: how it fares, and none of its secrets.
#[derive(Clone, Debug)]
pub struct MerchantRow {
    /// Name, address, time zone.
    pub merchant: Merchant,
    /// How many work for it.
    pub members: i64,
    /// Connected stores.
    pub stores: i64,
    /// Deliveries that failed and wait for a replay; exact up to `COUNT_LIMIT`.
    pub failed_deliveries: i64,
    /// When the newest order was placed.
    pub last_order_at: Option<DateTime<Utc>>,
    /// Since when it's closed, and why as support's own log has it; `None` while it's open.
    pub closing: Option<(DateTime<Utc>, String)>,
}

/// By name.
pub(super) const BY_NAME: Order = Order::ascending(&[("name", Kind::Text), ("id", Kind::Number)]);

/// Some of the merchants of the installation, within `Scope::Support`: all, or those with `search` in
/// their name, slug, a member's email address or a store's, in any case.
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

type StateRow = (i64, i64, i64, i64, Option<DateTime<Utc>>, Option<DateTime<Utc>>, Option<String>);

fn with_state(conn: &mut PgConnection, rows: Vec<Merchant>) -> QueryResult<Vec<MerchantRow>> {
    let ids: Vec<i64> = rows.iter().map(|merchant| merchant.id).collect();
    // One look into an index for each; what failed is counted up to just past the limit of pages.
    let states: Vec<StateRow> = prepared::<(
        BigInt,
        BigInt,
        BigInt,
        BigInt,
        Nullable<Timestamptz>,
        Nullable<Timestamptz>,
        Nullable<Text>,
    )>(
        "SELECT m.id, \
             (SELECT count(*) FROM members WHERE merchant_id = m.id), \
             (SELECT count(*) FROM stores \
              WHERE merchant_id = m.id AND disconnected_at IS NULL AND platform <> 'api'), \
             (SELECT count(*) FROM (SELECT 1 FROM deliveries \
              WHERE merchant_id = m.id AND outcome = 'failed' LIMIT 10001) AS failed), \
             (SELECT placed_at FROM orders WHERE merchant_id = m.id AND placed_at IS NOT NULL \
              ORDER BY placed_at DESC LIMIT 1), \
             c.closed_at, \
             CASE WHEN c.closed_at IS NOT NULL THEN (SELECT details->>'reason' FROM instance_log \
              WHERE action = 'merchant.closed' AND subject_id = m.id ORDER BY id DESC LIMIT 1) END \
         FROM unnest(?) AS m(id) JOIN merchants c ON c.id = m.id",
    )
    .bind::<Array<BigInt>, _>(&ids)
    .load(conn)?;
    let row = |merchant: Merchant| {
        let state = states.iter().find(|state| state.0 == merchant.id);
        let (_, members, stores, failed_deliveries, last_order_at, closed_at, reason) =
            state.cloned().unwrap_or_default();
        let closing = closed_at.map(|at| (at, reason.unwrap_or_default()));
        MerchantRow { merchant, members, stores, failed_deliveries, last_order_at, closing }
    };
    Ok(rows.into_iter().map(row).collect())
}
