//! Calculation Logic, dated: an order keeps the rules of the moment it was placed.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::audit::{Act, Actor, record};
use crate::credit::{NegativeFees, OrdersCountWhen, Precedence, Rules};
use crate::db::schema::calculation_rules;
use crate::orders::reconsider_since;

/// Rules with the time they began to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatedRules {
    /// From this moment on.
    pub valid_from: DateTime<Utc>,
    /// The rules.
    pub rules: Rules,
}

/// The columns of a row of `calculation_rules` that say what is done; what cancellations and refunds
/// do is a store's own setting.
#[derive(Clone, Copy, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = calculation_rules, check_for_backend(diesel::pg::Pg))]
pub(super) struct RulesColumns {
    precedence: Precedence,
    include_tax: bool,
    include_shipping: bool,
    orders_count_when: OrdersCountWhen,
    gift_cards_earn: bool,
    tips_earn: bool,
    negative_fees: NegativeFees,
}

impl From<Rules> for RulesColumns {
    fn from(rules: Rules) -> Self {
        Self {
            precedence: rules.precedence,
            include_tax: rules.include_tax,
            include_shipping: rules.include_shipping,
            orders_count_when: rules.orders_count_when,
            gift_cards_earn: rules.gift_cards_earn,
            tips_earn: rules.tips_earn,
            negative_fees: rules.negative_fees,
        }
    }
}

impl From<RulesColumns> for Rules {
    fn from(columns: RulesColumns) -> Self {
        Self {
            precedence: columns.precedence,
            include_tax: columns.include_tax,
            include_shipping: columns.include_shipping,
            orders_count_when: columns.orders_count_when,
            gift_cards_earn: columns.gift_cards_earn,
            tips_earn: columns.tips_earn,
            negative_fees: columns.negative_fees,
            ..Self::default()
        }
    }
}

/// The rules that hold now, and before them the ones that held earlier: the newest first, never
/// none.
///
/// # Errors
/// The database's.
pub fn rules_history(
    conn: &mut PgConnection,
    merchant_id: i64,
    limit: i64,
) -> QueryResult<Vec<DatedRules>> {
    let rows = calculation_rules::table
        .filter(calculation_rules::merchant_id.eq(merchant_id))
        .order(calculation_rules::valid_from.desc())
        .limit(limit)
        .select((calculation_rules::valid_from, RulesColumns::as_select()))
        .load::<(DateTime<Utc>, RulesColumns)>(conn)?;
    let dated =
        |(valid_from, columns): (_, RulesColumns)| DatedRules { valid_from, rules: columns.into() };
    Ok(rows.into_iter().map(dated).collect())
}

/// Makes `rules` hold for orders placed from `actor.now` on. The same again changes nothing.
///
/// # Errors
/// The database's.
pub fn change_rules(conn: &mut PgConnection, actor: &Actor, rules: Rules) -> QueryResult<()> {
    conn.transaction(|conn| {
        // Of two changes at once, one waits here; the open row is there from the beginning.
        let open = calculation_rules::table
            .filter(calculation_rules::merchant_id.eq(actor.merchant_id))
            .filter(calculation_rules::valid_until.is_null());
        let (since, before) = open
            .for_update()
            .select((calculation_rules::valid_from, RulesColumns::as_select()))
            .first::<(DateTime<Utc>, RulesColumns)>(conn)?;
        let before = Rules::from(before);
        if before == rules {
            return Ok(());
        }
        if since < actor.now {
            diesel::update(calculation_rules::table.find((actor.merchant_id, since)))
                .set(calculation_rules::valid_until.eq(actor.now))
                .execute(conn)?;
        }
        let columns = RulesColumns::from(rules);
        diesel::insert_into(calculation_rules::table)
            .values((
                calculation_rules::merchant_id.eq(actor.merchant_id),
                // Never before the row that is replaced, should a clock have gone back.
                calculation_rules::valid_from.eq(since.max(actor.now)),
                columns,
            ))
            .on_conflict((calculation_rules::merchant_id, calculation_rules::valid_from))
            .do_update()
            .set(columns)
            .execute(conn)?;
        record(
            conn,
            actor,
            Act {
                action: "calculation.changed",
                subject_kind: "merchant",
                subject_id: Some(actor.merchant_id),
                summary: "Changed the Calculation Logic for orders from now on.".to_owned(),
                before: Some(serde_json::json!(before)),
                after: Some(serde_json::json!(rules)),
            },
        )?;
        // A store's clock can run ahead of ours.
        reconsider_since(conn, actor, actor.now, "The Calculation Logic changed")
    })
}
