//! Triggers as pages write them: figures in words, times in the merchant's time zone.

use std::collections::HashMap;

use chrono_tz::Tz;
use diesel::prelude::*;
use vouch_core::money::Currency;

use crate::features::auth::Merchant;
use crate::features::pushes::PushCell;
use crate::features::rollups::{self, Rollups};
use crate::features::sync_notes::{self, Note};
use crate::features::triggers::{Holder, Trigger, TriggerRow, TriggerState};
use crate::kit::urls;
use crate::kit::web::display_time::{DisplayTime, day, day_of};
use crate::kit::web::paginate::thousands;

/// A trigger as a row or a page shows it.
pub struct TriggerView {
    /// The trigger.
    pub trigger: Trigger,
    /// Who holds it.
    pub holder: Holder,
    /// How it stands in the stores.
    pub pushes: PushCell,
    /// Where the last check of a store found otherwise.
    pub notes: Vec<Note>,
    rollups: Vec<Rollups>,
    tz: Tz,
    currency: Currency,
}

/// By trigger.
pub(super) type Notes = HashMap<i64, Vec<Note>>;

/// Where the last checks of stores found otherwise than these rows say.
pub(super) fn notes_of(
    conn: &mut PgConnection,
    merchant_id: i64,
    rows: &[TriggerRow],
) -> QueryResult<Notes> {
    let ids: Vec<i64> = rows.iter().map(|row| row.trigger.id).collect();
    sync_notes::of_triggers(conn, merchant_id, &ids)
}

impl TriggerView {
    /// `row` for pages of `merchant`.
    pub fn new(row: TriggerRow, notes: Vec<Note>, merchant: &Merchant) -> Self {
        let currency = merchant.currency;
        let TriggerRow { trigger, holder, rollups, pushes } = row;
        let pushes = PushCell { trigger_id: trigger.id, lines: pushes };
        Self { trigger, holder, pushes, notes, rollups, tz: merchant.tz(), currency }
    }

    /// When the check began that a note is of.
    pub fn checked(&self, note: &Note) -> DisplayTime {
        DisplayTime::new(note.checked_at, self.tz)
    }

    /// Its own page.
    pub fn url(&self) -> String {
        urls::trigger(self.trigger.id)
    }

    /// The holder's triggers.
    pub fn holder_url(&self) -> String {
        urls::affiliate_triggers(self.holder.id)
    }

    /// The conversions it made.
    pub fn conversions_url(&self) -> String {
        urls::trigger_conversions(self.trigger.id)
    }

    /// Where it is retired.
    pub fn retirement_url(&self) -> String {
        urls::trigger_retirement(self.trigger.id)
    }

    /// The way back from that.
    pub fn reinstatement_url(&self) -> String {
        urls::trigger_reinstatement(self.trigger.id)
    }

    /// Where it is given to another affiliate.
    pub fn reassignment_url(&self) -> String {
        urls::trigger_reassignment(self.trigger.id)
    }

    /// Where that is called off, if it is scheduled.
    pub fn cancellation_url(&self) -> String {
        urls::trigger_reassignment_cancellation(self.trigger.id)
    }

    /// Active or Retired.
    pub fn state(&self) -> TriggerState {
        if self.trigger.is_retired() { TriggerState::Retired } else { TriggerState::Active }
    }

    /// When it was created; its text is the day alone.
    pub fn created(&self) -> DisplayTime {
        let at = self.trigger.created_at;
        DisplayTime { text: day(day_of(at, self.tz)), ..DisplayTime::new(at, self.tz) }
    }

    /// How many conversions count.
    pub fn orders(&self) -> String {
        thousands(self.rollups.iter().map(|rollups| rollups.conversions).sum())
    }

    /// What customers paid for the credited lines, after refunds, per currency.
    pub fn revenue(&self) -> Vec<String> {
        self.amounts(|rollups| rollups.revenue_minor)
    }

    /// What the code took off.
    pub fn discount(&self) -> Vec<String> {
        self.amounts(|rollups| rollups.discount_minor)
    }

    /// What it earned its holders.
    pub fn commission(&self) -> Vec<String> {
        self.amounts(|rollups| rollups.commission_minor)
    }

    /// What went back to customers.
    pub fn refunds(&self) -> Vec<String> {
        self.amounts(|rollups| rollups.refunded_minor)
    }

    fn amounts(&self, of: impl Fn(&Rollups) -> i64) -> Vec<String> {
        rollups::amounts(&self.rollups, self.currency, of)
    }
}
