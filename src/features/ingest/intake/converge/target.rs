use chrono::{DateTime, NaiveDate, Utc};
use vouch_core::money::Currency;

use crate::features::conversions::{Facts, Review, Via};
use crate::features::rollups::{Counted, RollupAmounts, SharedAmounts};

/// The order whose conversions are updated.
pub(in crate::features::ingest::intake) struct OfOrder {
    pub(crate) merchant_id: i64,
    pub(crate) order_id: i64,
    pub(crate) currency: Currency,
    pub(crate) placed_at: DateTime<Utc>,
    pub(crate) day: NaiveDate,
    /// A member denied it as fraud, which applies to all of its conversions.
    pub(crate) is_fraud: bool,
}

/// The intended conversion, as far as the order decides. A member's review isn't part of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TargetConversion {
    pub(super) affiliate_id: i64,
    pub(super) trigger_id: Option<i64>,
    pub(super) offer_id: Option<i64>,
    pub(super) via: Via,
    pub(super) unqualified_reason: Option<String>,
    pub(super) auto_approve: bool,
    pub(super) not_paid_yet: bool,
    pub(super) is_fraud: bool,
    pub(super) currency: Currency,
    pub(super) day: NaiveDate,
    pub(super) amounts: RollupAmounts,
    pub(super) shared: SharedAmounts,
}

impl TargetConversion {
    pub(super) fn counts(&self, review: Option<Review>) -> bool {
        let facts = Facts {
            review,
            is_fraud: self.is_fraud,
            is_qualified: self.unqualified_reason.is_none(),
            not_paid_yet: self.not_paid_yet,
            auto_approve: self.auto_approve,
        };
        facts.status().counts()
    }

    pub(super) fn counted(&self, id: i64, review: Option<Review>) -> Counted {
        Counted {
            id,
            affiliate_id: self.affiliate_id,
            trigger_id: self.trigger_id,
            is_royalty: self.via == Via::Sku,
            counts: self.counts(review),
            day: self.day,
            currency: self.currency,
            amounts: self.amounts,
            shared: self.shared,
        }
    }
}
