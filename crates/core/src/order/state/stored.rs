//! Reads states stored by any version, so that a new field doesn't require rewriting all orders.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{NewestTime, OrderState, RefundLines, RefundMessage, ReportOrigin};
use crate::order::snapshot::OrderSnapshot;
use crate::order::times::DeliveryTimes;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct StoredState {
    pub report: Option<OrderSnapshot>,
    pub origin: Option<ReportOrigin>,
    pub newest: Option<NewestTime>,
    pub refund_messages: BTreeMap<String, RefundMessage>,
    pub refund_lines: BTreeMap<String, RefundLines>,
    pub deleted_at: Option<DateTime<Utc>>,
    pub trashed: Option<DeliveryTimes>,
    pub restored: Option<DeliveryTimes>,
    pub first_sent_at: Option<DateTime<Utc>>,
    pub placed_by: Option<DateTime<Utc>>,
    /// An older field in place of `trashed`. The trash ended once a report had a later time of the
    /// store.
    pub binned_at: Option<DateTime<Utc>>,
}

impl StoredState {
    fn was_trashed(&self) -> Option<DeliveryTimes> {
        let report = self.report.as_ref();
        let at =
            self.binned_at.filter(|at| report.is_none_or(|report| report.reported_at <= *at))?;
        Some(DeliveryTimes { sent_at: at, received_at: at })
    }
}

impl From<StoredState> for OrderState {
    fn from(stored: StoredState) -> Self {
        let was_trashed = stored.was_trashed();
        let report = stored.report.as_ref();
        // The oldest possible time, so it isn't newer than the trash delivery.
        let newest =
            report.map(|report| NewestTime { at: report.reported_at, since: DateTime::UNIX_EPOCH });
        Self {
            origin: stored.origin,
            newest: stored.newest.or(newest),
            refund_messages: stored.refund_messages,
            refund_lines: stored.refund_lines,
            deleted_at: stored.deleted_at,
            trashed: stored.trashed.or(was_trashed),
            restored: stored.restored,
            // Older versions didn't store when the first report was sent.
            first_sent_at: stored.first_sent_at.or(report.map(|_| DateTime::UNIX_EPOCH)),
            placed_by: stored.placed_by,
            report: stored.report,
        }
    }
}

impl OrderState {
    /// Adds the origin to a report that was stored without [`ReportOrigin`]. It arrived between
    /// `first_seen_at` and `decided_at`. A timestamp too far ahead is clamped, so that it doesn't
    /// stay the newest forever.
    pub fn date_report(&mut self, first_seen_at: DateTime<Utc>, decided_at: DateTime<Utc>) {
        let (Some(report), None) = (&mut self.report, self.origin) else { return };
        let clamped = report.clamp(decided_at);
        let is_placed_clamped = clamped.contains(&super::ClampedTime::Placed);
        let times = DeliveryTimes { sent_at: decided_at, received_at: decided_at };
        if let Some(newest) = &mut self.newest {
            newest.at = newest.at.min(report.reported_at);
        }
        self.origin = Some(ReportOrigin { times, is_placed_clamped });
        self.placed_by = is_placed_clamped.then_some(first_seen_at);
        self.date_placement();
    }
}
