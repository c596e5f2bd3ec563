//! Brings the conversions of an order, and their ledgers, to what the decision says: only the
//! difference is written.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Date, Nullable, Text, Timestamptz};

use super::take_in::Cause;
use crate::conversions::{ConversionStatus as Status, StatusBy};
use crate::credit::{Components, Credit, CreditKind, EntryKind, Unqualified, ledger_difference};
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
    ledger: Components,
    sold: bool,
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
    let conversion_id = match known {
        None => insert(conn, order, target, cause.now)?,
        Some(known) => {
            if differs(order, known, target) {
                update(conn, order, known.id, target, cause.now)?;
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
    let ledger = known.map(|known| known.ledger).unwrap_or_default();
    let first = known.is_none_or(|known| !known.sold);
    let entries = ledger_difference(&ledger, &target.commission, first);
    append(conn, order, conversion_id, &entries, cause)
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

fn standing(conn: &mut PgConnection, order: &OfOrder) -> QueryResult<Vec<Standing>> {
    type Sql = (
        (BigInt, BigInt, Nullable<BigInt>, Text, Text, Nullable<Text>, Text, Date),
        (BigInt, BigInt, BigInt, BigInt),
        (BigInt, BigInt, BigInt, Bool),
        (Nullable<BigInt>, Text),
    );
    type Row = (
        (i64, i64, Option<i64>, Status, StatusBy, Option<String>, String, NaiveDate),
        (i64, i64, i64, i64),
        (i64, i64, i64, bool),
        (Option<i64>, String),
    );
    let rows: Vec<Row> = prepared::<Sql>(
        "SELECT c.id, c.affiliate_id, c.trigger_id, c.status, c.status_by, c.reason, \
             c.currency::text, c.day, \
             c.revenue_minor, c.discount_minor, c.refunded_minor, c.commission_minor, \
             e.sale, e.refund, e.cancellation, e.sold, c.offer_id, c.via \
         FROM conversions c \
         CROSS JOIN LATERAL (SELECT \
             coalesce(sum(amount_minor) FILTER (WHERE kind IN ('sale', 'adjustment')), 0)::bigint AS sale, \
             coalesce(sum(amount_minor) FILTER (WHERE kind = 'refund'), 0)::bigint AS refund, \
             coalesce(sum(amount_minor) FILTER (WHERE kind = 'cancellation'), 0)::bigint AS cancellation, \
             coalesce(bool_or(kind = 'sale'), false) AS sold \
             FROM commission_entries e \
             WHERE e.merchant_id = c.merchant_id AND e.conversion_id = c.id) e \
         WHERE c.merchant_id = ? AND c.order_id = ? FOR UPDATE OF c",
    )
    .bind::<BigInt, _>(order.merchant_id)
    .bind::<BigInt, _>(order.order_id)
    .load(conn)?;
    let standing = rows.into_iter().map(|(head, amounts, ledger, (offer_id, via))| {
        let (id, affiliate_id, trigger_id, status, by, reason, currency, day) = head;
        let (revenue_minor, discount_minor, refunded_minor, commission_minor) = amounts;
        let (sale, refund, cancellation, sold) = ledger;
        Standing {
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
            ledger: Components { sale, refund, cancellation },
            sold,
        }
    });
    Ok(standing.collect())
}

fn insert(
    conn: &mut PgConnection,
    order: &OfOrder,
    target: &Target,
    now: DateTime<Utc>,
) -> QueryResult<i64> {
    prepared::<BigInt>(
        "INSERT INTO conversions (merchant_id, order_id, affiliate_id, trigger_id, offer_id, via, \
             status, status_by, reason, currency, revenue_minor, discount_minor, refunded_minor, \
             commission_minor, occurred_at, day, created_at, updated_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
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
    now: DateTime<Utc>,
) -> QueryResult<()> {
    prepared::<()>(
        "UPDATE conversions SET trigger_id = ?, offer_id = coalesce(?, offer_id), \
             via = coalesce(?, via), status = ?, status_by = ?, reason = ?, currency = ?, \
             revenue_minor = ?, discount_minor = ?, refunded_minor = ?, commission_minor = ?, \
             occurred_at = ?, day = ?, updated_at = ? \
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
    .bind::<Timestamptz, _>(order.placed_at)
    .bind::<Date, _>(order.day)
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(order.merchant_id)
    .bind::<BigInt, _>(conversion_id)
    .execute(conn)?;
    Ok(())
}

fn append(
    conn: &mut PgConnection,
    order: &OfOrder,
    conversion_id: i64,
    entries: &[(EntryKind, i64)],
    cause: &Cause<'_>,
) -> QueryResult<()> {
    if entries.is_empty() {
        return Ok(());
    }
    prepared::<()>(
        "INSERT INTO commission_entries (merchant_id, conversion_id, currency, at, delivery_id, \
             cause, kind, amount_minor) \
         SELECT ?, ?, ?, ?, ?, ?, n.* FROM unnest(?::text[], ?::bigint[]) AS n",
    )
    .bind::<BigInt, _>(order.merchant_id)
    .bind::<BigInt, _>(conversion_id)
    .bind::<Text, _>(order.currency.as_str())
    .bind::<Timestamptz, _>(cause.now)
    .bind::<Nullable<BigInt>, _>(cause.delivery_id)
    .bind::<Text, _>(cause.words)
    .bind::<Array<Text>, _>(entries.iter().map(|entry| entry.0).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(entries.iter().map(|entry| entry.1).collect::<Vec<_>>())
    .execute(conn)?;
    Ok(())
}
