//! The times of a delivery, and the detection of impossible timestamps.

use chrono::{DateTime, Datelike, Duration, Utc};
use serde::{Deserialize, Serialize};

use super::snapshot::{OrderSnapshot, ReportedRefund, StoreEvent};
use crate::text_enum;

/// How far a timestamp may be ahead of Vouch's clock. A later one would stay the newest forever.
const MAX_AHEAD: Duration = Duration::days(1);

/// If a store's clock differs by more seconds than this, it isn't trusted: it's set to another day
/// or time zone.
pub const MAX_CLOCK_SECONDS: i64 = 3600;

/// Whether a timestamp is further ahead of `now` than a wrong clock explains.
pub fn is_too_far_ahead(at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    at > now.checked_add_signed(MAX_AHEAD).unwrap_or(now)
}

/// The first plausible year of a timestamp. The supported platforms are younger (Shopify 2006,
/// BigCommerce 2009, WooCommerce 2011), and imported orders are hardly older. An earlier one comes
/// from an unset clock or an empty date.
pub const FIRST_YEAR: i32 = 2000;

/// Whether a timestamp is older than any order that Vouch can receive.
pub fn is_too_early(at: DateTime<Utc>) -> bool {
    at.year() < FIRST_YEAR
}

fn is_impossible(at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    is_too_early(at) || is_too_far_ahead(at, now)
}

/// Orders two deliveries with the same timestamp of the store: the one sent later is newer, then
/// the one received later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DeliveryTimes {
    /// When the store sent it (Shopify: `X-Shopify-Triggered-At`), or when Vouch started to fetch
    /// it. If the store doesn't report it, the time of receipt.
    pub sent_at: DateTime<Utc>,
    /// When it was first received; a replay doesn't change it.
    pub received_at: DateTime<Utc>,
}

impl DeliveryTimes {
    /// An impossible `sent_at` is replaced with `received_at`.
    pub fn new(sent_at: Option<DateTime<Utc>>, received_at: DateTime<Utc>) -> Self {
        let sent_at = sent_at.filter(|sent_at| !is_impossible(*sent_at, received_at));
        Self { sent_at: sent_at.unwrap_or(received_at), received_at }
    }
}

text_enum! {
    /// A timestamp in a message that was replaced by the time the message was received.
    pub enum ClampedTime {
        Updated = "updated_at", "updated";
        Placed = "placed_at", "placed";
        Cancelled = "cancelled_at", "canceled";
        Refunded = "refunded_at", "refunded";
        Deleted = "deleted_at", "deleted";
    }
}

impl StoreEvent {
    /// Replaces timestamps before 2000 or too far ahead of `received_at` with it. Returns each kind
    /// that was replaced once.
    pub(super) fn clamp(&mut self, received_at: DateTime<Utc>) -> Vec<ClampedTime> {
        match self {
            Self::Order(report) | Self::Restored(report) => report.clamp(received_at),
            Self::Refund { refund, .. } => clamp_refund(refund, received_at).into_iter().collect(),
            Self::RefundLines { refunds, .. } => refunds
                .iter_mut()
                .filter_map(|refund| clamp_refund(refund, received_at))
                .last()
                .into_iter()
                .collect(),
            Self::Deleted { at, .. } | Self::Trashed { reported_at: Some(at), .. } => {
                clamp(at, received_at, ClampedTime::Deleted).into_iter().collect()
            }
            Self::Trashed { .. }
            | Self::Uninstalled
            | Self::Announced { .. }
            | Self::Ignored { .. } => Vec::new(),
        }
    }

    /// The time of the event by the store's clock, if it has one.
    pub(super) fn reported_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Order(report) | Self::Restored(report) => Some(report.reported_at),
            Self::Refund { refund, .. } => Some(refund.refunded_at),
            Self::Trashed { reported_at, .. } => *reported_at,
            Self::Deleted { at, .. } => Some(*at),
            Self::RefundLines { .. }
            | Self::Uninstalled
            | Self::Announced { .. }
            | Self::Ignored { .. } => None,
        }
    }
}

impl OrderSnapshot {
    pub(super) fn clamp(&mut self, received_at: DateTime<Utc>) -> Vec<ClampedTime> {
        let updated = clamp(&mut self.reported_at, received_at, ClampedTime::Updated);
        let placed = clamp(&mut self.placed_at, received_at, ClampedTime::Placed);
        let cancelled = self
            .cancelled_at
            .as_mut()
            .and_then(|at| clamp(at, received_at, ClampedTime::Cancelled));
        let mut refunded = None;
        for refund in &mut self.refunds {
            refunded = clamp_refund(refund, received_at).or(refunded);
        }
        [updated, placed, cancelled, refunded].into_iter().flatten().collect()
    }
}

fn clamp_refund(refund: &mut ReportedRefund, received_at: DateTime<Utc>) -> Option<ClampedTime> {
    clamp(&mut refund.refunded_at, received_at, ClampedTime::Refunded)
}

/// The timestamp, or `received_at` if the timestamp is impossible.
pub fn plausible(at: DateTime<Utc>, received_at: DateTime<Utc>) -> DateTime<Utc> {
    if is_impossible(at, received_at) { received_at } else { at }
}

fn clamp(
    at: &mut DateTime<Utc>,
    received_at: DateTime<Utc>,
    which: ClampedTime,
) -> Option<ClampedTime> {
    let stated = std::mem::replace(at, plausible(*at, received_at));
    (stated != *at).then_some(which)
}
