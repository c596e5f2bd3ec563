use std::collections::BTreeMap;
use std::ops::{AddAssign, Neg};

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, SmallInt, Text};
use vouch_core::money::Currency;

use super::SHARDS;
use crate::kit::db::statement::{rows, statement};

/// The amounts that one order or conversion adds to the totals, in minor units of `currency`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delta {
    pub(crate) merchant_id: i64,
    /// The day in the merchant's time zone, as stored on the row.
    pub(crate) day: NaiveDate,
    pub(crate) currency: Currency,
    /// Selects the shard. It's the ID of the order or conversion.
    pub(crate) seed: i64,
    /// The conversion's affiliate; `None` for an order.
    pub(crate) affiliate_id: Option<i64>,
    pub(crate) trigger_id: Option<i64>,
    pub(crate) amounts: RollupAmounts,
    /// The part that another conversion of the order already adds to the merchant's day.
    pub(crate) shared: SharedAmounts,
}

/// The part of a royalty's amounts that comes from lines from which the order's main conversion
/// earns too. The merchant's totals count the order once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SharedAmounts {
    pub(crate) revenue_minor: i64,
    pub(crate) refunded_minor: i64,
}

/// The fields of a conversion that matter for totals.
#[derive(Clone, Debug)]
pub(crate) struct Counted {
    pub(crate) id: i64,
    pub(crate) affiliate_id: i64,
    pub(crate) trigger_id: Option<i64>,
    /// Earned from its own lines, in addition to the order's main conversion.
    pub(crate) is_royalty: bool,
    /// Whether it's part of the totals.
    pub(crate) counts: bool,
    pub(crate) day: NaiveDate,
    pub(crate) currency: Currency,
    pub(crate) amounts: RollupAmounts,
    pub(crate) shared: SharedAmounts,
}

/// The columns that all tables of totals share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RollupAmounts {
    /// Orders placed, credited or not.
    pub(crate) orders: i64,
    /// Pending or approved conversions.
    pub(crate) conversions: i64,
    /// Customers' payments for the credited lines, after refunds.
    pub(crate) revenue_minor: i64,
    /// Discounts from the codes.
    pub(crate) discount_minor: i64,
    /// Refunds of the credited lines.
    pub(crate) refunded_minor: i64,
    pub(crate) commission_minor: i64,
}

// Saturates, so that absurd amounts from a store can neither panic a writer nor wrap around.
impl AddAssign for RollupAmounts {
    fn add_assign(&mut self, other: Self) {
        self.orders = self.orders.saturating_add(other.orders);
        self.conversions = self.conversions.saturating_add(other.conversions);
        self.revenue_minor = self.revenue_minor.saturating_add(other.revenue_minor);
        self.discount_minor = self.discount_minor.saturating_add(other.discount_minor);
        self.refunded_minor = self.refunded_minor.saturating_add(other.refunded_minor);
        self.commission_minor = self.commission_minor.saturating_add(other.commission_minor);
    }
}

impl Neg for RollupAmounts {
    type Output = Self;
    fn neg(self) -> Self {
        Self {
            orders: -self.orders,
            conversions: -self.conversions,
            revenue_minor: -self.revenue_minor,
            discount_minor: -self.discount_minor,
            refunded_minor: -self.refunded_minor,
            commission_minor: -self.commission_minor,
        }
    }
}

impl Neg for SharedAmounts {
    type Output = Self;
    fn neg(self) -> Self {
        Self { revenue_minor: -self.revenue_minor, refunded_minor: -self.refunded_minor }
    }
}

type DayKey = (NaiveDate, Currency, i16);
type AffiliateKey = (i64, NaiveDate, Currency);
type TriggerCurrency = (i64, Currency);

/// The summed changes of one transaction for one merchant, to write at its end. The rows are hot,
/// so they're locked as briefly as possible and always in the same order.
#[derive(Debug)]
pub(crate) struct Changes {
    merchant_id: i64,
    days: BTreeMap<DayKey, RollupAmounts>,
    affiliates: BTreeMap<AffiliateKey, RollupAmounts>,
    triggers: BTreeMap<TriggerCurrency, RollupAmounts>,
}

impl Changes {
    pub(crate) fn of(merchant_id: i64) -> Self {
        Self {
            merchant_id,
            days: BTreeMap::new(),
            affiliates: BTreeMap::new(),
            triggers: BTreeMap::new(),
        }
    }

    pub(crate) fn add(&mut self, delta: &Delta) {
        debug_assert_eq!(delta.merchant_id, self.merchant_id);
        let shard = i16::try_from(delta.seed.rem_euclid(SHARDS)).unwrap_or_default();
        let once = RollupAmounts {
            revenue_minor: delta.amounts.revenue_minor.saturating_sub(delta.shared.revenue_minor),
            refunded_minor: delta
                .amounts
                .refunded_minor
                .saturating_sub(delta.shared.refunded_minor),
            ..delta.amounts
        };
        *self.days.entry((delta.day, delta.currency, shard)).or_default() += once;
        if let Some(id) = delta.affiliate_id {
            let key = (id, delta.day, delta.currency);
            *self.affiliates.entry(key).or_default() += delta.amounts;
        }
        if let Some(id) = delta.trigger_id {
            *self.triggers.entry((id, delta.currency)).or_default() += delta.amounts;
        }
    }

