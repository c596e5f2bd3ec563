//! All that is known of one order, merged from whatever arrived, in whatever order.
//!
//! Every part is a largest, smallest or united value, so merging is commutative, associative and
//! idempotent: repeats and reordering cannot change what is known in the end.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::report::{OrderReport, PaymentState, ReportedRefund, StoreEvent, digest};
use crate::money::Currency;

/// What is known of one order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OrderState {
    /// The newest report; none while only a refund or a deletion is known.
    pub report: Option<OrderReport>,
    /// Refunds that came in messages of their own, by the store's id of the refund.
    pub refund_messages: BTreeMap<String, RefundMessage>,
    /// When the store first said that the order was deleted.
    pub deleted_at: Option<DateTime<Utc>>,
    /// When the store last said that the order was put into its bin.
    pub binned_at: Option<DateTime<Utc>>,
}

/// A refund that came in a message of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundMessage {
    pub refund: ReportedRefund,
    pub currency: Currency,
}

impl RefundMessage {
    /// Which of two messages of one refund is kept: the later one; a tie is decided by content.
    fn supersedes(&self, other: &Self) -> bool {
        let time = self.refund.refunded_at.cmp(&other.refund.refunded_at);
        time.then_with(|| digest(self).cmp(&digest(other))).is_gt()
    }
}

impl From<OrderReport> for OrderState {
    fn from(report: OrderReport) -> Self {
        Self { report: Some(report), ..Self::default() }
    }
}

impl OrderState {
    /// Takes in what a message says of this order. True if that changed what is known.
    ///
    /// The caller has looked the order up: the message is about this one.
    pub fn apply(&mut self, event: StoreEvent) -> bool {
        match event {
            StoreEvent::Order(report) => self.merge_report(*report),
            StoreEvent::Refund { refund, currency, .. } => {
                self.merge_refund(RefundMessage { refund, currency })
            }
            StoreEvent::Deleted { at, .. } => self.merge_deletion(at),
            StoreEvent::Binned { at, .. } => self.merge_binning(at),
            StoreEvent::Uninstalled | StoreEvent::Announced { .. } | StoreEvent::Noted { .. } => {
                false
            }
        }
    }

    /// Everything known to either. True if that changed `self`.
    pub fn merge(&mut self, other: Self) -> bool {
        let mut changed = false;
        if let Some(report) = other.report {
            changed |= self.merge_report(report);
        }
        for message in other.refund_messages.into_values() {
            changed |= self.merge_refund(message);
        }
        if let Some(at) = other.deleted_at {
            changed |= self.merge_deletion(at);
        }
        if let Some(at) = other.binned_at {
            changed |= self.merge_binning(at);
        }
        changed
    }

    /// Whether it adds to the number of orders of its day: neither a test nor gone from the store.
    pub fn is_counted(&self) -> bool {
        self.report.as_ref().is_some_and(|report| !report.is_test) && self.gone_at().is_none()
    }

    fn merge_report(&mut self, report: OrderReport) -> bool {
        let newer = self.report.as_ref().is_none_or(|known| report.supersedes(known));
        if newer {
            self.report = Some(report);
        }
        newer
    }

    fn merge_refund(&mut self, message: RefundMessage) -> bool {
        let known = self.refund_messages.get(&message.refund.refund_ref);
        let newer = known.is_none_or(|known| message.supersedes(known));
        if newer {
            self.refund_messages.insert(message.refund.refund_ref.clone(), message);
        }
        newer
    }

    fn merge_deletion(&mut self, at: DateTime<Utc>) -> bool {
        let earlier = self.deleted_at.is_none_or(|known| at < known);
        if earlier {
            self.deleted_at = Some(at);
        }
        earlier
    }

    fn merge_binning(&mut self, at: DateTime<Utc>) -> bool {
        let later = self.binned_at.is_none_or(|known| known < at);
        if later {
            self.binned_at = Some(at);
        }
        later
    }

    /// Since when the order is gone from the store: deleted, or in its bin, from which a report of
    /// a later time takes it out again.
    pub fn gone_at(&self) -> Option<DateTime<Utc>> {
        let in_bin = self.binned_at.filter(|binned_at| {
            self.report.as_ref().is_none_or(|report| report.reported_at <= *binned_at)
        });
        self.deleted_at.or(in_bin)
    }

    /// Every refund of the order once: the report's own, then those known from messages only.
    ///
    /// The report's own win, because they describe the order as a whole. A message in another
    /// currency than the order's cannot be counted and is left out.
    pub fn refunds(&self) -> impl Iterator<Item = &ReportedRefund> {
        let own = self.report.iter().flat_map(|report| &report.refunds);
        let own_refs: std::collections::BTreeSet<&str> =
            own.clone().map(|refund| refund.refund_ref.as_str()).collect();
        let currency = self.report.as_ref().map(|report| report.currency);
        own.chain(
            self.refund_messages
                .values()
                .filter(move |message| currency.is_none_or(|c| c == message.currency))
                .map(|message| &message.refund)
                .filter(move |refund| !own_refs.contains(refund.refund_ref.as_str())),
        )
    }

    /// Whether the sale came to nothing as a whole, and why.
    pub fn undone(&self) -> Option<Undone> {
        let report = self.report.as_ref();
        if let Some(at) = self.gone_at() {
            return Some(Undone::Deleted { at });
        }
        if let Some(at) = report.and_then(|report| report.cancelled_at) {
            return Some(Undone::Cancelled { at });
        }
        report
            .is_some_and(|report| report.payment == PaymentState::Voided)
            .then_some(Undone::Voided)
    }
}

/// Why a sale came to nothing as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum Undone {
    Cancelled {
        at: DateTime<Utc>,
    },
    Deleted {
        at: DateTime<Utc>,
    },
    /// The payment was given up before money was taken.
    Voided,
    /// A way this version has no word for.
    #[serde(other)]
    Unknown,
}

#[cfg(test)]
mod tests;
