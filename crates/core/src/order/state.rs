//! The state of one order, merged from all deliveries in any order.
//!
//! Every part is a maximum, a minimum or a union. So merging is commutative, associative and
//! idempotent: repeated or reordered deliveries yield the same state.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use self::refunds::{RefundLines, RefundMessage};
use self::stored::StoredState;
use super::snapshot::{OrderSnapshot, PaymentState, StoreEvent, digest};
use super::times::{ClampedTime, DeliveryTimes};

mod refunds;
mod stored;

/// Everything known about one order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "StoredState")]
pub struct OrderState {
    /// The newest report; none while only a refund or a deletion is known.
    pub report: Option<OrderSnapshot>,
    /// The origin of that report; none if it was stored before this field existed.
    pub origin: Option<ReportOrigin>,
    /// The newest timestamp of the store.
    pub newest: Option<NewestTime>,
    /// Refunds that arrived on their own, by the store's id of the refund.
    pub refund_messages: BTreeMap<String, RefundMessage>,
    /// The lines of refunds that the order only summarizes, fetched from the store. Keyed by the
    /// store's id of the refund.
    pub refund_lines: BTreeMap<String, RefundLines>,
    /// When the store first reported that the order was deleted permanently.
    pub deleted_at: Option<DateTime<Utc>>,
    /// The last delivery that moved the order to the trash.
    pub trashed: Option<DeliveryTimes>,
    /// The last delivery that restored the order.
    pub restored: Option<DeliveryTimes>,
    /// When the first report of the order was sent.
    pub first_sent_at: Option<DateTime<Utc>>,
    /// When the order was first received with an impossible time of placement. It counts as placed
    /// then, however often the store repeats it.
    pub placed_by: Option<DateTime<Utc>>,
}

/// The times of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReportOrigin {
    #[serde(flatten)]
    pub times: DeliveryTimes,
    /// Whether the time of placement was replaced, because it was impossible.
    #[serde(default)]
    pub is_placed_clamped: bool,
}

/// A timestamp of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewestTime {
    pub at: DateTime<Utc>,
    /// When the first delivery with this timestamp was sent.
    pub since: DateTime<Utc>,
}

/// The effect of a delivery on the order's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StateChange {
    None,
    /// The same facts with another time. The time matters for later deliveries.
    Times,
    /// The order's facts changed.
    Facts,
}

/// The result of applying an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedEvent {
    pub change: StateChange,
    /// The event's time by the store's clock, after clamping.
    pub reported_at: Option<DateTime<Utc>>,
    /// Timestamps that were replaced because they were impossible.
    pub clamped: Vec<ClampedTime>,
}

impl From<OrderSnapshot> for OrderState {
    fn from(report: OrderSnapshot) -> Self {
        StoredState { report: Some(report), ..StoredState::default() }.into()
    }
}

impl OrderState {
    /// Merges an event into the order's state.
    ///
    /// The caller has made sure that the event is about this order.
    pub fn apply(&mut self, mut event: StoreEvent, times: DeliveryTimes) -> AppliedEvent {
        let clamped = event.clamp(times.received_at);
        let reported_at = event.reported_at();
        let is_placed_clamped = clamped.contains(&ClampedTime::Placed);
        let other = Self::told(event, ReportOrigin { times, is_placed_clamped });
        AppliedEvent { change: self.merge(other), reported_at, clamped }
    }

    /// The state that follows from one event.
    fn told(event: StoreEvent, origin: ReportOrigin) -> Self {
        let times = origin.times;
        let mut told = Self::default();
        match event {
            StoreEvent::Order(report) => told.report = Some(*report),
            StoreEvent::Restored(report) => {
                told.report = Some(*report);
                told.restored = Some(times);
            }
            StoreEvent::Refund { refund, currency, .. } => {
                let message = RefundMessage { refund, currency, times: Some(times) };
                told.merge_refund(message);
            }
            StoreEvent::RefundLines { currency, read_at, refunds, .. } => {
                for refund in refunds {
                    told.merge_refund_lines(RefundLines { refund, currency, read_at });
                }
            }
            StoreEvent::Deleted { at, .. } => told.deleted_at = Some(at),
            StoreEvent::Trashed { reported_at, .. } => {
                told.trashed = Some(times);
                told.newest = reported_at.map(|at| NewestTime { at, since: times.sent_at });
            }
            StoreEvent::Uninstalled | StoreEvent::Announced { .. } | StoreEvent::Ignored { .. } => {
            }
        }
        if let Some(report) = &told.report {
            told.newest = Some(NewestTime { at: report.reported_at, since: times.sent_at });
            told.first_sent_at = Some(times.sent_at);
            told.placed_by = origin.is_placed_clamped.then_some(times.received_at);
            told.origin = Some(origin);
        }
        told
    }

