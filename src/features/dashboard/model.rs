use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::kit::db::schema::{affiliates, orders, stores, triggers};
use crate::kit::db::statement::statement;
use crate::kit::lists::COUNT_LIMIT;

/// Items that need attention. Each count is exact up to the limit for counts on pages, and one more
/// beyond it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, QueryableByName)]
pub(crate) struct Waiting {
    #[diesel(sql_type = BigInt)]
    pub(crate) conversions: i64,
    #[diesel(sql_type = BigInt)]
    pub(crate) affiliates: i64,
    /// Pending requests for additional codes.
    #[diesel(sql_type = BigInt)]
    pub(crate) codes: i64,
    /// Webhook deliveries that failed and aren't retried automatically.
    #[diesel(sql_type = BigInt)]
    pub(crate) deliveries: i64,
    /// Codes that a connected store rejected or that couldn't be pushed.
    #[diesel(sql_type = BigInt)]
    pub(crate) pushes: i64,
    /// Background jobs that failed.
    #[diesel(sql_type = BigInt)]
    pub(crate) parked: i64,
    /// Customers who requested their data from their store.
    #[diesel(sql_type = BigInt)]
    pub(crate) data_requests: i64,
}

impl Waiting {
    pub(crate) fn is_empty(self) -> bool {
        self == Self::default()
    }
}

pub(crate) fn waiting(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Waiting> {
    statement!(
        "SELECT (SELECT count(*) FROM (SELECT 1 FROM conversions \
                 WHERE merchant_id = :merchant_id AND status = 'pending' \
                 LIMIT :at_most) n) AS conversions, \
             (SELECT count(*) FROM (SELECT 1 FROM affiliates \
                 WHERE merchant_id = :merchant_id AND status = 'pending' \
                 LIMIT :at_most) n) AS affiliates, \
             (SELECT count(*) FROM (SELECT 1 FROM code_requests \
                 WHERE merchant_id = :merchant_id AND status = 'pending' AND origin = 'portal' \
                 LIMIT :at_most) n) AS codes, \
             (SELECT count(*) FROM (SELECT 1 FROM deliveries d \
                 WHERE d.merchant_id = :merchant_id AND d.outcome = 'failed' \
                     AND d.body_gzip IS NOT NULL \
                     AND NOT EXISTS (SELECT FROM jobs j WHERE j.merchant_id = d.merchant_id \
                         AND j.kind = 'delivery_retries' AND j.target_id = 0 AND j.key = d.id::text \
                         AND j.dead_at IS NULL) \
                 LIMIT :at_most) n) AS deliveries, \
             (SELECT count(*) FROM (SELECT 1 FROM pushes p \
                 JOIN stores s ON s.merchant_id = p.merchant_id AND s.id = p.store_id \
                 WHERE p.merchant_id = :merchant_id AND p.status = 'failed' \
                     AND s.disconnected_at IS NULL \
                 LIMIT :at_most) n) AS pushes, \
             (SELECT count(*) FROM (SELECT 1 FROM recalculations \
                 WHERE merchant_id = :merchant_id AND failed_at IS NOT NULL \
                 LIMIT :at_most) n) AS parked, \
             (SELECT count(*) FROM data_requests \
                 WHERE merchant_id = :merchant_id AND completed_at IS NULL) AS data_requests",
        merchant_id: BigInt,
        at_most: BigInt = COUNT_LIMIT + 1,
    )
    .get_result(conn)
}

/// The setup progress of a new program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Steps {
    pub(crate) has_store: bool,
    pub(crate) has_affiliate: bool,
    pub(crate) has_trigger: bool,
    pub(crate) has_order: bool,
}

impl Steps {
    pub(crate) fn are_done(self) -> bool {
        self.has_store && self.has_affiliate && self.has_trigger && self.has_order
    }
}

pub(crate) fn steps(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Steps> {
    let (has_store, has_affiliate, has_trigger, has_order) = diesel::select((
        exists(stores::table.filter(stores::merchant_id.eq(merchant_id))),
        exists(affiliates::table.filter(affiliates::merchant_id.eq(merchant_id))),
        exists(triggers::table.filter(triggers::merchant_id.eq(merchant_id))),
        exists(orders::table.filter(orders::merchant_id.eq(merchant_id))),
    ))
    .get_result(conn)?;
    Ok(Steps { has_store, has_affiliate, has_trigger, has_order })
}
