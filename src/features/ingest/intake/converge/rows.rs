//! The conversions of an order as they stand in the database.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Date, Integer, Nullable, Text, Timestamptz};
use vouch_core::attribution::{Components, Held, LedgerEnd};

use super::target::{OfOrder, Target};
use crate::features::conversions::{Review, Via};
use crate::features::rollups::{Amounts, Shared};
use crate::kit::db::prepared;

/// A conversion as it stands, with what its ledger holds.
pub(super) struct CurrentConversion {
    pub id: i64,
    /// A member's.
    pub review: Option<Review>,
    pub now: Target,
    /// By currency.
    pub held: Vec<Held>,
    pub end: LedgerEnd,
}

type HeadSql =
    (BigInt, BigInt, Nullable<BigInt>, Nullable<BigInt>, Text, Text, Date, Nullable<Text>);
type FactsSql = (Nullable<Text>, Bool, Bool, Bool);
type AmountsSql = (BigInt, BigInt, BigInt, BigInt, BigInt, BigInt);
type EndSql = (Integer, Nullable<Text>);
type HeldSql = (Nullable<Text>, BigInt, BigInt, BigInt, Bool);

type HeadRow = (i64, i64, Option<i64>, Option<i64>, Via, String, NaiveDate, Option<Review>);
type FactsRow = (Option<String>, bool, bool, bool);
type AmountsRow = (i64, i64, i64, i64, i64, i64);
type EndRow = (i32, Option<String>);
type HeldRow = (Option<String>, i64, i64, i64, bool);
type Row = (HeadRow, FactsRow, AmountsRow, EndRow, HeldRow);

/// The order's conversions, locked. Each is one row for each currency that its ledger holds.
pub(super) fn current(
    conn: &mut PgConnection,
    order: &OfOrder,
) -> QueryResult<Vec<CurrentConversion>> {
    let rows: Vec<Row> = prepared::<(HeadSql, FactsSql, AmountsSql, EndSql, HeldSql)>(
        "SELECT c.id, c.affiliate_id, c.trigger_id, c.offer_id, c.via, c.currency::text, c.day, \
             c.review, \
             c.unqualified_reason, c.auto_approve, c.not_paid_yet, c.is_fraud, \
             c.revenue_minor, c.discount_minor, c.refunded_minor, c.commission_minor, \
             c.shared_revenue_minor, c.shared_refunded_minor, \
             c.entries, c.ledger_currency::text, \
             e.currency::text, coalesce(e.sale, 0), coalesce(e.refund, 0), \
             coalesce(e.cancellation, 0), coalesce(e.has_sale, false) \
         FROM conversions c \
         LEFT JOIN LATERAL (SELECT currency, \
             coalesce(sum(amount_minor) FILTER (WHERE kind IN ('sale', 'adjustment')), 0)::bigint AS sale, \
             coalesce(sum(amount_minor) FILTER (WHERE kind = 'refund'), 0)::bigint AS refund, \
             coalesce(sum(amount_minor) FILTER (WHERE kind = 'cancellation'), 0)::bigint AS cancellation, \
             bool_or(kind = 'sale') AS has_sale \
             FROM commission_entries \
             WHERE merchant_id = c.merchant_id AND conversion_id = c.id \
             GROUP BY currency) e ON true \
         WHERE c.merchant_id = ? AND c.order_id = ? ORDER BY c.id FOR UPDATE OF c",
    )
    .bind::<BigInt, _>(order.merchant_id)
    .bind::<BigInt, _>(order.order_id)
    .load(conn)?;
    let mut current: Vec<CurrentConversion> = Vec::new();
    for (head, facts, amounts, end, held) in rows {
        if current.last().is_none_or(|last| last.id != head.0) {
            current.push(CurrentConversion::new(head, facts, amounts, end));
        }
        let (currency, sale, refund, cancellation, has_sale) = held;
        let components = Components { sale, refund, cancellation };
        let held = currency.map(|currency| Held { currency, components, has_sale });
        if let Some(last) = current.last_mut() {
            last.held.extend(held);
        }
    }
    Ok(current)
}

