use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};
use vouch_core::attribution::{CalculationLogic, NegativeFees, OrdersCountWhen, Precedence};

use crate::features::stores::ReturnRules;
use crate::kit::dated::{Period, at, at_or_first};
use crate::kit::db::schema::{calculation_rules, merchants, return_rules};
use crate::kit::db::statement::statement;

/// A merchant's settings over time, read once per transaction for all of its orders.
pub(super) struct MerchantSettings {
    zone: Tz,
    rules: Vec<Period<CalculationLogic>>,
    /// The rules for cancellations and refunds, by store.
    returns: BTreeMap<i64, Vec<Period<ReturnRules>>>,
    /// Whether an exclusion applies to orders, or ever did.
    has_exclusions: bool,
    /// Encrypted (see [`crate::kit::pseudonyms`]).
    pub(crate) erasure_key: Option<Vec<u8>>,
}

/// A merchant's settings at the time an order was placed.
#[derive(Clone, Copy)]
pub(super) struct Setting {
    /// The day of the order, in the merchant's time zone.
    pub(crate) day: NaiveDate,
    /// The Calculation Logic.
    pub(crate) rules: CalculationLogic,
    /// Whether codes must be checked against the exclusions.
    pub(crate) has_exclusions: bool,
}

/// One row for each period of the merchant's rules.
#[derive(QueryableByName)]
#[diesel(table_name = merchants)]
struct Row {
    time_zone: String,
    erasure_key: Option<Vec<u8>>,
    #[diesel(sql_type = Bool)]
    has_exclusions: bool,
    #[diesel(embed)]
    rules: Option<RulesRow>,
}

#[derive(QueryableByName)]
#[diesel(table_name = calculation_rules)]
struct RulesRow {
    valid_from: DateTime<Utc>,
    precedence: Precedence,
    include_tax: bool,
    include_shipping: bool,
    orders_count_when: OrdersCountWhen,
    gift_cards_earn: bool,
    tips_earn: bool,
    negative_fees: NegativeFees,
}

impl From<RulesRow> for Period<CalculationLogic> {
    fn from(row: RulesRow) -> Self {
        let value = CalculationLogic {
            precedence: row.precedence,
            include_tax: row.include_tax,
            include_shipping: row.include_shipping,
            orders_count_when: row.orders_count_when,
            gift_cards_earn: row.gift_cards_earn,
            tips_earn: row.tips_earn,
            negative_fees: row.negative_fees,
            ..CalculationLogic::default()
        };
        Self { from: row.valid_from, until: None, value }
    }
}

impl MerchantSettings {
    pub(super) fn read(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Self> {
        let rows: Vec<Row> = statement!(
            "SELECT m.time_zone, m.erasure_key, \
                 EXISTS (SELECT FROM exclusion_terms x WHERE x.merchant_id = m.id) AS has_exclusions, \
                 r.valid_from, r.precedence, r.include_tax, r.include_shipping, \
                 r.orders_count_when, r.gift_cards_earn, r.tips_earn, r.negative_fees \
             FROM merchants m LEFT JOIN calculation_rules r ON r.merchant_id = m.id \
             WHERE m.id = :merchant_id ORDER BY r.valid_from",
            merchant_id: BigInt,
        )
        .load(conn)?;
        let zone = rows.first().and_then(|row| row.time_zone.parse().ok()).unwrap_or(Tz::UTC);
        let has_exclusions = rows.first().is_some_and(|row| row.has_exclusions);
        let erasure_key = rows.first().and_then(|row| row.erasure_key.clone());
        let rules = rows.into_iter().filter_map(|row| row.rules).map(Period::from).collect();
        let rows: Vec<(i64, DateTime<Utc>, bool, bool)> = return_rules::table
            .filter(return_rules::merchant_id.eq(merchant_id))
            .order((return_rules::store_id, return_rules::valid_from))
            .select((
                return_rules::store_id,
                return_rules::valid_from,
                return_rules::keeps_cancelled,
                return_rules::keeps_refunded,
            ))
            .load(conn)?;
        let mut returns: BTreeMap<i64, Vec<Period<ReturnRules>>> = BTreeMap::new();
        for (store_id, from, keeps_cancelled, keeps_refunded) in rows {
            let value = ReturnRules { keeps_cancelled, keeps_refunded };
            returns.entry(store_id).or_default().push(Period { from, until: None, value });
        }
        Ok(Self { zone, rules, returns, has_exclusions, erasure_key })
    }

    /// The settings at `placed_at` for orders of that store. Before the first Calculation Logic,
    /// the first one applies.
    pub(super) fn at(&self, store_id: i64, placed_at: DateTime<Utc>) -> Setting {
        let mut rules = at_or_first(&self.rules, placed_at).copied().unwrap_or_default();
        let of_store = self.returns.get(&store_id);
        if let Some(returns) = of_store.and_then(|periods| at(periods, placed_at)) {
            rules.keeps_cancelled = returns.keeps_cancelled;
            rules.keeps_refunded = returns.keeps_refunded;
        }
        Setting {
            day: placed_at.with_timezone(&self.zone).date_naive(),
            rules,
            has_exclusions: self.has_exclusions,
        }
    }
}
