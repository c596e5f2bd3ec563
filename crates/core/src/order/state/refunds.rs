//! The refunds of an order, from all that is known of it.

use std::borrow::Cow;
use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::OrderState;
use crate::money::{Currency, proportion_half_even};
use crate::order::snapshot::{NO_CURRENCY_EXPONENT, ReportedRefund, digest};
use crate::order::times::DeliveryTimes;

/// A refund that came in a message of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundMessage {
    pub refund: ReportedRefund,
    /// None: the order's, whatever that is; amounts have [`NO_CURRENCY_EXPONENT`] decimals.
    pub currency: Option<Currency>,
    /// None for one that a version before this field kept.
    #[serde(default)]
    pub times: Option<DeliveryTimes>,
}

/// A refund with its lines, as the store answered when it was asked for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundLines {
    pub refund: ReportedRefund,
    pub currency: Currency,
    /// When the store was asked.
    pub read_at: DateTime<Utc>,
}

impl RefundMessage {
    /// Which of two messages of one refund is kept: by the store's time, then as
    /// [`DeliveryTimes`] orders them, then by content, so that it never depends on which was
    /// processed first.
    fn supersedes(&self, other: &Self) -> bool {
        let key = |message: &Self| (message.refund.refunded_at, message.times);
        let order = key(self).cmp(&key(other));
        order.then_with(|| digest(self).cmp(&digest(other))).is_gt()
    }

    /// The refund with its amounts in the minor units of `order`, its order's currency. None if it
    /// is in another, or if neither names one.
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
    /// Which of two answers is kept: that to the later question; a tie is decided by content.
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

    /// Whether both know of the same refunds, whenever they were said.
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

    /// Every refund of the order once: the report's own, then those known from messages only.
    ///
    /// The report's own win, because they describe the order as a whole; those that it only
    /// outlines count as their lines were read. Lines of a refund that the report does not name
    /// count for nothing: it was deleted since. A message in another currency than the order's
    /// cannot be counted and is left out.
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

    /// Whether lines of refunds are still to be read from the store.
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