impl CurrentConversion {
    fn new(head: HeadRow, facts: FactsRow, amounts: AmountsRow, end: EndRow) -> Self {
        let (id, affiliate_id, trigger_id, offer_id, via, currency, day, review) = head;
        let (unqualified_reason, auto_approve, not_paid_yet, is_fraud) = facts;
        let (revenue_minor, discount_minor, refunded_minor, commission_minor, ..) = amounts;
        let (.., shared_revenue_minor, shared_refunded_minor) = amounts;
        let (entries, ledger_currency) = end;
        Self {
            id,
            review,
            now: Target {
                affiliate_id,
                trigger_id,
                offer_id,
                via,
                unqualified_reason,
                auto_approve,
                not_paid_yet,
                is_fraud,
                currency,
                day,
                amounts: Amounts {
                    orders: 0,
                    conversions: 1,
                    revenue_minor,
                    discount_minor,
                    refunded_minor,
                    commission_minor,
                },
                shared: Shared {
                    revenue_minor: shared_revenue_minor,
                    refunded_minor: shared_refunded_minor,
                },
            },
            held: Vec::new(),
            end: LedgerEnd { entries, currency: ledger_currency, balance_minor: commission_minor },
        }
    }
}

pub(super) fn insert(
    conn: &mut PgConnection,
    order: &OfOrder,
    target: &Target,
    end: &LedgerEnd,
    now: DateTime<Utc>,
) -> QueryResult<i64> {
    let statement = prepared::<BigInt>(
        "INSERT INTO conversions (merchant_id, order_id, affiliate_id, created_at, trigger_id, \
             offer_id, via, unqualified_reason, auto_approve, not_paid_yet, is_fraud, currency, \
             revenue_minor, discount_minor, refunded_minor, commission_minor, \
             shared_revenue_minor, shared_refunded_minor, entries, ledger_currency, occurred_at, \
             day, updated_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
    )
    .bind::<BigInt, _>(order.merchant_id)
    .bind::<BigInt, _>(order.order_id)
    .bind::<BigInt, _>(target.affiliate_id)
    .bind::<Timestamptz, _>(now);
    bind_columns(statement, order, target, end, now).get_result(conn)
}

pub(super) fn update(
    conn: &mut PgConnection,
    order: &OfOrder,
    conversion_id: i64,
    (target, end): (&Target, &LedgerEnd),
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let statement = prepared::<()>(
        "UPDATE conversions SET (trigger_id, offer_id, via, unqualified_reason, auto_approve, \
             not_paid_yet, is_fraud, currency, revenue_minor, discount_minor, refunded_minor, \
             commission_minor, shared_revenue_minor, shared_refunded_minor, entries, \
             ledger_currency, occurred_at, day, updated_at) \
         = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
         WHERE merchant_id = ? AND id = ?",
    );
    bind_columns(statement, order, target, end, now)
        .bind::<BigInt, _>(order.merchant_id)
        .bind::<BigInt, _>(conversion_id)
        .execute(conn)?;
    Ok(())
}

fn bind_columns<'a, ST>(
    statement: crate::kit::db::Prepared<'a, ST>,
    order: &'a OfOrder,
    target: &'a Target,
    end: &'a LedgerEnd,
    now: DateTime<Utc>,
) -> crate::kit::db::Prepared<'a, ST> {
    statement
        .bind::<Nullable<BigInt>, _>(target.trigger_id)
        .bind::<Nullable<BigInt>, _>(target.offer_id)
        .bind::<Text, _>(target.via)
        .bind::<Nullable<Text>, _>(target.unqualified_reason.as_deref())
        .bind::<Bool, _>(target.auto_approve)
        .bind::<Bool, _>(target.not_paid_yet)
        .bind::<Bool, _>(target.is_fraud)
        .bind::<Text, _>(target.currency.as_str())
        .bind::<BigInt, _>(target.amounts.revenue_minor)
        .bind::<BigInt, _>(target.amounts.discount_minor)
        .bind::<BigInt, _>(target.amounts.refunded_minor)
        .bind::<BigInt, _>(target.amounts.commission_minor)
        .bind::<BigInt, _>(target.shared.revenue_minor)
        .bind::<BigInt, _>(target.shared.refunded_minor)
        .bind::<Integer, _>(end.entries)
        .bind::<Nullable<Text>, _>(end.currency.as_deref())
        .bind::<Timestamptz, _>(order.placed_at)
        .bind::<Date, _>(order.day)
        .bind::<Timestamptz, _>(now)
}
