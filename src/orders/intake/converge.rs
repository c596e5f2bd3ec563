//! Brings the conversions of an order, and their ledgers, to what the decision says: only the
//! difference is written.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Date, Integer, Nullable, Text, Timestamptz};

use super::take_in::Cause;
use crate::conversions::ledger::{Appending, append};
use crate::conversions::{ConversionStatus as Status, StatusBy};
use crate::credit::{
    Components, Credit, CreditKind, Held, LedgerEnd, Unqualified, ledger_difference,
};
use crate::db::prepared;
use crate::figures::{Amounts, Changes, Delta};

/// The order whose conversions converge.
pub(super) struct OfOrder {
    pub merchant_id: i64,
    pub order_id: i64,
    pub currency: String,
    pub placed_at: DateTime<Utc>,
    pub day: NaiveDate,
}

/// A conversion as it stands, with the sums of its ledger.
struct Standing {
    id: i64,
    affiliate_id: i64,
    trigger_id: Option<i64>,
    status: Status,
    by: StatusBy,
    reason: Option<String>,
    currency: String,
    day: NaiveDate,
    offer_id: Option<i64>,
    via: String,
    amounts: Amounts,
    /// By currency.
    held: Vec<Held>,
    end: LedgerEnd,
}

/// What a conversion should be.
#[derive(PartialEq)]
struct Target {
    affiliate_id: i64,
    trigger_id: Option<i64>,
    offer_id: Option<i64>,
    via: Option<&'static str>,
    status: Status,
    by: StatusBy,
    reason: Option<String>,
    amounts: Amounts,
    commission: Components,
}

/// Brings every conversion of the order to `credits`; those no longer credited to nothing. Answers how
/// many affiliates count as credited who did not before.
pub(super) fn converge(
    conn: &mut PgConnection,
    order: &OfOrder,
    credits: &[Credit],
    is_new: bool,
    cause: &Cause<'_>,
    changes: &mut Changes,
) -> QueryResult<u64> {
    let mut credited = 0;
    let standing = if is_new { Vec::new() } else { standing(conn, order)? };
    for credit in credits {
        let known = standing.iter().find(|known| known.affiliate_id == credit.affiliate.id);
        let target = target_of(credit, known);
        settle(conn, order, known, &target, cause, changes)?;
        let counted = known.is_some_and(|known| known.status.counts());
        credited += u64::from(target.status.counts() && !counted);
    }
    for known in &standing {
        if credits.iter().all(|credit| credit.affiliate.id != known.affiliate_id) {
            settle(conn, order, Some(known), &no_longer_credited(known), cause, changes)?;
        }
    }
    Ok(credited)
}

fn settle(
    conn: &mut PgConnection,
    order: &OfOrder,
    known: Option<&Standing>,
    target: &Target,
    cause: &Cause<'_>,
    changes: &mut Changes,
) -> QueryResult<()> {
    let held = known.map_or(&[][..], |known| &known.held);
    let mut end = known.map(|known| known.end.clone()).unwrap_or_default();
    let entries = end.append(ledger_difference(held, &order.currency, &target.commission));
    let conversion_id = match known {
        None => insert(conn, order, target, &end, cause.now)?,
        Some(known) => {
            if !entries.is_empty() || differs(order, known, target) {
                update(conn, order, known.id, target, &end, cause.now)?;
            }
            if let Some(before) = contribution(order, known) {
                changes.subtract(&before);
            }
            known.id
        }
    };
    if target.status.counts() {
        changes.add(&delta(
            order,
            conversion_id,
            target.affiliate_id,
            target.trigger_id,
            target.amounts,
        ));
    }
    let to = Appending {
        merchant_id: order.merchant_id,
        conversion_id,
        at: cause.now,
        delivery_id: cause.delivery_id,
        cause: cause.words,
    };
    append(conn, &to, &entries)
}

fn target_of(credit: &Credit, known: Option<&Standing>) -> Target {
    let fresh = if credit.auto_approve { Status::Approved } else { Status::Pending };
    let (status, by) = match (credit.unqualified, known) {
        // What a member denied stays denied, qualified or not.
        (_, Some(known)) if known.status == Status::Denied => (Status::Denied, known.by),
        (Some(_), _) => (Status::Unqualified, StatusBy::System),
        (None, Some(known)) if known.status != Status::Unqualified => (known.status, known.by),
        (None, _) => (fresh, StatusBy::System),
    };
    let reason = credit.unqualified.filter(|_| status == Status::Unqualified);
    Target {
        affiliate_id: credit.affiliate.id,
        trigger_id: credit.trigger_id,
        offer_id: Some(credit.offer_id).filter(|id| *id != 0),
        via: Some(via(credit.via)),
        status,
        by,
        reason: reason.map(|reason| reason_name(reason).to_owned()),
        amounts: Amounts {
            orders: 0,
            conversions: 1,
            revenue_minor: credit.revenue_minor,
            discount_minor: credit.discount_minor,
            refunded_minor: credit.refunded_minor,
            commission_minor: credit.commission.total(),
        },
        commission: credit.commission,
    }
}

