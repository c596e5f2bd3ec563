use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};

use crate::features::auth::Merchant;
use crate::kit::db::prepared;
use crate::kit::db::schema::{members, merchants, stores, users};
use crate::kit::web::paginate::{Cursor, Listing, PAGE_SIZE};

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

/// Which merchants are listed.
#[derive(Clone, Debug, Default)]
pub struct MerchantsList {
    /// A part of the name, of the slug, of a member's e-mail address or of a store's, in any case;
    /// empty for all.
    pub search: String,
}

/// The merchants of the installation by name, within `Scope::Support`.
pub fn merchants(
    conn: &mut PgConnection,
    list: &MerchantsList,
    cursor: &Cursor<(String, i64)>,
) -> QueryResult<Listing<MerchantRow>> {
    use merchants::{id, name};
    let mut query = merchants::table
        .select(Merchant::as_select())
        .limit(i64::try_from(PAGE_SIZE + 1).unwrap_or(i64::MAX))
        .into_boxed();
    if !list.search.is_empty() {
        let pattern = format!("%{}%", escape(&list.search));
        let members = members::table
            .inner_join(users::table)
            .filter(users::email.ilike(pattern.clone()))
            .select(members::merchant_id);
        let stores = stores::table
            .filter(stores::address.ilike(pattern.clone()))
            .select(stores::merchant_id);
        query = query.filter(
            name.ilike(pattern.clone())
                .or(merchants::slug.ilike(pattern))
                .or(id.eq_any(members))
                .or(id.eq_any(stores)),
        );
    }
    query = match cursor {
        Cursor::Start => query.order((name.asc(), id.asc())),
        Cursor::After((last, last_id)) => query
            .filter(name.gt(last).or(name.eq(last).and(id.gt(last_id))))
            .order((name.asc(), id.asc())),
        Cursor::Before((first, first_id)) => query
            .filter(name.lt(first).or(name.eq(first).and(id.lt(first_id))))
            .order((name.desc(), id.desc())),
    };
    let found: Vec<Merchant> = query.load(conn)?;
    let Listing { rows, previous, next } =
        Listing::new(found, cursor, |merchant| (merchant.name.clone(), merchant.id));
    Ok(Listing { rows: with_state(conn, rows)?, previous, next })
}

/// What stands in a LIKE pattern for itself.
fn escape(search: &str) -> String {
    search.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
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
