//! Merges the refunds of an order from reports and separate deliveries.

use std::borrow::Cow;
use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::OrderState;
use crate::money::{Currency, proportion_half_even};
use crate::order::snapshot::{NO_CURRENCY_EXPONENT, ReportedRefund, digest};
use crate::order::times::DeliveryTimes;

/// A refund that arrived on its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundMessage {
    pub refund: ReportedRefund,
    /// None means the order's currency; the amounts then have [`NO_CURRENCY_EXPONENT`] decimals.
    pub currency: Option<Currency>,
    /// None if it was stored before this field existed.
    #[serde(default)]
    pub times: Option<DeliveryTimes>,
}

/// A refund with its lines, as fetched from the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundLines {
    pub refund: ReportedRefund,
    pub currency: Currency,
    /// When Vouch sent the request.
    pub read_at: DateTime<Utc>,
}

impl RefundMessage {
    /// Whether this delivery replaces another one of the same refund: by the store's time, then by
    /// [`DeliveryTimes`], then by content. So the result doesn't depend on which was processed
    /// first.
    fn supersedes(&self, other: &Self) -> bool {
        let key = |message: &Self| (message.refund.refunded_at, message.times);
        let order = key(self).cmp(&key(other));
        order.then_with(|| digest(self).cmp(&digest(other))).is_gt()
    }

    /// The refund in minor units of `order`, its order's currency. None if the currencies differ,
    /// or neither is known.
    fn in_currency(&self, order: Option<Currency>) -> Option<Cow<'_, ReportedRefund>> {
        match (self.currency, order) {
            (None, None) => None,
            (Some(own), order) => {
                let fits = order.is_none_or(|order| order == own);
                fits.then_some(Cow::Borrowed(&self.refund))
            }
            (None, Some(currency)) => {
                let own = 10_i64.pow(NO_CURRENCY_EXPONENT.saturating_sub(currency.exponent()));
                let minor = |amount: i64| proportion_half_even(amount, 1, own);
                Some(Cow::Owned(self.refund.map_amounts(minor)))
            }
        }
    }
}

impl RefundLines {
    /// The answer to the later request wins; a tie is decided by content.
    fn supersedes(&self, other: &Self) -> bool {
        let time = self.read_at.cmp(&other.read_at);
        time.then_with(|| digest(self).cmp(&digest(other))).is_gt()
    }
}

impl OrderState {
    pub(super) fn merge_refund(&mut self, message: RefundMessage) {
        let known = self.refund_messages.get(&message.refund.refund_ref);
        if known.is_none_or(|known| message.supersedes(known)) {
            self.refund_messages.insert(message.refund.refund_ref.clone(), message);
        }
    }

    pub(super) fn merge_refund_lines(&mut self, lines: RefundLines) {
        let known = self.refund_lines.get(&lines.refund.refund_ref);
        if known.is_none_or(|known| lines.supersedes(known)) {
            self.refund_lines.insert(lines.refund.refund_ref.clone(), lines);
        }
    }

    /// Whether both states contain the same refunds, regardless of times.
    pub(super) fn has_same_refunds(&self, other: &Self) -> bool {
        let said = |state: &Self| {
            let messages = state.refund_messages.values().cloned();
            let messages = messages.map(|message| (message.refund, message.currency));
            let lines = state.refund_lines.values().cloned();
            let lines = lines.map(|lines| (lines.refund, Some(lines.currency)));
            (messages.collect::<Vec<_>>(), lines.collect::<Vec<_>>())
        };
        said(self) == said(other)
    }

    /// Every refund of the order once: the report's own, then those known only from separate
    /// deliveries.
    ///
    /// The report's own refunds win, because the report describes the whole order. Those that it
    /// only summarizes get their fetched lines. Fetched lines of a refund that the report doesn't
    /// name are ignored, because the refund was deleted since. A refund in another currency than
    /// the order's is skipped.
    pub fn refunds(&self) -> Vec<Cow<'_, ReportedRefund>> {
        let currency = self.report.as_ref().map(|report| report.currency);
        let own_refs: BTreeSet<&str> =
            self.own_refunds().map(|refund| refund.refund_ref.as_str()).collect();
        let own = self.own_refunds().map(|refund| {
            let read = self.lines_of(refund).map(|lines| &lines.refund);
            Cow::Borrowed(read.unwrap_or(refund))
        });
        let others = self
            .refund_messages
            .values()
            .filter(|message| !own_refs.contains(message.refund.refund_ref.as_str()))
            .filter_map(|message| message.in_currency(currency));
        own.chain(others).collect()
    }

    /// Whether Vouch still has to fetch lines of refunds from the store.
    pub fn lacks_refund_lines(&self) -> bool {
        self.own_refunds().any(|refund| refund.is_outline && self.lines_of(refund).is_none())
    }

    fn own_refunds(&self) -> impl Iterator<Item = &ReportedRefund> {
        self.report.iter().flat_map(|report| &report.refunds)
    }

    fn lines_of(&self, outline: &ReportedRefund) -> Option<&RefundLines> {
        let currency = self.report.as_ref()?.currency;
        let lines = self.refund_lines.get(&outline.refund_ref)?;
        (lines.currency == currency).then_some(lines)
    }
}