    /// Merges everything that `other` knows into this state.
    pub fn merge(&mut self, other: Self) -> StateChange {
        let before = self.clone();
        if let Some(report) = other.report {
            self.merge_report(report, other.origin);
        }
        for message in other.refund_messages.into_values() {
            self.merge_refund(message);
        }
        for lines in other.refund_lines.into_values() {
            self.merge_refund_lines(lines);
        }
        self.newest = newer(self.newest, other.newest);
        self.deleted_at = self.deleted_at.into_iter().chain(other.deleted_at).min();
        self.trashed = self.trashed.max(other.trashed);
        self.restored = self.restored.max(other.restored);
        self.first_sent_at = self.first_sent_at.into_iter().chain(other.first_sent_at).min();
        self.placed_by = self.placed_by.into_iter().chain(other.placed_by).min();
        self.date_placement();
        if *self == before {
            StateChange::None
        } else if self.says_same(&before) {
            StateChange::Times
        } else {
            StateChange::Facts
        }
    }

    /// Stores the newer report: by the store's time (often in whole seconds), then by
    /// [`DeliveryTimes`], then by content. So the result doesn't depend on which was processed
    /// first.
    fn merge_report(&mut self, report: OrderSnapshot, origin: Option<ReportOrigin>) {
        let is_newer = self.report.as_ref().is_none_or(|known| {
            let times = |origin: Option<ReportOrigin>| origin.map(|origin| origin.times);
            let order = (report.reported_at, times(origin))
                .cmp(&(known.reported_at, times(self.origin)))
                .then_with(|| as_sent(&report, origin).cmp(&as_sent(known, self.origin)))
                .then_with(|| origin.cmp(&self.origin));
            order == Ordering::Greater
        });
        if is_newer {
            self.report = Some(report);
            self.origin = origin;
        }
    }

    fn date_placement(&mut self) {
        let is_clamped = self.origin.is_some_and(|origin| origin.is_placed_clamped);
        if let (true, Some(report), Some(at)) = (is_clamped, &mut self.report, self.placed_by) {
            report.placed_at = at;
        }
    }

    /// Whether both states lead to the same credits, regardless of times.
    fn says_same(&self, other: &Self) -> bool {
        self.report == other.report
            && self.gone_at().is_some() == other.gone_at().is_some()
            && self.has_same_refunds(other)
    }

    /// Whether the order counts toward the day's orders: it isn't a test, and the store still has
    /// it.
    pub fn is_counted(&self) -> bool {
        self.report.as_ref().is_some_and(|report| !report.is_test) && self.gone_at().is_none()
    }

    /// When the store deleted the order or moved it to the trash; none if the store still has it.
    ///
    /// The trash wins over everything sent before it, whatever the store's clock says. It ends when
    /// the store reports the order as restored, or with a newer time than any known before. If
    /// nothing was known before, the time must be newer than the trash delivery itself.
    pub fn gone_at(&self) -> Option<DateTime<Utc>> {
        let trashed = self.trashed.filter(|trashed| {
            let is_restored = self.restored.is_some_and(|restored| restored > *trashed);
            let was_known = self.first_sent_at.is_some_and(|first| first <= trashed.sent_at);
            let is_newer = self.newest.is_some_and(|newest| {
                newest.since > trashed.sent_at && (was_known || newest.at > trashed.sent_at)
            });
            !is_restored && !is_newer
        });
        self.deleted_at.or(trashed.map(|trashed| trashed.sent_at))
    }

    /// Whether the whole sale was undone, and how.
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

/// How a whole sale was undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum Undone {
    Cancelled {
        at: DateTime<Utc>,
    },
    Deleted {
        at: DateTime<Utc>,
    },
    /// The payment was voided before any money was captured.
    Voided,
    /// A kind that this version doesn't know.
    #[serde(other)]
    Unknown,
}

/// The later of two timestamps of the store. If they're equal, the earlier sending time wins.
fn newer(one: Option<NewestTime>, other: Option<NewestTime>) -> Option<NewestTime> {
    let (Some(one), Some(other)) = (one, other) else { return one.or(other) };
    Some(match one.at.cmp(&other.at) {
        Ordering::Less => other,
        Ordering::Greater => one,
        Ordering::Equal => NewestTime { at: one.at, since: one.since.min(other.since) },
    })
}

/// A digest of the report as received. A clamped time of placement is derived from other reports,
/// so it's left out.
fn as_sent(report: &OrderSnapshot, origin: Option<ReportOrigin>) -> [u8; 32] {
    match origin {
        Some(ReportOrigin { times, is_placed_clamped: true }) => {
            digest(&OrderSnapshot { placed_at: times.received_at, ..report.clone() })
        }
        _ => digest(report),
    }
}

#[cfg(test)]
mod tests;
