//! What a cancellation or a refund does to commission, dated: an order keeps the rules of the moment
//! it was placed.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;

use super::model::Store;
use crate::audit::{Actor, record};
use crate::db::schema::{return_rules, stores};
use crate::orders::reconsider_since;

/// What a cancellation or a refund does to commission; by default both lower it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReturnRules {
    /// A cancellation leaves commission as it is.
    pub keeps_cancelled: bool,
    /// A refund leaves commission as it is.
    pub keeps_refunded: bool,
}

/// The rules of a store with the time they began to hold, the newest first. None at all: commission
/// follows.
///
/// # Errors
/// The database's.
pub fn return_rules_history(
    conn: &mut PgConnection,
    store: &Store,
    limit: i64,
) -> QueryResult<Vec<(DateTime<Utc>, ReturnRules)>> {
    let rows = return_rules::table
        .filter(return_rules::merchant_id.eq(store.merchant_id))
        .filter(return_rules::store_id.eq(store.id))
        .order(return_rules::valid_from.desc())
        .limit(limit)
        .select((
            return_rules::valid_from,
            return_rules::keeps_cancelled,
            return_rules::keeps_refunded,
        ))
        .load::<(DateTime<Utc>, bool, bool)>(conn)?;
    let dated = |(from, keeps_cancelled, keeps_refunded)| {
        (from, ReturnRules { keeps_cancelled, keeps_refunded })
    };
    Ok(rows.into_iter().map(dated).collect())
}

/// Makes `rules` hold for orders of the store placed from `actor.now` on. The same again changes
/// nothing.
///
/// # Errors
/// The database's.
pub fn change_return_rules(
    conn: &mut PgConnection,
    actor: &Actor,
    store: &Store,
    rules: ReturnRules,
) -> QueryResult<()> {
    conn.transaction(|conn| {
        // Of two changes at once, one waits here.
        stores::table
            .find((store.merchant_id, store.id))
            .for_no_key_update()
            .select(stores::id)
            .first::<i64>(conn)?;
        let open = return_rules_history(conn, store, 1)?.first().copied();
        let before = open.map(|(_, rules)| rules).unwrap_or_default();
        if before == rules {
            return Ok(());
        }
        // Never before the row that is replaced, should a clock have gone back.
        let from = open.map_or(actor.now, |(since, _)| since.max(actor.now));
        if let Some((since, _)) = open.filter(|(since, _)| *since < from) {
            diesel::update(return_rules::table.find((store.merchant_id, store.id, since)))
                .set(return_rules::valid_until.eq(from))
                .execute(conn)?;
        }
        let values = (
            return_rules::keeps_cancelled.eq(rules.keeps_cancelled),
            return_rules::keeps_refunded.eq(rules.keeps_refunded),
        );
        diesel::insert_into(return_rules::table)
            .values((
                return_rules::merchant_id.eq(store.merchant_id),
                return_rules::store_id.eq(store.id),
                return_rules::valid_from.eq(from),
                values,
            ))
            .on_conflict((
                return_rules::merchant_id,
                return_rules::store_id,
                return_rules::valid_from,
            ))
            .do_update()
            .set(values)
            .execute(conn)?;
        let summary = format!(
            "Changed what cancellations and refunds in {} do to commission, for orders from now on.",
            store.name
        );
        let mut act = store.act("store.return_rules_changed", summary);
        act.before = Some(serde_json::json!(before));
        act.after = Some(serde_json::json!(rules));
        record(conn, actor, act)?;
        // A store's clock can run ahead of ours.
        reconsider_since(conn, actor, actor.now, "What cancellations and refunds do was changed")
    })
}
