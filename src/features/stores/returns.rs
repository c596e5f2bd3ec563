//! What a cancellation or a refund does to commission, dated: an order keeps the rules of the moment
//! it was placed.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;

use super::model::Store;
use crate::features::recalculations::{RecalculationReason, request_since};
use crate::kit::audit::{Actor, record};
use crate::kit::dated::{self, Dated, dated};

dated! {
    /// What a cancellation or a refund does to commission; by default both lower it.
    #[derive(Copy, Default, Serialize)]
    pub struct ReturnRules
    in return_rules(merchant_id: i64, store_id: i64) of stores(merchant_id, store_id)
    {
        /// A cancellation leaves commission as it is.
        pub keeps_cancelled: bool,
        /// A refund leaves commission as it is.
        pub keeps_refunded: bool,
    }
}

/// The rules of a store with the time they began to hold, the newest first. None at all: commission
/// follows.
pub fn return_rules_history(
    conn: &mut PgConnection,
    store: &Store,
    limit: usize,
) -> QueryResult<Vec<(DateTime<Utc>, ReturnRules)>> {
    let periods = ReturnRules::periods(conn, (store.merchant_id, store.id))?;
    let newest = periods.into_iter().rev().take(limit);
    Ok(newest.map(|period| (period.from, period.value)).collect())
}

/// Makes `rules` hold for orders of the store placed from `actor.now` on. The same again changes
/// nothing.
pub fn change_return_rules(
    conn: &mut PgConnection,
    actor: &Actor,
    store: &Store,
    rules: ReturnRules,
) -> QueryResult<()> {
    conn.transaction(|conn| {
        let key = (store.merchant_id, store.id);
        // Without any rules, commission follows: the first are only written where they differ.
        ReturnRules::lock_owner(conn, key)?;
        if rules == ReturnRules::default() && ReturnRules::periods(conn, key)?.is_empty() {
            return Ok(());
        }
        let Some(changed) = dated::change(conn, key, Some(rules), actor.now)? else {
            return Ok(());
        };
        let before = changed.before.unwrap_or_default();
        let summary = format!(
            "Changed what cancellations and refunds in {} do to commission, for orders from now on.",
            store.name
        );
        let mut act = store.act("store.return_rules_changed", summary);
        act.before = Some(serde_json::json!(before));
        act.after = Some(serde_json::json!(rules));
        record(conn, actor, act)?;
        // An order of that second, or of a store whose clock runs ahead of ours, can be here already.
        request_since(conn, actor, changed.from, &RecalculationReason::ReturnRulesChanged).map(drop)
    })
}
