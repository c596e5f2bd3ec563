//! All that is known of one order, merged from whatever arrived, in whatever order.
//!
//! Every part is a largest, smallest or united value, so merging is commutative, associative and
//! idempotent: repeats and reordering cannot change what is known in the end.

mod refunds;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use self::refunds::{RefundLines, RefundMessage};
use super::report::{OrderReport, PaymentState, StoreEvent};

/// What is known of one order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OrderState {
    /// The newest report; none while only a refund or a deletion is known.
    pub report: Option<OrderReport>,
    /// Refunds that came in messages of their own, by the store's id of the refund.
    pub refund_messages: BTreeMap<String, RefundMessage>,
    /// The lines of refunds that the order only outlines, as they were read from the store, by the
    /// store's id of the refund.
    pub refund_lines: BTreeMap<String, RefundLines>,
    /// When the store first said that the order was deleted.
    pub deleted_at: Option<DateTime<Utc>>,
    /// When the store last said that the order was put into its bin.
    pub binned_at: Option<DateTime<Utc>>,
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
            StoreEvent::RefundLines { currency, read_at, refunds, .. } => {
                let lines =
                    refunds.into_iter().map(|refund| RefundLines { refund, currency, read_at });
                // Every one of them, whether or not one before it was news.
                lines.fold(false, |changed, lines| self.merge_refund_lines(lines) || changed)
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
        for lines in other.refund_lines.into_values() {
            changed |= self.merge_refund_lines(lines);
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
