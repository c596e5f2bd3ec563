//! Manual credits: an order as a whole, or an amount without an order.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use diesel::result::Error;
use serde_json::json;
use vouch_core::attribution::{EntryKind, LedgerEnd, NewLedgerEntry};
use vouch_core::money::Currency;

use super::list::{ConversionRow, of_order};
use super::{ConversionStatus, Review, Via};
use crate::features::affiliates::Affiliate;
use crate::features::audit::{Act, AuditEvent};
use crate::features::ingest::ledger::{Appending, EntryReason, EntrySource, append};
use crate::features::ingest::recalculate;
use crate::features::recalculations::RecalculationReason;
use crate::features::rollups::{Changes, Counted, RollupAmounts, SharedAmounts};
use crate::kit::audit::{Actor, SubjectKind, record, record_all};
use crate::kit::db::schema::{conversions, orders};
use crate::kit::web::display_time::day_of;

/// Why an order can't be credited manually.
#[derive(Debug)]
pub enum CreditOrderError {
    /// An order is credited once, so the current conversion must be denied first.
    Already(Box<ConversionRow>),
    /// The affiliate's own conversion of it was denied. The member should approve that one instead.
    DeniedBefore(Box<ConversionRow>),
    /// This applies to every conversion of the order, until a member lifts it.
    Fraud(String),
    /// The store reported only a refund or deletion of the order, not the order itself.
    NotReported,
    Database(Error),
}

impl From<Error> for CreditOrderError {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

/// An order that was credited manually, with the affiliate's name.
#[derive(Clone, Debug)]
pub struct CreditedOrder {
    /// As the store names it.
    pub order: Option<String>,
    pub affiliate: String,
}

/// Credits an order to an affiliate, whatever codes it contains, under the affiliate's terms when
/// it was placed. Refunds and cancellations apply as for any other order. Fails with `NotFound` if
/// the order or affiliate isn't the merchant's.
pub fn credit_order(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate_id: i64,
    order_id: i64,
    note: &str,
) -> Result<CreditedOrder, CreditOrderError> {
    let affiliate = Affiliate::find(conn, actor.merchant_id, affiliate_id)?;
    let order = orders::table.find((actor.merchant_id, order_id));
    let (name, placed_at, fraud_by): (Option<String>, Option<DateTime<Utc>>, Option<String>) =
        order
            .select((orders::name, orders::placed_at, orders::fraud_by))
            .for_update()
            .first(conn)?;
    if placed_at.is_none() {
        return Err(CreditOrderError::NotReported);
    }
    if let Some(by) = fraud_by {
        return Err(CreditOrderError::Fraud(by));
    }
    for row in of_order(conn, actor.merchant_id, order_id)? {
        let is_own = row.conversion.affiliate_id == affiliate_id;
        let is_whole = row.conversion.via != Via::Sku;
        if is_own && row.conversion.status == ConversionStatus::Denied {
            return Err(CreditOrderError::DeniedBefore(Box::new(row)));
        }
        if is_whole && row.conversion.status.counts() {
            return Err(CreditOrderError::Already(Box::new(row)));
        }
    }
    let credit = json!({ "credited_by": actor.name, "at": actor.now, "note": note });
    diesel::update(order)
        .set((orders::manual_affiliate_id.eq(affiliate_id), orders::manual_credit.eq(&credit)))
        .execute(conn)?;
    let event = AuditEvent::OrderCredited {
        order: name.clone(),
        affiliate: affiliate.name.clone(),
        note: note.to_owned(),
    };
    let act = Act {
        after: Some(json!({ "affiliate_id": affiliate_id, "manual_credit": credit })),
        ..Act::new(event, SubjectKind::Order, Some(order_id))
    };
    record(conn, actor, act)?;
    recalculate(conn, actor, &[order_id], &RecalculationReason::CreditedManually)?;
    Ok(CreditedOrder { order: name, affiliate: affiliate.name })
}

/// Removes a manual credit, so that the order's codes decide again. Fails with `NotFound` if the
/// order isn't the merchant's or has no manual credit.
pub fn remove(conn: &mut PgConnection, actor: &Actor, order_id: i64) -> QueryResult<()> {
    let order = orders::table.find((actor.merchant_id, order_id));
    let (name, manual): (Option<String>, Option<serde_json::Value>) = order
        .filter(orders::manual_affiliate_id.is_not_null())
        .select((orders::name, orders::manual_credit))
        .for_update()
        .first(conn)?;
    diesel::update(order)
        .set((
            orders::manual_affiliate_id.eq(None::<i64>),
            orders::manual_credit.eq(None::<serde_json::Value>),
        ))
        .execute(conn)?;
    let event = AuditEvent::ManualCreditRemoved { order: name };
    let act = Act { before: manual, ..Act::new(event, SubjectKind::Order, Some(order_id)) };
    record(conn, actor, act)?;
    recalculate(conn, actor, &[order_id], &RecalculationReason::ManualCreditTakenBack)
}

/// An amount to add or deduct.
#[derive(Clone, Debug)]
pub struct Amount<'a> {
    /// Minor units; a negative amount is deducted.
    pub minor: i64,
    pub currency: Currency,
    /// The reason, which can be shown to the affiliate.
    pub note: &'a str,
}