/// Credited once, and no longer: another code, another holder.
fn no_longer_credited(known: &Standing) -> Target {
    let denied = known.status == Status::Denied;
    Target {
        affiliate_id: known.affiliate_id,
        trigger_id: known.trigger_id,
        offer_id: None,
        via: None,
        status: if denied { Status::Denied } else { Status::Unqualified },
        by: if denied { known.by } else { StatusBy::System },
        reason: (!denied).then(|| "no_longer_credited".to_owned()),
        amounts: Amounts { conversions: 1, ..Amounts::default() },
        commission: Components::default(),
    }
}

fn via(kind: CreditKind) -> &'static str {
    match kind {
        CreditKind::Coupon | CreditKind::Unknown => "coupon",
        CreditKind::Email => "email",
        CreditKind::Sku => "sku",
        CreditKind::Manual => "manual",
    }
}

/// The name a reason is stored under.
fn reason_name(reason: Unqualified) -> &'static str {
    match reason {
        Unqualified::TestOrder => "test_order",
        Unqualified::InactiveAffiliate { .. } => "inactive_affiliate",
        Unqualified::OwnPurchase => "own_purchase",
        Unqualified::ExcludedCode { .. } => "excluded_code",
        Unqualified::OtherCurrency { .. } => "other_currency",
        Unqualified::Unknown => "unknown",
    }
}

fn delta(
    order: &OfOrder,
    conversion_id: i64,
    affiliate_id: i64,
    trigger_id: Option<i64>,
    amounts: Amounts,
) -> Delta {
    Delta {
        merchant_id: order.merchant_id,
        day: order.day,
        currency: order.currency.clone(),
        seed: conversion_id,
        affiliate_id: Some(affiliate_id),
        trigger_id,
        amounts,
    }
}

/// What the conversion adds to the figures as it stands.
fn contribution(order: &OfOrder, known: &Standing) -> Option<Delta> {
    known.status.counts().then(|| Delta {
        day: known.day,
        currency: known.currency.clone(),
        ..delta(order, known.id, known.affiliate_id, known.trigger_id, known.amounts)
    })
}

fn differs(order: &OfOrder, known: &Standing, target: &Target) -> bool {
    // Day and currency too: the figures move with them, and must find them on the row next time.
    known.day != order.day
        || known.currency != order.currency
        || target.offer_id.is_some_and(|id| known.offer_id != Some(id))
        || target.via.is_some_and(|via| known.via != via)
        || known.trigger_id != target.trigger_id
        || known.status != target.status
        || known.by != target.by
        || known.reason != target.reason
        || known.amounts != target.amounts
}

type HeadSql = (BigInt, BigInt, Nullable<BigInt>, Text, Text, Nullable<Text>, Text, Date);
type AmountsSql = (BigInt, BigInt, BigInt, BigInt);
type TermsSql = (Nullable<BigInt>, Text, Integer, Nullable<Text>);
type HeldSql = (Nullable<Text>, BigInt, BigInt, BigInt, Bool);
type HeadRow = (i64, i64, Option<i64>, Status, StatusBy, Option<String>, String, NaiveDate);
type TermsRow = (Option<i64>, String, i32, Option<String>);
type HeldRow = (Option<String>, i64, i64, i64, bool);
type Row = (HeadRow, (i64, i64, i64, i64), TermsRow, HeldRow);

