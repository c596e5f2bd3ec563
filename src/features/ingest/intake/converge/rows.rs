//! Reads and writes the conversions of an order.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Date, Integer, Nullable, Text, Timestamptz};
use vouch_core::attribution::{Components, LedgerBalance, LedgerEnd};
use vouch_core::money::Currency;

use super::target::{OfOrder, TargetConversion};
use crate::features::conversions::{Review, Via};
use crate::features::rollups::{RollupAmounts, SharedAmounts};
use crate::kit::db::schema::conversions;
use crate::kit::db::statement::{ColumnValues, columns, statement};

/// A conversion with the amounts in its ledger.
pub(super) struct CurrentConversion {
    pub(crate) id: i64,
    pub(crate) review: Option<Review>,
    pub(crate) now: TargetConversion,
    /// The amounts in the ledger, by currency.
    pub(crate) held: Vec<LedgerBalance>,
    pub(crate) end: LedgerEnd,
}

#[derive(QueryableByName)]
#[diesel(table_name = conversions)]
struct Row {
    id: i64,
    affiliate_id: i64,
    trigger_id: Option<i64>,
    offer_id: Option<i64>,
    via: Via,
    currency: Currency,
    day: NaiveDate,
    review: Option<Review>,
    unqualified_reason: Option<String>,
    auto_approve: bool,
    not_paid_yet: bool,
    is_fraud: bool,
    revenue_minor: i64,
    discount_minor: i64,
    refunded_minor: i64,
    commission_minor: i64,
    shared_revenue_minor: i64,
    shared_refunded_minor: i64,
    entries: i32,
    ledger_currency: Option<Currency>,
    #[diesel(embed)]
    held: Option<HeldRow>,
}

#[derive(QueryableByName)]
struct HeldRow {
    #[diesel(sql_type = Text)]
    held_currency: Currency,
    #[diesel(sql_type = BigInt)]
    sale: i64,
    #[diesel(sql_type = BigInt)]
    refund: i64,
    #[diesel(sql_type = BigInt)]
    cancellation: i64,
    #[diesel(sql_type = Bool)]
    has_sale: bool,
}

impl From<HeldRow> for LedgerBalance {
    fn from(row: HeldRow) -> Self {
        let HeldRow { held_currency, sale, refund, cancellation, has_sale } = row;
        let components = Components { sale, refund, cancellation };
        Self { currency: held_currency, components, has_sale }
    }
}

/// The order's conversions, locked. The query returns one row for each conversion and currency of
/// its ledger.
pub(super) fn current(
    conn: &mut PgConnection,
    order: &OfOrder,
) -> QueryResult<Vec<CurrentConversion>> {
    let rows: Vec<Row> = statement!(
        "SELECT c.id, c.affiliate_id, c.trigger_id, c.offer_id, c.via, c.currency, c.day, c.review, \
             c.unqualified_reason, c.auto_approve, c.not_paid_yet, c.is_fraud, \
             c.revenue_minor, c.discount_minor, c.refunded_minor, c.commission_minor, \
             c.shared_revenue_minor, c.shared_refunded_minor, c.entries, c.ledger_currency, \
             e.currency AS held_currency, e.sale, e.refund, e.cancellation, e.has_sale \
         FROM conversions c \
         LEFT JOIN LATERAL (SELECT currency, \
             coalesce(sum(amount_minor) FILTER (WHERE kind IN ('sale', 'adjustment')), 0)::bigint AS sale, \
             coalesce(sum(amount_minor) FILTER (WHERE kind = 'refund'), 0)::bigint AS refund, \
             coalesce(sum(amount_minor) FILTER (WHERE kind = 'cancellation'), 0)::bigint AS cancellation, \
             bool_or(kind = 'sale') AS has_sale \
             FROM commission_entries \
             WHERE merchant_id = c.merchant_id AND conversion_id = c.id \
             GROUP BY currency) e ON true \
         WHERE c.merchant_id = :merchant_id AND c.order_id = :order_id \
         ORDER BY c.id FOR UPDATE OF c",
        merchant_id: BigInt = order.merchant_id,
        order_id: BigInt = order.order_id,
    )
    .load(conn)?;
    let mut current: Vec<CurrentConversion> = Vec::new();
    for mut row in rows {
        let held = row.held.take().map(LedgerBalance::from);
        match current.last_mut() {
            Some(last) if last.id == row.id => last.held.extend(held),
            _ => current.push(CurrentConversion::new(row, held)),
        }
    }
    Ok(current)
}

