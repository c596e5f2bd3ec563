//! Formats triggers for pages: totals as text, times in the merchant's time zone.

use std::collections::HashMap;

use diesel::prelude::*;
use vouch_core::calendar::Calendar;
use vouch_core::money::Currency;

use crate::features::auth::Merchant;
use crate::features::pushes::PushCell;
use crate::features::rollups::{self, Rollups};
use crate::features::sync_notes::{self, Note};
use crate::features::triggers::{Holder, Trigger, TriggerRow, TriggerState};
use crate::kit::urls;
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::numbers::thousands;

/// A trigger on a page or in a row.
pub(crate) struct TriggerView {
    pub(crate) trigger: Trigger,
    pub(crate) holder: Holder,
    /// Its state in the stores.
    pub(crate) pushes: PushCell,
    /// Differences that the last code sync of a store found.
    pub(crate) notes: Vec<Note>,
    rollups: Vec<Rollups>,
    calendar: Calendar,
    currency: Currency,
}

/// By trigger ID.
pub(super) type NotesByTrigger = HashMap<i64, Vec<Note>>;

/// The differences that the stores' last code syncs found for these rows.
pub(super) fn notes_of(
    conn: &mut PgConnection,
    merchant_id: i64,
    rows: &[TriggerRow],
) -> QueryResult<NotesByTrigger> {
    let ids: Vec<i64> = rows.iter().map(|row| row.trigger.id).collect();
    sync_notes::of_triggers(conn, merchant_id, &ids)
}

impl TriggerView {
    pub(crate) fn new(row: TriggerRow, notes: Vec<Note>, merchant: &Merchant) -> Self {
        let currency = merchant.currency;
        let TriggerRow { trigger, holder, rollups, pushes } = row;
        let pushes = PushCell { trigger_id: trigger.id, lines: pushes };
        Self { trigger, holder, pushes, notes, rollups, calendar: merchant.calendar(), currency }
    }

    /// When the code sync of a note began.
    pub(crate) fn checked(&self, note: &Note) -> DisplayTime {
        DisplayTime::new(note.checked_at, self.calendar)
    }

    pub(crate) fn url(&self) -> String {
        urls::trigger(self.trigger.id)
    }

    pub(crate) fn holder_url(&self) -> String {
        urls::affiliate_triggers(self.holder.id)
    }

    pub(crate) fn conversions_url(&self) -> String {
        urls::trigger_conversions(self.trigger.id)
    }

    pub(crate) fn retirement_url(&self) -> String {
        urls::trigger_retirement(self.trigger.id)
    }

    pub(crate) fn reinstatement_url(&self) -> String {
        urls::trigger_reinstatement(self.trigger.id)
    }

    pub(crate) fn reassignment_url(&self) -> String {
        urls::trigger_reassignment(self.trigger.id)
    }

    /// Cancels a scheduled handover.
    pub(crate) fn cancellation_url(&self) -> String {
        urls::trigger_reassignment_cancellation(self.trigger.id)
    }

    pub(crate) fn state(&self) -> TriggerState {
        if self.trigger.is_retired() { TriggerState::Retired } else { TriggerState::Active }
    }

    /// When it was created. The text contains only the day.
    pub(crate) fn created(&self) -> DisplayTime {
        let at = self.trigger.created_at;
        DisplayTime::day(at, self.calendar)
    }

    /// The number of conversions that count.
    pub(crate) fn orders(&self) -> String {
        thousands(self.rollups.iter().map(|rollups| rollups.conversions).sum::<i64>())
    }

    /// Customers' payments for the credited lines, after refunds, per currency.
    pub(crate) fn revenue(&self) -> Vec<String> {
        self.amounts(|rollups| rollups.revenue_minor)
    }

    /// The code's discounts.
    pub(crate) fn discount(&self) -> Vec<String> {
        self.amounts(|rollups| rollups.discount_minor)
    }

    /// The commission of all holders.
    pub(crate) fn commission(&self) -> Vec<String> {
        self.amounts(|rollups| rollups.commission_minor)
    }

    /// Refunds to customers.
    pub(crate) fn refunds(&self) -> Vec<String> {
        self.amounts(|rollups| rollups.refunded_minor)
    }

    fn amounts(&self, of: impl Fn(&Rollups) -> i64) -> Vec<String> {
        rollups::amounts(&self.rollups, self.currency, of)
    }
}