/// The order's conversions, locked, each with what its ledger holds: one row for each currency.
fn standing(conn: &mut PgConnection, order: &OfOrder) -> QueryResult<Vec<Standing>> {
    let rows: Vec<Row> = prepared::<(HeadSql, AmountsSql, TermsSql, HeldSql)>(
        "SELECT c.id, c.affiliate_id, c.trigger_id, c.status, c.status_by, c.reason, \
             c.currency::text, c.day, \
             c.revenue_minor, c.discount_minor, c.refunded_minor, c.commission_minor, \
             c.offer_id, c.via, c.entries, c.ledger_currency::text, \
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
    let mut standing: Vec<Standing> = Vec::new();
    for (head, amounts, terms, held) in rows {
        if standing.last().is_none_or(|last| last.id != head.0) {
            standing.push(Standing::new(head, amounts, terms));
        }
        let (currency, sale, refund, cancellation, has_sale) = held;
        let components = Components { sale, refund, cancellation };
        let held = currency.map(|currency| Held { currency, components, has_sale });
        if let Some(last) = standing.last_mut() {
            last.held.extend(held);
        }
    }
    Ok(standing)
}

impl Standing {
    fn new(head: HeadRow, amounts: (i64, i64, i64, i64), terms: TermsRow) -> Self {
        let (id, affiliate_id, trigger_id, status, by, reason, currency, day) = head;
        let (revenue_minor, discount_minor, refunded_minor, commission_minor) = amounts;
        let (offer_id, via, entries, ledger_currency) = terms;
        Self {
            id,
            affiliate_id,
            trigger_id,
            status,
            by,
            reason,
            currency,
            day,
            offer_id,
            via,
            amounts: Amounts {
                orders: 0,
                conversions: 1,
                revenue_minor,
                discount_minor,
                refunded_minor,
                commission_minor,
            },
            held: Vec::new(),
            end: LedgerEnd { entries, currency: ledger_currency, balance_minor: commission_minor },
        }
    }
}

fn insert(
    conn: &mut PgConnection,
    order: &OfOrder,
    target: &Target,
    end: &LedgerEnd,
    now: DateTime<Utc>,
) -> QueryResult<i64> {
    prepared::<BigInt>(
        "INSERT INTO conversions (merchant_id, order_id, affiliate_id, trigger_id, offer_id, via, \
             status, status_by, reason, currency, revenue_minor, discount_minor, refunded_minor, \
             commission_minor, entries, ledger_currency, occurred_at, day, created_at, updated_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
    )
    .bind::<BigInt, _>(order.merchant_id)
    .bind::<BigInt, _>(order.order_id)
    .bind::<BigInt, _>(target.affiliate_id)
    .bind::<Nullable<BigInt>, _>(target.trigger_id)
    .bind::<Nullable<BigInt>, _>(target.offer_id)
    .bind::<Text, _>(target.via.unwrap_or("manual"))
    .bind::<Text, _>(target.status)
    .bind::<Text, _>(target.by)
    .bind::<Nullable<Text>, _>(target.reason.as_deref())
    .bind::<Text, _>(order.currency.as_str())
    .bind::<BigInt, _>(target.amounts.revenue_minor)
    .bind::<BigInt, _>(target.amounts.discount_minor)
    .bind::<BigInt, _>(target.amounts.refunded_minor)
    .bind::<BigInt, _>(target.amounts.commission_minor)
    .bind::<Integer, _>(end.entries)
    .bind::<Nullable<Text>, _>(end.currency.as_deref())
    .bind::<Timestamptz, _>(order.placed_at)
    .bind::<Date, _>(order.day)
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(now)
    .get_result(conn)
}

fn update(
    conn: &mut PgConnection,
    order: &OfOrder,
    conversion_id: i64,
    target: &Target,
    end: &LedgerEnd,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    prepared::<()>(
        "UPDATE conversions SET trigger_id = ?, offer_id = coalesce(?, offer_id), \
             via = coalesce(?, via), status = ?, status_by = ?, reason = ?, currency = ?, \
             revenue_minor = ?, discount_minor = ?, refunded_minor = ?, commission_minor = ?, \
             entries = ?, ledger_currency = ?, occurred_at = ?, day = ?, updated_at = ? \
         WHERE merchant_id = ? AND id = ?",
    )
    .bind::<Nullable<BigInt>, _>(target.trigger_id)
    .bind::<Nullable<BigInt>, _>(target.offer_id)
    .bind::<Nullable<Text>, _>(target.via)
    .bind::<Text, _>(target.status)
    .bind::<Text, _>(target.by)
    .bind::<Nullable<Text>, _>(target.reason.as_deref())
    .bind::<Text, _>(order.currency.as_str())
    .bind::<BigInt, _>(target.amounts.revenue_minor)
    .bind::<BigInt, _>(target.amounts.discount_minor)
    .bind::<BigInt, _>(target.amounts.refunded_minor)
    .bind::<BigInt, _>(target.amounts.commission_minor)
    .bind::<Integer, _>(end.entries)
    .bind::<Nullable<Text>, _>(end.currency.as_deref())
    .bind::<Timestamptz, _>(order.placed_at)
    .bind::<Date, _>(order.day)
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(order.merchant_id)
    .bind::<BigInt, _>(conversion_id)
    .execute(conn)?;
    Ok(())
}