impl CurrentConversion {
    fn new(row: Row, held: Option<LedgerBalance>) -> Self {
        Self {
            id: row.id,
            review: row.review,
            now: TargetConversion {
                affiliate_id: row.affiliate_id,
                trigger_id: row.trigger_id,
                offer_id: row.offer_id,
                via: row.via,
                unqualified_reason: row.unqualified_reason,
                auto_approve: row.auto_approve,
                not_paid_yet: row.not_paid_yet,
                is_fraud: row.is_fraud,
                currency: row.currency,
                day: row.day,
                amounts: RollupAmounts {
                    orders: 0,
                    conversions: 1,
                    revenue_minor: row.revenue_minor,
                    discount_minor: row.discount_minor,
                    refunded_minor: row.refunded_minor,
                    commission_minor: row.commission_minor,
                },
                shared: SharedAmounts {
                    revenue_minor: row.shared_revenue_minor,
                    refunded_minor: row.shared_refunded_minor,
                },
            },
            held: held.into_iter().collect(),
            end: LedgerEnd {
                entries: row.entries,
                currency: row.ledger_currency,
                balance_minor: row.commission_minor,
            },
        }
    }
}

pub(super) fn insert(
    conn: &mut PgConnection,
    order: &OfOrder,
    target: &TargetConversion,
    end: &LedgerEnd,
    now: DateTime<Utc>,
) -> QueryResult<i64> {
    statement!(
        "INSERT INTO conversions (merchant_id, order_id, affiliate_id, created_at, :new.columns) \
         VALUES (:merchant_id, :order_id, :affiliate_id, :now, :new.values) RETURNING id",
        merchant_id: BigInt = order.merchant_id,
        order_id: BigInt = order.order_id,
        affiliate_id: BigInt = target.affiliate_id,
        now: Timestamptz,
        ..new = columns_of(order, target, end, now),
    )
    .scalar::<BigInt>()
    .get_result(conn)
}

pub(super) fn update(
    conn: &mut PgConnection,
    order: &OfOrder,
    conversion_id: i64,
    (target, end): (&TargetConversion, &LedgerEnd),
    now: DateTime<Utc>,
) -> QueryResult<()> {
    statement!(
        "UPDATE conversions SET (:new.columns) = (:new.values) \
         WHERE merchant_id = :merchant_id AND id = :conversion_id",
        merchant_id: BigInt = order.merchant_id,
        conversion_id: BigInt,
        ..new = columns_of(order, target, end, now),
    )
    .execute(conn)
    .map(drop)
}

fn columns_of<'a>(
    order: &OfOrder,
    target: &'a TargetConversion,
    end: &LedgerEnd,
    now: DateTime<Utc>,
) -> ColumnValues<'a> {
    columns!(
        trigger_id: Nullable<BigInt> = target.trigger_id,
        offer_id: Nullable<BigInt> = target.offer_id,
        via: Text = target.via,
        unqualified_reason: Nullable<Text> = target.unqualified_reason.as_deref(),
        auto_approve: Bool = target.auto_approve,
        not_paid_yet: Bool = target.not_paid_yet,
        is_fraud: Bool = target.is_fraud,
        currency: Text = target.currency,
        revenue_minor: BigInt = target.amounts.revenue_minor,
        discount_minor: BigInt = target.amounts.discount_minor,
        refunded_minor: BigInt = target.amounts.refunded_minor,
        commission_minor: BigInt = target.amounts.commission_minor,
        shared_revenue_minor: BigInt = target.shared.revenue_minor,
        shared_refunded_minor: BigInt = target.shared.refunded_minor,
        entries: Integer = end.entries,
        ledger_currency: Nullable<Text> = end.currency,
        occurred_at: Timestamptz = order.placed_at,
        day: Date = order.day,
        updated_at: Timestamptz = now,
    )
}