    pub(crate) fn subtract(&mut self, delta: &Delta) {
        self.add(&Delta { amounts: -delta.amounts, shared: -delta.shared, ..delta.clone() });
    }

    /// Adds all conversions of one order, or one conversion without an order, in their current
    /// state.
    pub(crate) fn add_order(&mut self, conversions: &[Counted]) {
        for delta in self.deltas(conversions) {
            self.add(&delta);
        }
    }

    /// Subtracts the same conversions in their former state.
    pub(crate) fn subtract_order(&mut self, conversions: &[Counted]) {
        for delta in self.deltas(conversions) {
            self.subtract(&delta);
        }
    }

    fn deltas(&self, conversions: &[Counted]) -> Vec<Delta> {
        let counting = || conversions.iter().filter(|one| one.counts);
        let main_counts = counting().any(|one| !one.is_royalty);
        let delta = |one: &Counted| Delta {
            merchant_id: self.merchant_id,
            day: one.day,
            currency: one.currency,
            seed: one.id,
            affiliate_id: Some(one.affiliate_id),
            trigger_id: one.trigger_id,
            amounts: one.amounts,
            shared: if one.is_royalty && main_counts {
                one.shared
            } else {
                SharedAmounts::default()
            },
        };
        counting().map(delta).collect()
    }

    pub(crate) fn write(self, conn: &mut PgConnection) -> QueryResult<()> {
        let Self { merchant_id, mut days, mut affiliates, mut triggers } = self;
        days.retain(|_, amounts| *amounts != RollupAmounts::default());
        affiliates.retain(|_, amounts| *amounts != RollupAmounts::default());
        triggers.retain(|_, amounts| *amounts != RollupAmounts::default());
        write_affiliates(conn, merchant_id, &affiliates)?;
        write_triggers(conn, merchant_id, &triggers)?;
        // The hottest rows last.
        write_days(conn, merchant_id, &days)
    }
}

/// Adds the columns of [`amounts!`] to an existing row.
macro_rules! add_amounts {
    () => {
        "conversions = f.conversions + excluded.conversions, \
         revenue_minor = f.revenue_minor + excluded.revenue_minor, \
         discount_minor = f.discount_minor + excluded.discount_minor, \
         refunded_minor = f.refunded_minor + excluded.refunded_minor, \
         commission_minor = f.commission_minor + excluded.commission_minor"
    };
}

/// [`rows!`] with the columns that all tables of totals share.
macro_rules! amounts {
    (for ($key:pat, $amounts:ident) in $rows:expr => $($column:tt)+) => {
        rows!(for ($key, $amounts) in $rows =>
            $($column)+
            conversions: BigInt = $amounts.conversions,
            revenue_minor: BigInt = $amounts.revenue_minor,
            discount_minor: BigInt = $amounts.discount_minor,
            refunded_minor: BigInt = $amounts.refunded_minor,
            commission_minor: BigInt = $amounts.commission_minor,
        )
    };
}

fn write_days(
    conn: &mut PgConnection,
    merchant_id: i64,
    rows: &BTreeMap<DayKey, RollupAmounts>,
) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    statement!(
        concat!(
            "INSERT INTO daily_rollups AS f (merchant_id, :new.columns) \
             SELECT :merchant_id, :new.columns FROM :new \
             ON CONFLICT (merchant_id, day, currency, shard) DO UPDATE SET \
                 orders = f.orders + excluded.orders, ",
            add_amounts!()
        ),
        merchant_id: BigInt,
        ..new = amounts!(for ((day, currency, shard), amounts) in rows =>
            day: Date = *day,
            currency: Text = *currency,
            shard: SmallInt = *shard,
            orders: BigInt = amounts.orders,
        ),
    )
    .execute(conn)
    .map(drop)
}

fn write_affiliates(
    conn: &mut PgConnection,
    merchant_id: i64,
    rows: &BTreeMap<AffiliateKey, RollupAmounts>,
) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    statement!(
        concat!(
            "INSERT INTO affiliate_daily_rollups AS f (merchant_id, :new.columns) \
             SELECT :merchant_id, :new.columns FROM :new \
             ON CONFLICT (merchant_id, affiliate_id, day, currency) DO UPDATE SET ",
            add_amounts!()
        ),
        merchant_id: BigInt,
        ..new = amounts!(for ((affiliate_id, day, currency), amounts) in rows =>
            affiliate_id: BigInt = *affiliate_id,
            day: Date = *day,
            currency: Text = *currency,
        ),
    )
    .execute(conn)
    .map(drop)
}

fn write_triggers(
    conn: &mut PgConnection,
    merchant_id: i64,
    rows: &BTreeMap<TriggerCurrency, RollupAmounts>,
) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    statement!(
        concat!(
            "INSERT INTO trigger_rollups AS f (merchant_id, :new.columns) \
             SELECT :merchant_id, :new.columns FROM :new \
             ON CONFLICT (merchant_id, trigger_id, currency) DO UPDATE SET ",
            add_amounts!()
        ),
        merchant_id: BigInt,
        ..new = amounts!(for ((trigger_id, currency), amounts) in rows =>
            trigger_id: BigInt = *trigger_id,
            currency: Text = *currency,
        ),
    )
    .execute(conn)
    .map(drop)
}
