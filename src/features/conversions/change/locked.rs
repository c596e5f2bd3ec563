//! Reads, locks and writes members' reviews of conversions and orders.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use vouch_core::conversion::UnqualifiedReason;
use vouch_core::money::Currency;

use crate::features::conversions::{ConversionStatus, DenialReason, Facts, Review, Via};
use crate::features::rollups::{Changes, Counted, RollupAmounts, SharedAmounts};
use crate::kit::db::schema::{conversions, orders};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MemberReview {
    pub(crate) review: Review,
    pub(crate) by: String,
    pub(crate) at: DateTime<Utc>,
    pub(crate) denial_reason: Option<DenialReason>,
    pub(crate) note: String,
}

/// A member's denial of an order as fraud.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fraud {
    pub(crate) by: String,
    pub(crate) at: DateTime<Utc>,
    pub(crate) note: String,
}

/// The reviews of a conversion and of its order. Each is `None` without a review by a member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ReviewMark {
    pub(crate) said: Option<MemberReview>,
    pub(crate) fraud: Option<Fraud>,
}

impl ReviewMark {
    /// Whether both have the same result, regardless of the reviewer and time.
    pub(super) fn agrees_with(&self, other: &Self) -> bool {
        let said = |mark: &Self| mark.said.as_ref().map(|said| (said.review, said.denial_reason));
        self.fraud.is_some() == other.fraud.is_some() && said(self) == said(other)
    }
}

#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = conversions)]
struct Row {
    id: i64,
    order_id: Option<i64>,
    affiliate_id: i64,
    trigger_id: Option<i64>,
    via: Via,
    review: Option<Review>,
    reviewed_by: Option<String>,
    reviewed_at: Option<DateTime<Utc>>,
    denial_reason: Option<DenialReason>,
    review_note: String,
    unqualified_reason: Option<UnqualifiedReason>,
    auto_approve: bool,
    not_paid_yet: bool,
    currency: Currency,
    day: NaiveDate,
    revenue_minor: i64,
    discount_minor: i64,
    refunded_minor: i64,
    commission_minor: i64,
    shared_revenue_minor: i64,
    shared_refunded_minor: i64,
}

/// A conversion, locked for this transaction.
#[derive(Clone)]
pub(super) struct LockedConversion {
    row: Row,
    pub(crate) mark: ReviewMark,
}

impl LockedConversion {
    fn new(row: Row, fraud: Option<Fraud>) -> Self {
        let said = row.review.zip(row.reviewed_by.clone()).zip(row.reviewed_at);
        let said = said.map(|((review, by), at)| MemberReview {
            review,
            by,
            at,
            denial_reason: row.denial_reason,
            note: row.review_note.clone(),
        });
        Self { row, mark: ReviewMark { said, fraud } }
    }

    pub(super) fn id(&self) -> i64 {
        self.row.id
    }

    pub(super) fn order_id(&self) -> Option<i64> {
        self.row.order_id
    }

    pub(super) fn affiliate_id(&self) -> i64 {
        self.row.affiliate_id
    }

    pub(super) fn is_qualified(&self) -> bool {
        self.row.unqualified_reason.is_none()
    }

    pub(super) fn not_paid_yet(&self) -> bool {
        self.row.not_paid_yet
    }

    pub(super) fn status(&self) -> ConversionStatus {
        let facts = Facts {
            review: self.mark.said.as_ref().map(|said| said.review),
            is_fraud: self.mark.fraud.is_some(),
            is_qualified: self.is_qualified(),
            not_paid_yet: self.row.not_paid_yet,
            auto_approve: self.row.auto_approve,
        };
        facts.status()
    }

    fn counted(&self) -> Counted {
        let row = &self.row;
        Counted {
            id: row.id,
            affiliate_id: row.affiliate_id,
            trigger_id: row.trigger_id,
            is_royalty: row.via == Via::Sku,
            counts: self.status().counts(),
            day: row.day,
            currency: row.currency,
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
        }
    }
}

/// Locked conversions, including all others of their orders.
pub(super) struct Locked {
    merchant_id: i64,
    conversions: Vec<LockedConversion>,
}

type OrderColumns = (i64, Option<String>, Option<DateTime<Utc>>, Option<String>);

