//! The effect of cancellations and refunds on commission, dated: an order keeps the rules from when
//! it was placed.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;

use super::model::Store;
use crate::features::audit::{Act, AuditEvent};
use crate::features::recalculations::{RecalculationReason, request_since};
use crate::kit::audit::{Actor, record};
use crate::kit::dated::{self, Dated, dated};

dated! {
    /// The effect of cancellations and refunds on commission. By default both reduce it.
    #[derive(Copy, Default, Serialize)]
    pub struct ReturnRules
    in return_rules(merchant_id: i64, store_id: i64) of stores(merchant_id, store_id)
    {
        /// A cancellation doesn't change commission.
        pub keeps_cancelled: bool,
        /// A refund doesn't change commission.
        pub keeps_refunded: bool,
    }
}

/// A store's rules with the time they apply from, the newest first. Without any, both reduce
/// commission.
pub(crate) fn return_rules_history(
    conn: &mut PgConnection,
    store: &Store,
    limit: usize,
) -> QueryResult<Vec<(DateTime<Utc>, ReturnRules)>> {
    let periods = ReturnRules::periods(conn, (store.merchant_id, store.id))?;
    let newest = periods.into_iter().rev().take(limit);
    Ok(newest.map(|period| (period.from, period.value)).collect())
}

/// Applies `rules` to the store's orders placed from `actor.now` on. It does nothing if nothing
/// changed.
pub fn change_return_rules(
    conn: &mut PgConnection,
    actor: &Actor,
    store: &Store,
    rules: ReturnRules,
) -> QueryResult<()> {
    conn.transaction(|conn| {
        let key = (store.merchant_id, store.id);
        // Without stored rules the default applies, so the first ones are stored only if they
        // differ from it.
        ReturnRules::lock_owner(conn, key)?;
        if rules == ReturnRules::default() && ReturnRules::periods(conn, key)?.is_empty() {
            return Ok(());
        }
        let Some(changed) = dated::change(conn, key, Some(rules), actor.now)? else {
            return Ok(());
        };
        let before = changed.before.unwrap_or_default();
        let event = AuditEvent::ReturnRulesChanged { store: store.name.clone() };
        let act = Act {
            before: Some(serde_json::json!(before)),
            after: Some(serde_json::json!(rules)),
            ..store.act(event)
        };
        record(conn, actor, act)?;
        // An order from this second, or from a store whose clock is ahead, can already be stored.
        request_since(conn, actor, changed.from, &RecalculationReason::ReturnRulesChanged).map(drop)
    })
}
