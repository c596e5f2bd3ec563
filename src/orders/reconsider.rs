//! Deciding again on orders that were taken in: when a fact of the past changes.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Timestamptz};
use serde::{Deserialize, Serialize};

use super::intake::{Batch, Cause, OrderRow, decide_again};
use crate::audit::Actor;
use crate::db::prepared;
use crate::db::schema::{orders, trigger_owners, triggers};
use crate::outbox::{self, Work};
use crate::triggers::TriggerKind;

/// As many orders are decided on at once, in the transaction of the change itself; the rest is left
/// to the workers, in portions of this size.
const AT_ONCE: usize = 200;

/// A portion that was left to the workers.
#[derive(Debug, Serialize, Deserialize)]
pub struct Portion {
    /// Which orders.
    pub order_ids: Vec<i64>,
    /// What the entries of the ledger say of it.
    pub cause: String,
}

/// Every order placed since then, for the workers to find.
#[derive(Debug, Serialize, Deserialize)]
pub struct Since {
    /// From when on.
    pub since: DateTime<Utc>,
    /// What the entries of the ledger say of it.
    pub cause: String,
}

/// Decides again on some orders and writes the difference, in the running transaction.
///
/// # Errors
/// `NotFound` if one of them is not the merchant's; else the database's.
pub fn reconsider(
    conn: &mut PgConnection,
    actor: &Actor,
    order_ids: &[i64],
    cause: &str,
) -> QueryResult<()> {
    let mut batch = Batch::of(actor.merchant_id);
    let cause = Cause { words: cause, delivery_id: None, now: actor.now };
    // Always in the same order, so that two of these cannot wait for each other.
    let mut order_ids = order_ids.to_vec();
    order_ids.sort_unstable();
    order_ids.dedup();
    for order_id in order_ids {
        let row = OrderRow::by_id(conn, actor.merchant_id, order_id)?;
        decide_again(conn, row, &cause, &mut batch)?;
    }
    batch.finish(conn)
}

/// Decides again on every order since `since` that the trigger `kind`/`key` matches. A great many
/// are left to the workers.
///
/// # Errors
/// The database's.
pub fn reconsider_matching(
    conn: &mut PgConnection,
    actor: &Actor,
    kind: TriggerKind,
    key: &str,
    since: DateTime<Utc>,
    cause: &str,
) -> QueryResult<()> {
    let order_ids = matching(conn, actor.merchant_id, kind, key, since)?;
    reconsider_all(conn, actor, order_ids, cause)
}

/// Decides again on every order since `since` that a trigger of the affiliate, past or present,
/// matches. A great many are left to the workers.
///
/// The triggers are locked first, as a reassignment does: an order that is on its way in has either
/// been taken in before, and is found here, or is decided on after this transaction.
///
/// # Errors
/// The database's.
pub fn reconsider_affiliate(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate_id: i64,
    since: DateTime<Utc>,
    cause: &str,
) -> QueryResult<()> {
    let held: Vec<(TriggerKind, String)> = triggers::table
        .inner_join(
            trigger_owners::table.on(trigger_owners::merchant_id
                .eq(triggers::merchant_id)
                .and(trigger_owners::trigger_id.eq(triggers::id))),
        )
        .filter(trigger_owners::merchant_id.eq(actor.merchant_id))
        .filter(trigger_owners::affiliate_id.eq(affiliate_id))
        .order(triggers::id)
        .select((triggers::kind, triggers::key))
        .for_update()
        .load(conn)?;
    let mut order_ids = Vec::new();
    for (kind, key) in held {
        order_ids.extend(matching(conn, actor.merchant_id, kind, &key, since)?);
    }
    reconsider_all(conn, actor, order_ids, cause)
}

/// Decides again on every order placed since `since`, whatever is on it: for a change that holds
/// from now on, and orders that a store with a fast clock placed after it. Hardly ever any.
///
/// # Errors
/// The database's.
pub fn reconsider_since(
    conn: &mut PgConnection,
    actor: &Actor,
    since: DateTime<Utc>,
    cause: &str,
) -> QueryResult<()> {
    let order_ids = orders::table
        .filter(orders::merchant_id.eq(actor.merchant_id))
        .filter(orders::placed_at.ge(since))
        .select(orders::id)
        .load(conn)?;
    reconsider_all(conn, actor, order_ids, cause)
}

fn reconsider_all(
    conn: &mut PgConnection,
    actor: &Actor,
    mut order_ids: Vec<i64>,
    cause: &str,
) -> QueryResult<()> {
    order_ids.sort_unstable();
    order_ids.dedup();
    if order_ids.len() <= AT_ONCE {
        return reconsider(conn, actor, &order_ids, cause);
    }
    for portion in order_ids.chunks(AT_ONCE) {
        let portion = Portion { order_ids: portion.to_vec(), cause: cause.to_owned() };
        outbox::queue(conn, actor.merchant_id, &Work::Reconsider(portion), actor.now)?;
    }
    Ok(())
}

fn matching(
    conn: &mut PgConnection,
    merchant_id: i64,
    kind: TriggerKind,
    key: &str,
    since: DateTime<Utc>,
) -> QueryResult<Vec<i64>> {
    let statement = match kind {
        TriggerKind::CouponCode => {
            "SELECT DISTINCT o.id FROM order_codes c \
             JOIN orders o ON o.merchant_id = c.merchant_id AND o.id = c.order_id \
             WHERE c.merchant_id = ? AND c.code_key = ? AND o.placed_at >= ?"
        }
        TriggerKind::CustomerEmail => {
            "SELECT o.id FROM orders o \
             WHERE o.merchant_id = ? AND o.customer_email_key = ? AND o.placed_at >= ?"
        }
        TriggerKind::Sku => {
            "SELECT DISTINCT o.id FROM order_lines l \
             JOIN orders o ON o.merchant_id = l.merchant_id AND o.id = l.order_id \
             WHERE l.merchant_id = ? AND l.sku_key = ? AND o.placed_at >= ?"
        }
    };
    prepared::<BigInt>(statement)
        .bind::<BigInt, _>(merchant_id)
        .bind::<Text, _>(key)
        .bind::<Timestamptz, _>(since)
        .load(conn)
}