impl Locked {
    /// Locks the orders first, then the conversions. Processing an order does the same, so neither
    /// works on rows that the other is changing.
    pub(super) fn lock(
        conn: &mut PgConnection,
        merchant_id: i64,
        ids: &[i64],
    ) -> QueryResult<Self> {
        let of_merchant = || conversions::table.filter(conversions::merchant_id.eq(merchant_id));
        let concerned = of_merchant()
            .filter(conversions::id.eq_any(ids.to_vec()))
            .filter(conversions::order_id.is_not_null())
            .select(conversions::order_id.assume_not_null());
        let orders: Vec<OrderColumns> = orders::table
            .filter(orders::merchant_id.eq(merchant_id))
            .filter(orders::id.eq_any(concerned))
            .order(orders::id)
            .for_update()
            .select((orders::id, orders::fraud_by, orders::fraud_at, orders::fraud_note))
            .load(conn)?;
        let order_ids: Vec<i64> = orders.iter().map(|order| order.0).collect();
        let of_orders = conversions::order_id.eq_any(order_ids).assume_not_null();
        let rows: Vec<Row> = of_merchant()
            .filter(conversions::id.eq_any(ids.to_vec()).or(of_orders))
            .order(conversions::id)
            .for_update()
            .select(Row::as_select())
            .load(conn)?;
        let fraud = |order_id: Option<i64>| {
            let (_, by, at, note) = orders.iter().find(|order| Some(order.0) == order_id)?;
            let (by, at) = by.clone().zip(*at)?;
            Some(Fraud { by, at, note: note.clone().unwrap_or_default() })
        };
        let locked = |row: Row| {
            let fraud = fraud(row.order_id);
            LockedConversion::new(row, fraud)
        };
        Ok(Self { merchant_id, conversions: rows.into_iter().map(locked).collect() })
    }

    pub(super) fn find(&self, id: i64) -> Option<&LockedConversion> {
        self.conversions.iter().find(|one| one.row.id == id)
    }

    /// One group per order, and one per conversion without an order.
    fn groups(&self) -> Vec<Vec<Counted>> {
        let mut groups: Vec<(Option<i64>, Vec<Counted>)> = Vec::new();
        for one in &self.conversions {
            let order_id = one.row.order_id;
            let known = groups.iter_mut().find(|(id, _)| id.is_some() && *id == order_id);
            match known {
                Some((_, group)) => group.push(one.counted()),
                None => groups.push((order_id, vec![one.counted()])),
            }
        }
        groups.into_iter().map(|(_, group)| group).collect()
    }

    pub(super) fn add_to(&self, changes: &mut Changes) {
        for group in self.groups() {
            changes.add_order(&group);
        }
    }

    pub(super) fn subtract_from(&self, changes: &mut Changes) {
        for group in self.groups() {
            changes.subtract_order(&group);
        }
    }

    /// Writes the review of one conversion. Its order's fraud denial applies to all conversions of
    /// the order.
    pub(super) fn write(
        &mut self,
        conn: &mut PgConnection,
        id: i64,
        to: &ReviewMark,
        now: DateTime<Utc>,
    ) -> QueryResult<()> {
        let Some(at) = self.conversions.iter().position(|one| one.row.id == id) else {
            return Ok(());
        };
        let order_id = self.conversions[at].row.order_id;
        if self.conversions[at].mark.fraud != to.fraud {
            self.write_fraud(conn, order_id, to.fraud.as_ref(), now)?;
        }
        self.conversions[at].mark.said.clone_from(&to.said);
        let said = to.said.as_ref();
        diesel::update(conversions::table.find((self.merchant_id, id)))
            .set((
                conversions::review.eq(said.map(|said| said.review)),
                conversions::reviewed_by.eq(said.map(|said| said.by.as_str())),
                conversions::reviewed_at.eq(said.map(|said| said.at)),
                conversions::denial_reason.eq(said.and_then(|said| said.denial_reason)),
                conversions::review_note.eq(said.map_or("", |said| said.note.as_str())),
                conversions::updated_at.eq(now),
            ))
            .execute(conn)?;
        Ok(())
    }

    fn write_fraud(
        &mut self,
        conn: &mut PgConnection,
        order_id: Option<i64>,
        fraud: Option<&Fraud>,
        now: DateTime<Utc>,
    ) -> QueryResult<()> {
        let Some(order_id) = order_id else { return Ok(()) };
        diesel::update(orders::table.find((self.merchant_id, order_id)))
            .set((
                orders::fraud_by.eq(fraud.map(|fraud| fraud.by.as_str())),
                orders::fraud_at.eq(fraud.map(|fraud| fraud.at)),
                orders::fraud_note.eq(fraud.map(|fraud| fraud.note.as_str())),
            ))
            .execute(conn)?;
        diesel::update(conversions::table)
            .filter(conversions::merchant_id.eq(self.merchant_id))
            .filter(conversions::order_id.eq(order_id))
            .set((conversions::is_fraud.eq(fraud.is_some()), conversions::updated_at.eq(now)))
            .execute(conn)?;
        for one in self.conversions.iter_mut().filter(|one| one.row.order_id == Some(order_id)) {
            one.mark.fraud = fraud.cloned();
        }
        Ok(())
    }
}
