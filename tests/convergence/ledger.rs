//! The ledger as it is compared: by what it comes to, not by the way there.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::facts::Program;
use crate::harness::TestApp;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    order_ref: String,
    #[diesel(sql_type = BigInt)]
    affiliate_id: i64,
    #[diesel(sql_type = Text)]
    group: String,
    #[diesel(sql_type = Text)]
    currency: String,
    #[diesel(sql_type = BigInt)]
    minor: i64,
    #[diesel(sql_type = BigInt)]
    entries: i64,
}

fn rows(app: &TestApp, program: &Program) -> Vec<Row> {
    app.within_merchant(program.merchant_id, |conn| {
        diesel::sql_query(
            "SELECT o.order_ref, c.affiliate_id, \
                 CASE WHEN e.kind IN ('sale', 'adjustment') THEN 'sale' ELSE e.kind END AS group, \
                 e.currency::text AS currency, sum(e.amount_minor)::bigint AS minor, count(*) AS entries \
             FROM commission_entries e \
             JOIN conversions c ON c.merchant_id = e.merchant_id AND c.id = e.conversion_id \
             JOIN orders o ON o.merchant_id = c.merchant_id AND o.id = c.order_id \
             GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
        )
        .load(conn)
    })
}

/// (order, which affiliate, sale or refund or cancellation, currency) -> sum, zeros left out.
pub(super) type Ledger = BTreeMap<(String, usize, String, String), i64>;

pub(super) fn of(app: &TestApp, program: &Program) -> Ledger {
    let rows = rows(app, program).into_iter().filter(|row| row.minor != 0);
    rows.map(|row| {
        let who = program.affiliates.iter().position(|id| *id == row.affiliate_id).unwrap();
        ((row.order_ref, who, row.group, row.currency), row.minor)
    })
    .collect()
}

/// The sums and how many entries they are of: an entry more is a change, whatever it comes to.
pub(super) fn entries(
    app: &TestApp,
    program: &Program,
) -> Vec<(String, i64, String, String, i64, i64)> {
    let rows = rows(app, program).into_iter();
    rows.map(|row| {
        (row.order_ref, row.affiliate_id, row.group, row.currency, row.minor, row.entries)
    })
    .collect()
}
