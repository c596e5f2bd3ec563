//! The header of every page of one affiliate: its name, its totals and the menu on the left.
//!
//! A page has a [`Frame`] in a field `frame` and extends `layouts/affiliate.html`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use vouch_core::money::Currency;

use super::list::since;
use super::model::Affiliate;
use crate::features::auth::Merchant;
use crate::features::recalculations::{Pending, pending_of_affiliate};
use crate::features::rollups::{self, Rollups, amounts};
use crate::kit::db::schema::{affiliates, offers};
use crate::kit::urls;
use crate::kit::web::numbers::thousands;

/// The pages of one affiliate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameItem {
    /// Name, email, offer, status.
    Settings,
    Triggers,
    Conversions,
    ManualCredit,
}

impl FrameItem {
    /// In the order of the menu.
    pub(crate) const ALL: [Self; 4] =
        [Self::Settings, Self::Triggers, Self::Conversions, Self::ManualCredit];

    /// The label in the menu.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Settings => "Settings",
            Self::Triggers => "Conversion Triggers",
            Self::Conversions => "Conversions",
            Self::ManualCredit => "Manual Credit",
        }
    }

    pub(crate) fn url(self, affiliate: &Affiliate) -> String {
        let affiliate_id = affiliate.id;
        match self {
            Self::Settings => urls::affiliate(affiliate_id),
            Self::Triggers => urls::affiliate_triggers(affiliate_id),
            Self::Conversions => urls::affiliate_conversions(affiliate_id),
            Self::ManualCredit => urls::affiliate_manual_credit(affiliate_id),
        }
    }
}

/// The data of the header.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) affiliate: Affiliate,
    /// The name of its current offer.
    pub(crate) offer_name: String,
    /// Whether a user signs in as this affiliate.
    pub(crate) has_account: bool,
    /// The current page.
    pub(crate) item: FrameItem,
    /// The affiliate's orders that wait for recalculation.
    pub(crate) recalculating: Pending,
    rollups: Vec<Rollups>,
    currency: Currency,
}

impl Frame {
    /// Loads the header for the page `item` of an affiliate, with the totals of the 30 days up to
    /// `now`.
    pub(crate) fn load(
        conn: &mut PgConnection,
        merchant: &Merchant,
        now: DateTime<Utc>,
        affiliate_id: i64,
        item: FrameItem,
    ) -> QueryResult<Self> {
        let offer = affiliates::merchant_id
            .eq(offers::merchant_id)
            .and(affiliates::offer_id.eq(offers::id));
        let (affiliate, offer_name, has_account) = affiliates::table
            .inner_join(offers::table.on(offer))
            .filter(affiliates::merchant_id.eq(merchant.id))
            .filter(affiliates::id.eq(affiliate_id))
            .select((Affiliate::as_select(), offers::name, affiliates::user_id.is_not_null()))
            .first(conn)?;
        let since = since(now, merchant);
        let rollups = rollups::affiliates_since(conn, merchant.id, &[affiliate_id], since)?
            .remove(&affiliate_id)
            .unwrap_or_default();
        let currency = merchant.currency;
        let recalculating = pending_of_affiliate(conn, merchant.id, affiliate_id)?;
        Ok(Self { affiliate, offer_name, has_account, item, recalculating, rollups, currency })
    }

    /// The number of conversions in the totals.
    pub(crate) fn conversions(&self) -> String {
        thousands(self.rollups.iter().map(|rollups| rollups.conversions).sum::<i64>())
    }

    /// Customers' payments for the credited lines, after refunds, in the merchant's currency.
    pub(crate) fn revenue(&self) -> String {
        self.amount(|rollups| rollups.revenue_minor)
    }

    /// The same in other currencies: `+ €12.00`; empty if there's none.
    pub(crate) fn revenue_note(&self) -> String {
        self.other_amounts(|rollups| rollups.revenue_minor)
    }

    pub(crate) fn commission(&self) -> String {
        self.amount(|rollups| rollups.commission_minor)
    }

    /// The same in other currencies.
    pub(crate) fn commission_note(&self) -> String {
        self.other_amounts(|rollups| rollups.commission_minor)
    }

    /// Refunds to customers.
    pub(crate) fn refunds(&self) -> String {
        self.amount(|rollups| rollups.refunded_minor)
    }

    /// The same in other currencies.
    pub(crate) fn refunds_note(&self) -> String {
        self.other_amounts(|rollups| rollups.refunded_minor)
    }

    fn amount(&self, of: impl Fn(&Rollups) -> i64) -> String {
        amounts(&self.rollups, self.currency, of).into_iter().next().unwrap_or_default()
    }

    fn other_amounts(&self, of: impl Fn(&Rollups) -> i64) -> String {
        let others = amounts(&self.rollups, self.currency, of).split_off(1);
        if others.is_empty() { String::new() } else { format!("+ {}", others.join(" + ")) }
    }
}
