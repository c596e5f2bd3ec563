//! What stands around every page of one affiliate: its name, its figures, the menu at the left.
//!
//! A page holds a [`Frame`] in a field `frame` and extends `layouts/affiliate.html`.

use chrono::{DateTime, Days, Utc};
use diesel::prelude::*;

use super::model::Affiliate;
use crate::auth::Merchant;
use crate::db::schema::{affiliate_daily_figures, offers};
use crate::money::{Currency, format_money};
use crate::urls;

/// The pages of one affiliate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameItem {
    /// Name, e-mail, offer, status.
    Settings,
    /// Its codes.
    Triggers,
    /// Its credits.
    Conversions,
    /// To credit it by hand.
    ManualCredit,
}

impl FrameItem {
    /// In the order of the menu.
    pub const ALL: [Self; 4] =
        [Self::Settings, Self::Triggers, Self::Conversions, Self::ManualCredit];

    /// The word on the screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::Settings => "Settings",
            Self::Triggers => "Conversion Triggers",
            Self::Conversions => "Conversions",
            Self::ManualCredit => "Manual Credit",
        }
    }

    /// Its address for one affiliate.
    pub fn url(self, affiliate: &Affiliate) -> String {
        let affiliate_id = affiliate.id;
        match self {
            Self::Settings => urls::affiliate(affiliate_id),
            Self::Triggers => urls::affiliate_triggers(affiliate_id),
            Self::Conversions => urls::affiliate_conversions(affiliate_id),
            Self::ManualCredit => urls::affiliate_manual_credit(affiliate_id),
        }
    }
}

/// An affiliate as its pages show it.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Whose page it is.
    pub affiliate: Affiliate,
    /// The name of the offer it is on.
    pub offer_name: String,
    /// Which of the pages this is.
    pub item: FrameItem,
    figures: Vec<Figures>,
    currency: Currency,
}

/// The last 30 days in one currency.
#[derive(Clone, Debug)]
struct Figures {
    currency: Currency,
    conversions: i64,
    revenue_minor: i64,
    refunded_minor: i64,
    commission_minor: i64,
}

impl Frame {
    /// Loads what stands around the page `item` of one affiliate, with the figures of the 30 days
    /// up to `now`.
    ///
    /// # Errors
    /// `NotFound` when the merchant has no such affiliate.
    pub fn load(
        conn: &mut PgConnection,
        merchant: &Merchant,
        now: DateTime<Utc>,
        affiliate_id: i64,
        item: FrameItem,
    ) -> QueryResult<Self> {
        let affiliate = Affiliate::find(conn, merchant.id, affiliate_id)?;
        let offer_name = offers::table
            .find((merchant.id, affiliate.offer_id))
            .select(offers::name)
            .first(conn)?;
        let figures = figures(conn, merchant, now, affiliate_id)?;
        let currency = Currency::from_code(&merchant.currency).unwrap_or(Currency::USD);
        Ok(Self { affiliate, offer_name, item, figures, currency })
    }

    /// Which of the 30 days' conversions counted.
    pub fn conversions(&self) -> String {
        let count = self.figures.iter().map(|figures| figures.conversions).sum();
        crate::web::paginate::thousands(count)
    }

    /// What customers paid with this affiliate's triggers, in the merchant's currency.
    pub fn revenue(&self) -> String {
        self.amount(|figures| figures.revenue_minor)
    }

    /// The same in other currencies, as a note: `and €12.00`; empty if there is none.
    pub fn revenue_note(&self) -> String {
        self.other_amounts(|figures| figures.revenue_minor)
    }

    /// What it earned.
    pub fn commission(&self) -> String {
        self.amount(|figures| figures.commission_minor)
    }

    /// The same in other currencies.
    pub fn commission_note(&self) -> String {
        self.other_amounts(|figures| figures.commission_minor)
    }

    /// What went back to customers.
    pub fn refunded(&self) -> String {
        self.amount(|figures| figures.refunded_minor)
    }

    /// The same in other currencies.
    pub fn refunded_note(&self) -> String {
        self.other_amounts(|figures| figures.refunded_minor)
    }

    fn amount(&self, of: impl Fn(&Figures) -> i64) -> String {
        let own = self.figures.iter().find(|figures| figures.currency == self.currency);
        format_money(own.map_or(0, of), self.currency)
    }

    fn other_amounts(&self, of: impl Fn(&Figures) -> i64) -> String {
        let others: Vec<String> = self
            .figures
            .iter()
            .filter(|figures| figures.currency != self.currency && of(figures) != 0)
            .map(|figures| format_money(of(figures), figures.currency))
            .collect();
        if others.is_empty() { String::new() } else { format!("and {}", others.join(", ")) }
    }
}

fn figures(
    conn: &mut PgConnection,
    merchant: &Merchant,
    now: DateTime<Utc>,
    affiliate_id: i64,
) -> QueryResult<Vec<Figures>> {
    use affiliate_daily_figures as daily;
    let today = now.with_timezone(&merchant.tz()).date_naive();
    let since = today - Days::new(29);
    let rows = daily::table
        .filter(daily::merchant_id.eq(merchant.id))
        .filter(daily::affiliate_id.eq(affiliate_id))
        .filter(daily::day.ge(since))
        .group_by(daily::currency)
        .order(daily::currency)
        .select((
            daily::currency,
            diesel::dsl::sql::<diesel::sql_types::BigInt>("sum(conversions)::bigint"),
            diesel::dsl::sql::<diesel::sql_types::BigInt>("sum(revenue_minor)::bigint"),
            diesel::dsl::sql::<diesel::sql_types::BigInt>("sum(refunded_minor)::bigint"),
            diesel::dsl::sql::<diesel::sql_types::BigInt>("sum(commission_minor)::bigint"),
        ))
        .load::<(String, i64, i64, i64, i64)>(conn)?;
    Ok(rows
        .into_iter()
        .filter_map(|(currency, conversions, revenue, refunded, commission)| {
            Some(Figures {
                currency: Currency::from_code(&currency).ok()?,
                conversions,
                revenue_minor: revenue,
                refunded_minor: refunded,
                commission_minor: commission,
            })
        })
        .collect())
}
