//! Locks the rows that a batch touches before it calculates anything. Triggers come first, then
//! orders, each by ID. Conversions follow with their order, totals at the very end.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use vouch_core::order::snapshot::StoreEvent;
use vouch_core::trigger::TriggerKind;

use super::batch::Batch;
use super::candidates::wanted;
use super::delivery::IncomingDelivery;
use super::held::IfHeld;
use super::keys::TriggerKey;
use super::order_row::OrderRow;
use crate::kit::db::schema::triggers;
use crate::kit::db::statement::{rows, statement};

/// `FOR KEY SHARE`, so that orders block neither each other nor changes of a trigger's holder.
macro_rules! lock_triggers {
    ($if_held:literal, $merchant_id:expr, $keys:expr) => {
        statement!(
            concat!(
                "WITH wanted AS MATERIALIZED (SELECT t.id, t.kind, t.key FROM triggers t \
                     JOIN (SELECT DISTINCT kind, key FROM :named) w \
                         ON t.kind = w.kind AND t.key = w.key \
                     WHERE t.merchant_id = :merchant_id), \
                 free AS MATERIALIZED (SELECT id FROM triggers \
                     WHERE merchant_id = :merchant_id AND id = ANY(ARRAY(SELECT id FROM wanted)) \
                     ORDER BY id FOR KEY SHARE",
                $if_held,
                ") SELECT w.kind, w.key, w.id, f.id IS NOT NULL AS is_free FROM wanted w \
                 LEFT JOIN free f ON f.id = w.id"
            ),
            merchant_id: BigInt = $merchant_id,
            ..named = rows!(for (kind, key) in $keys => kind: Text = *kind, key: Text = key.as_str()),
        )
    };
}

#[derive(QueryableByName)]
#[diesel(table_name = triggers)]
struct FoundTrigger {
    kind: TriggerKind,
    key: String,
    id: i64,
}

#[derive(QueryableByName)]
struct LockedTrigger {
    #[diesel(embed)]
    trigger: FoundTrigger,
    #[diesel(sql_type = Bool)]
    is_free: bool,
}

impl Batch {
    /// Locks the rows that `messages` touch. Returns for each delivery whether it can be processed,
    /// because no other transaction holds its rows.
    pub(in crate::features::ingest) fn reserve(
        &mut self,
        conn: &mut PgConnection,
        messages: &[(&IncomingDelivery, &StoreEvent)],
        if_held: IfHeld,
    ) -> QueryResult<Vec<bool>> {
        let keys: HashSet<TriggerKey> =
            messages.iter().flat_map(|(_, event)| keys_of(event)).collect();
        let held_triggers = self.lock_triggers(conn, keys, if_held)?;
        let refs: HashSet<(i64, &str)> = messages
            .iter()
            .filter_map(|(incoming, event)| Some((incoming.store_id, event.touches()?)))
            .collect();
        let held_orders = self.lock_orders(conn, &refs, if_held)?;
        let is_free = |(incoming, event): &(&IncomingDelivery, &StoreEvent)| {
            let order = event.touches().map(|order_ref| (incoming.store_id, order_ref.to_owned()));
            order.is_none_or(|order| !held_orders.contains(&order))
                && keys_of(event).iter().all(|key| !held_triggers.contains(key))
        };
        Ok(messages.iter().map(is_free).collect())
    }

    /// Returns the keys of triggers that another transaction holds.
    fn lock_triggers(
        &mut self,
        conn: &mut PgConnection,
        keys: HashSet<TriggerKey>,
        if_held: IfHeld,
    ) -> QueryResult<HashSet<TriggerKey>> {
        if keys.is_empty() {
            return Ok(HashSet::new());
        }
        let found: Vec<LockedTrigger> = match if_held {
            IfHeld::Wait => lock_triggers!("", self.merchant_id, &keys).load(conn)?,
            IfHeld::PassOver => {
                lock_triggers!(" SKIP LOCKED", self.merchant_id, &keys).load(conn)?
            }
        };
        let found: HashMap<TriggerKey, (i64, bool)> = found
            .into_iter()
            .map(|row| ((row.trigger.kind, row.trigger.key), (row.trigger.id, row.is_free)))
            .collect();
        let mut held = HashSet::new();
        for key in keys {
            match found.get(&key).copied() {
                Some((_, false)) => drop(held.insert(key)),
                Some((id, true)) => drop(self.triggers.insert(key, Some(id))),
                None => drop(self.triggers.insert(key, None)),
            }
        }
        Ok(held)
    }

    /// Returns the orders that another transaction holds.
    fn lock_orders(
        &mut self,
        conn: &mut PgConnection,
        refs: &HashSet<(i64, &str)>,
        if_held: IfHeld,
    ) -> QueryResult<HashSet<(i64, String)>> {
        let mut held = HashSet::new();
        if refs.is_empty() {
            return Ok(held);
        }
        for (store_id, order_ref) in refs {
            self.orders.insert((*store_id, (*order_ref).to_owned()), None);
        }
        let refs: Vec<(i64, &str)> = refs.iter().copied().collect();
        for (key, row) in OrderRow::by_refs(conn, self.merchant_id, &refs, if_held)? {
            match row {
                Some(row) => drop(self.orders.insert(key, Some(row))),
                None => drop(held.insert(key)),
            }
        }
        Ok(held)
    }

    /// The order with that reference, locked.
    pub(super) fn known_order(
        &mut self,
        conn: &mut PgConnection,
        store_id: i64,
        order_ref: &str,
    ) -> QueryResult<Option<OrderRow>> {
        // Removed from the map, so that a second delivery for the order reads what the first one
        // wrote.
        match self.orders.remove(&(store_id, order_ref.to_owned())) {
            Some(known) => Ok(known),
            None => OrderRow::by_ref(conn, self.merchant_id, store_id, order_ref),
        }
    }

    /// The IDs of the triggers with these keys. Keys that no delivery of the batch contains come
    /// from the stored state of an order, which is locked by now. Their triggers are only looked
    /// up.
    pub(super) fn trigger_ids(
        &mut self,
        conn: &mut PgConnection,
        keys: Vec<TriggerKey>,
    ) -> QueryResult<Vec<i64>> {
        let unknown: Vec<TriggerKey> =
            keys.iter().filter(|key| !self.triggers.contains_key(*key)).cloned().collect();
        if !unknown.is_empty() {
            let found: Vec<FoundTrigger> = statement!(
                "SELECT t.kind, t.key, t.id FROM triggers t \
                 JOIN (SELECT DISTINCT kind, key FROM :named) w \
                     ON t.kind = w.kind AND t.key = w.key \
                 WHERE t.merchant_id = :merchant_id",
                merchant_id: BigInt = self.merchant_id,
                ..named = rows!(for (kind, key) in &unknown =>
                    kind: Text = *kind,
                    key: Text = key.as_str(),
                ),
            )
            .load(conn)?;
            self.triggers.extend(unknown.into_iter().map(|key| (key, None)));
            let found = found.into_iter().map(|row| ((row.kind, row.key), Some(row.id)));
            self.triggers.extend(found);
        }
        Ok(keys.iter().filter_map(|key| self.triggers.get(key).copied().flatten()).collect())
    }
}

fn keys_of(event: &StoreEvent) -> Vec<TriggerKey> {
    match event {
        StoreEvent::Order(report) | StoreEvent::Restored(report) => wanted(report),
        _ => Vec::new(),
    }
}
