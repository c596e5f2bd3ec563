use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text, Timestamptz};
use vouch_core::attribution::{NegativeFees, OrdersCountWhen, Precedence, Rules};

use crate::features::stores::ReturnRules;
use crate::kit::dated::{Period, at, at_or_first};
use crate::kit::db::prepared;

/// What a merchant had set, and when: read once per transaction, for all of its orders.
pub(super) struct Settings {
    zone: Tz,
    rules: Vec<Period<Rules>>,
    /// What cancellations and refunds do, by store.
    returns: BTreeMap<i64, Vec<Period<ReturnRules>>>,
    /// Whether an exclusion covers orders, or did once.
    has_exclusions: bool,
    /// Encrypted; see [`crate::kit::pseudonyms`].
    pub erasure_key: Option<Vec<u8>>,
}

/// What a merchant had set when an order was placed.
#[derive(Clone, Copy)]
pub(super) struct Setting {
    /// The day of the order, in the merchant's time zone.
    pub day: NaiveDate,
    /// The Calculation Logic.
    pub rules: Rules,
    /// Whether codes have to be looked up among the exclusions.
    pub has_exclusions: bool,
}

type Sql = (
    Text,
    Bool,
    Nullable<Binary>,
    Nullable<Timestamptz>,
    Nullable<Text>,
    Nullable<Bool>,
    Nullable<Bool>,
    Nullable<Text>,
    Nullable<Bool>,
    Nullable<Bool>,
    Nullable<Text>,
);
type Row = (
    String,
    bool,
    Option<Vec<u8>>,
    Option<DateTime<Utc>>,
    Option<Precedence>,
    Option<bool>,
    Option<bool>,
    Option<OrdersCountWhen>,
    Option<bool>,
    Option<bool>,
    Option<NegativeFees>,
);

impl Settings {
    pub(super) fn read(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Self> {
        let rows: Vec<Row> = prepared::<Sql>(
            "SELECT m.time_zone, EXISTS (SELECT FROM exclusion_terms x WHERE x.merchant_id = m.id), \
                 m.erasure_key, \
                 r.valid_from, r.precedence, r.include_tax, r.include_shipping, \
                 r.orders_count_when, r.gift_cards_earn, r.tips_earn, r.negative_fees \
             FROM merchants m LEFT JOIN calculation_rules r ON r.merchant_id = m.id \
             WHERE m.id = ? ORDER BY r.valid_from",
        )
        .bind::<BigInt, _>(merchant_id)
        .load(conn)?;
        let zone = rows.first().and_then(|row| row.0.parse().ok()).unwrap_or(Tz::UTC);
        let has_exclusions = rows.first().is_some_and(|row| row.1);
        let erasure_key = rows.first().and_then(|row| row.2.clone());
        let rules = rows.into_iter().filter_map(|row| {
            let (_, _, _, from, precedence, tax, shipping, count_when, gift_cards, tips, fees) =
                row;
            let rules = Rules {
                precedence: precedence.unwrap_or_default(),
                include_tax: tax.unwrap_or_default(),
                include_shipping: shipping.unwrap_or_default(),
                orders_count_when: count_when.unwrap_or_default(),
                gift_cards_earn: gift_cards.unwrap_or_default(),
                tips_earn: tips.unwrap_or_default(),
                negative_fees: fees.unwrap_or_default(),
                ..Rules::default()
            };
            Some(Period { from: from?, until: None, value: rules })
        });
        let rules = rules.collect();
        let rows: Vec<(i64, DateTime<Utc>, bool, bool)> =
            prepared::<(BigInt, Timestamptz, Bool, Bool)>(
                "SELECT store_id, valid_from, keeps_cancelled, keeps_refunded FROM return_rules \
                 WHERE merchant_id = ? ORDER BY store_id, valid_from",
            )
            .bind::<BigInt, _>(merchant_id)
            .load(conn)?;
        let mut returns: BTreeMap<i64, Vec<Period<ReturnRules>>> = BTreeMap::new();
        for (store_id, from, keeps_cancelled, keeps_refunded) in rows {
            let value = ReturnRules { keeps_cancelled, keeps_refunded };
            returns.entry(store_id).or_default().push(Period { from, until: None, value });
        }
        Ok(Self { zone, rules, returns, has_exclusions, erasure_key })
    }

    /// The setting of the moment `placed_at`, for orders of that store; of the Calculation Logic
    /// before the first one, the first.
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