/// A manual amount that was added.
#[derive(Clone, Copy, Debug)]
pub struct ManualAmount {
    pub conversion_id: i64,
    /// For [`super::undo`].
    pub change_id: i64,
}

/// Adds an amount without an order to an affiliate, approved at once. `zone` determines its day.
/// Fails with `NotFound` if the merchant has no such affiliate.
pub fn give(
    conn: &mut PgConnection,
    actor: &Actor,
    zone: Tz,
    affiliate_id: i64,
    amount: &Amount<'_>,
) -> QueryResult<ManualAmount> {
    let affiliate = Affiliate::find(conn, actor.merchant_id, affiliate_id)?;
    let day = day_of(actor.now, zone);
    let entry = NewLedgerEntry {
        kind: EntryKind::ManualCredit,
        currency: amount.currency,
        amount_minor: amount.minor,
    };
    let mut end = LedgerEnd::default();
    let entries = end.append(vec![entry]);
    let id: i64 = diesel::insert_into(conversions::table)
        .values((
            conversions::merchant_id.eq(actor.merchant_id),
            conversions::affiliate_id.eq(affiliate_id),
            conversions::via.eq(Via::Manual),
            conversions::review.eq(Review::Approved),
            conversions::reviewed_by.eq(&actor.name),
            conversions::reviewed_at.eq(actor.now),
            conversions::currency.eq(amount.currency),
            conversions::commission_minor.eq(end.balance_minor),
            conversions::entries.eq(end.entries),
            conversions::ledger_currency.eq(end.currency),
            conversions::occurred_at.eq(actor.now),
            conversions::day.eq(day),
            conversions::note.eq(amount.note),
            conversions::created_at.eq(actor.now),
            conversions::updated_at.eq(actor.now),
        ))
        .returning(conversions::id)
        .get_result(conn)?;
    let reason = EntryReason::ManualCredit { by: actor.name.clone(), note: amount.note.to_owned() };
    let to = Appending {
        merchant_id: actor.merchant_id,
        conversion_id: id,
        at: actor.now,
        delivery_id: None,
        source: &EntrySource::Reason(reason),
    };
    append(conn, &to, &entries)?;
    let event = AuditEvent::ManualCreditAdded {
        affiliate: affiliate.name.clone(),
        amount_minor: amount.minor,
        currency: amount.currency,
        note: amount.note.to_owned(),
    };
    let act = Act {
        after: Some(json!({ "commission_minor": amount.minor, "currency": amount.currency })),
        ..Act::new(event, SubjectKind::Conversion, Some(id))
    };
    let change_id = record_all(conn, actor, vec![act])?.first().copied().unwrap_or_default();
    let mut changes = Changes::of(actor.merchant_id);
    changes.add_order(&[Counted {
        id,
        affiliate_id,
        trigger_id: None,
        is_royalty: false,
        counts: true,
        day,
        currency: amount.currency,
        // It's no sale, but a row of the list that the total links to.
        amounts: RollupAmounts {
            conversions: 1,
            commission_minor: amount.minor,
            ..RollupAmounts::default()
        },
        shared: SharedAmounts::default(),
    }]);
    changes.write(conn)?;
    Ok(ManualAmount { conversion_id: id, change_id })
}
