//! Calculation Logic, dated: an order keeps the rules from when it was placed.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use vouch_core::attribution::{CalculationLogic, NegativeFees, OrdersCountWhen, Precedence};

use crate::features::audit::{Act, AuditEvent};
use crate::features::recalculations::{RecalculationReason, request_since};
use crate::kit::audit::{Actor, SubjectKind, record};
use crate::kit::dated::{self, Dated, Period, dated};

/// Rules with the time they apply from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatedRules {
    pub valid_from: DateTime<Utc>,
    pub rules: CalculationLogic,
}

dated! {
    /// The columns of [`CalculationLogic`]. The effect of cancellations and refunds is a setting of each store
    /// instead.
    #[derive(Copy)]
    pub(super) struct RulesColumns
    in calculation_rules(merchant_id: i64) of merchants(merchant_id)
    {
        precedence: Precedence,
        include_tax: bool,
        include_shipping: bool,
        orders_count_when: OrdersCountWhen,
        gift_cards_earn: bool,
        tips_earn: bool,
        negative_fees: NegativeFees,
    }
}

impl From<CalculationLogic> for RulesColumns {
    fn from(rules: CalculationLogic) -> Self {
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

impl From<RulesColumns> for CalculationLogic {
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

/// The current rules, then the earlier ones, the newest first. It's never empty.
pub fn rules_history(
    conn: &mut PgConnection,
    merchant_id: i64,
    limit: usize,
) -> QueryResult<Vec<DatedRules>> {
    let periods = RulesColumns::periods(conn, (merchant_id,))?;
    let dated = |period: Period<RulesColumns>| DatedRules {
        valid_from: period.from,
        rules: period.value.into(),
    };
    Ok(periods.into_iter().rev().take(limit).map(dated).collect())
}

/// Applies `rules` to orders placed from `actor.now` on. It does nothing if nothing changed.
pub fn change_rules(
    conn: &mut PgConnection,
    actor: &Actor,
    rules: CalculationLogic,
) -> QueryResult<()> {
    conn.transaction(|conn| {
        let columns = RulesColumns::from(rules);
        let Some(changed) = dated::change(conn, (actor.merchant_id,), Some(columns), actor.now)?
        else {
            return Ok(());
        };
        let before = changed.before.map(CalculationLogic::from);
        let event = AuditEvent::CalculationChanged;
        let act = Act {
            before: Some(serde_json::json!(before)),
            after: Some(serde_json::json!(rules)),
            ..Act::new(event, SubjectKind::Merchant, Some(actor.merchant_id))
        };
        record(conn, actor, act)?;
        // An order from this second, or from a store whose clock is ahead, can already be stored.
        let cause = RecalculationReason::CalculationLogicChanged;
        request_since(conn, actor, changed.from, &cause).map(drop)
    })
}
