//! Updates the conversions of an order and their ledgers to match its attribution. Only the
//! difference is written.

use diesel::prelude::*;
use vouch_core::attribution::{Components, Credit, CreditKind, Unqualified, ledger_difference};

use self::rows::{CurrentConversion, current, insert, update};
pub(super) use self::target::OfOrder;
use self::target::TargetConversion;
use super::cause::Cause;
use crate::features::conversions::Via;
use crate::features::ingest::ledger::{Appending, append};
use crate::features::rollups::{Changes, Counted, RollupAmounts, SharedAmounts};

mod rows;
mod target;

/// Updates every conversion of the order to match `credits`. Those that are no longer credited earn
/// nothing. Returns how many affiliates are newly credited.
pub(super) fn converge(
    conn: &mut PgConnection,
    order: &OfOrder,
    credits: &[Credit],
    is_new: bool,
    cause: &Cause<'_>,
    changes: &mut Changes,
) -> QueryResult<u64> {
    let current = if is_new { Vec::new() } else { current(conn, order)? };
    let before: Vec<Counted> =
        current.iter().map(|known| known.now.counted(known.id, known.review)).collect();
    let mut after = Vec::new();
    for credit in credits {
        let known = current.iter().find(|known| known.now.affiliate_id == credit.affiliate.id);
        let target = target_of(order, credit);
        after.push(apply(conn, order, known, (&target, &credit.commission), cause)?);
    }
    for known in &current {
        if credits.iter().all(|credit| credit.affiliate.id != known.now.affiliate_id) {
            let target = (&no_longer_credited(order, known), &Components::default());
            after.push(apply(conn, order, Some(known), target, cause)?);
        }
    }
    changes.subtract_order(&before);
    changes.add_order(&after);
    let counted = |id: i64| before.iter().any(|one| one.id == id && one.counts);
    let credited = after.iter().filter(|one| one.counts && !counted(one.id)).count();
    Ok(u64::try_from(credited).unwrap_or_default())
}

/// Writes the difference, and returns the conversion as the totals count it.
fn apply(
    conn: &mut PgConnection,
    order: &OfOrder,
    known: Option<&CurrentConversion>,
    (target, commission): (&TargetConversion, &Components),
    cause: &Cause<'_>,
) -> QueryResult<Counted> {
    let held = known.map_or(&[][..], |known| &known.held);
    let mut end = known.map(|known| known.end.clone()).unwrap_or_default();
    let entries = end.append(ledger_difference(held, order.currency, commission));
    let conversion_id = match known {
        None => insert(conn, order, target, &end, cause.now)?,
        Some(known) => {
            if !entries.is_empty() || known.now != *target {
                update(conn, order, known.id, (target, &end), cause.now)?;
            }
            known.id
        }
    };
    let to = Appending {
        merchant_id: order.merchant_id,
        conversion_id,
        at: cause.now,
        delivery_id: cause.delivery_id,
        source: &cause.source,
    };
    append(conn, &to, &entries)?;
    Ok(target.counted(conversion_id, known.and_then(|known| known.review)))
}

fn target_of(order: &OfOrder, credit: &Credit) -> TargetConversion {
    TargetConversion {
        affiliate_id: credit.affiliate.id,
        trigger_id: credit.trigger_id,
        offer_id: Some(credit.offer_id).filter(|id| *id != 0),
        via: via(credit.via),
        unqualified_reason: credit.unqualified.map(|reason| reason_name(reason).to_owned()),
        auto_approve: credit.auto_approve,
        not_paid_yet: credit.not_paid_yet,
        is_fraud: order.is_fraud,
        currency: order.currency,
        day: order.day,
        amounts: RollupAmounts {
            orders: 0,
            conversions: 1,
            revenue_minor: credit.revenue_minor,
            discount_minor: credit.discount_minor,
            refunded_minor: credit.refunded_minor,
            commission_minor: credit.commission.total(),
        },
        shared: SharedAmounts {
            revenue_minor: credit.shared_revenue_minor,
            refunded_minor: credit.shared_refunded_minor,
        },
    }
}

/// A conversion that's no longer credited, for example because of another code or holder.
fn no_longer_credited(order: &OfOrder, known: &CurrentConversion) -> TargetConversion {
    TargetConversion {
        unqualified_reason: Some("no_longer_credited".to_owned()),
        auto_approve: false,
        not_paid_yet: false,
        is_fraud: order.is_fraud,
        currency: order.currency,
        day: order.day,
        amounts: RollupAmounts { conversions: 1, ..RollupAmounts::default() },
        shared: SharedAmounts::default(),
        ..known.now.clone()
    }
}

fn via(kind: CreditKind) -> Via {
    match kind {
        CreditKind::Coupon | CreditKind::Unknown => Via::Coupon,
        CreditKind::Email => Via::Email,
        CreditKind::Sku => Via::Sku,
        CreditKind::Manual => Via::Manual,
    }
}

/// The reason's name in the database.
fn reason_name(reason: Unqualified) -> &'static str {
    match reason {
        Unqualified::TestOrder => "test_order",
        Unqualified::InactiveAffiliate { .. } => "inactive_affiliate",
        Unqualified::OwnPurchase => "own_purchase",
        Unqualified::ExcludedCode { .. } => "excluded_code",
        Unqualified::OtherCurrency { .. } => "other_currency",
        Unqualified::PaymentExpired => "payment_expired",
        Unqualified::PaymentVoided => "payment_voided",
        Unqualified::Unknown => "unknown",
    }
}
