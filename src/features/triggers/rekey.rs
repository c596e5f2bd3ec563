//! Updates the keys of codes and SKUs in the database to newer rules.

use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use diesel::dsl::{exists, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use vouch_core::code::key_of_reported_code;
use vouch_core::sku::key_of_reported_sku;

use super::TriggerKind;
use crate::features::applications::CodeRequestStatus;
use crate::features::audit::{Act, AuditEvent, TriggerName};
use crate::features::exclusions::look_alike::look_alike;
use crate::features::recalculations::{RecalculationReason, request_for_trigger};
use crate::kit::audit::{Actor, SubjectKind, record};
use crate::kit::clock;
use crate::kit::db::schema::{
    code_requests, offer_terms, order_codes, order_lines, stores, triggers,
};
use crate::kit::db::statement::statement;

/// Only such text has a key that differs from its upper case: non-ASCII text, entities or control
/// characters. It's rare, so large tables are read once and hardly written.
macro_rules! unusual {
    ($column:literal) => {
        sql::<Bool>(concat!(
            "(octet_length(",
            $column,
            ") <> char_length(",
            $column,
            ") OR ",
            $column,
            " LIKE '%&%' OR ",
            $column,
            " ~ '[[:cntrl:]]')"
        ))
    };
}

/// A trigger whose key may change.
#[derive(Queryable)]
struct RekeyedTrigger {
    merchant_id: i64,
    id: i64,
    kind: TriggerKind,
    value: String,
    key: String,
}

/// Updates the keys of coupon codes and SKUs, and requests a recalculation of the orders that match
/// only now.
pub(crate) fn rekey(conn: &mut PgConnection) -> QueryResult<()> {
    let mut matched = rekey_order_codes(conn)?;
    rekey_code_requests(conn)?;
    rekey_counted_codes(conn)?;
    rekey_excluded_skus(conn)?;
    let held: Vec<RekeyedTrigger> = triggers::table
        .filter(triggers::kind.ne(TriggerKind::CustomerEmail))
        .filter(unusual!("value"))
        // Among triggers with the same new key, an active one comes before a retired one.
        .order((triggers::retired_at.desc().nulls_first(), triggers::created_at, triggers::id))
        .select((
            triggers::merchant_id,
            triggers::id,
            triggers::kind,
            triggers::value,
            triggers::key,
        ))
        .load(conn)?;
    for trigger in held {
        let key = key_of_reported_code(&trigger.value);
        if key == trigger.key {
            continue;
        }
        if trigger.kind == TriggerKind::Sku {
            rekey_order_lines(conn, &trigger)?;
        }
        let entry = (trigger.merchant_id, trigger.kind, key);
        if write_key(conn, &trigger, &entry.2)? {
            matched.insert(entry);
        } else {
            // The credits of both holders stay as they are.
            matched.remove(&entry);
        }
    }
    recalculate(conn, matched)
}

type Matched = HashSet<(i64, TriggerKind, String)>;

/// Returns the keys that are new on orders.
fn rekey_order_codes(conn: &mut PgConnection) -> QueryResult<Matched> {
    let codes: Vec<(i64, String, String)> = order_codes::table
        .filter(unusual!("code"))
        .select((order_codes::merchant_id, order_codes::code, order_codes::code_key))
        .distinct()
        .load(conn)?;
    let mut matched = Matched::new();
    for (merchant_id, code, held) in codes {
        let key = key_of_reported_code(&code);
        if key == held {
            continue;
        }
        let rows = order_codes::table
            .filter(order_codes::merchant_id.eq(merchant_id))
            .filter(order_codes::code_key.eq(&held))
            .filter(order_codes::code.eq(&code));
        diesel::update(rows).set(order_codes::code_key.eq(&key)).execute(conn)?;
        matched.insert((merchant_id, TriggerKind::CouponCode, key));
    }
    Ok(matched)
}

/// Updates order lines that have the old key. Only the order's report contains the store's own
/// text.
fn rekey_order_lines(conn: &mut PgConnection, trigger: &RekeyedTrigger) -> QueryResult<()> {
    #[derive(QueryableByName)]
    #[diesel(table_name = order_lines)]
    struct Line {
        order_id: i64,
        position: i16,
        #[diesel(sql_type = Nullable<Text>)]
        sku: Option<String>,
    }
    let lines: Vec<Line> = statement!(
        "SELECT l.order_id, l.position, \
             o.state #>> ARRAY['report', 'lines', l.position::text, 'sku'] AS sku \
         FROM order_lines l JOIN orders o ON o.merchant_id = l.merchant_id AND o.id = l.order_id \
         WHERE l.merchant_id = :merchant_id AND l.sku_key = :key",
        merchant_id: BigInt = trigger.merchant_id,
        key: Text = trigger.key.as_str(),
    )
    .load(conn)?;
    for Line { order_id, position, sku } in lines {
        let Some(sku) = sku else { continue };
        let line = order_lines::table.find((trigger.merchant_id, order_id, position));
        diesel::update(line)
            .set(order_lines::sku_key.eq(key_of_reported_sku(&sku)))
            .execute(conn)?;
    }
    Ok(())
}

/// If two pending requests now have the same code, the older one reserves it.
fn rekey_code_requests(conn: &mut PgConnection) -> QueryResult<()> {
    let requests: Vec<(i64, i64, String, String, CodeRequestStatus)> = code_requests::table
        .filter(unusual!("code"))
        .order(code_requests::id)
        .select((
            code_requests::merchant_id,
            code_requests::id,
            code_requests::code,
            code_requests::code_key,
            code_requests::status,
        ))
        .load(conn)?;
    for (merchant_id, id, code, held, status) in requests {
        let key = key_of_reported_code(&code);
        let reserved = code_requests::table
            .filter(code_requests::merchant_id.eq(merchant_id))
            .filter(code_requests::code_key.eq(&key))
            .filter(code_requests::status.eq(CodeRequestStatus::Pending))
            .filter(code_requests::id.ne(id));
        let is_reserved: bool = diesel::select(exists(reserved)).get_result(conn)?;
        if key == held || (status == CodeRequestStatus::Pending && is_reserved) {
            continue;
        }
        diesel::update(code_requests::table.find((merchant_id, id)))
            .set(code_requests::code_key.eq(key))
            .execute(conn)?;
    }
    Ok(())
}

fn rekey_counted_codes(conn: &mut PgConnection) -> QueryResult<()> {
    let lists: Vec<(i64, i64, Vec<Option<String>>)> = stores::table
        .filter(unusual!("array_to_string(counted_codes, ' ')"))
        .select((stores::merchant_id, stores::id, stores::counted_codes))
        .load(conn)?;
    for (merchant_id, id, held) in lists {
        let mut keys: Vec<String> =
            held.iter().flatten().map(|line| key_of_reported_code(line)).collect();
        keys.dedup();
        diesel::update(stores::table.find((merchant_id, id)))
            .set(stores::counted_codes.eq(keys))
            .execute(conn)?;
    }
    Ok(())
}

/// An offer stores only the keys of its excluded SKUs, so the new keys are derived from these.
fn rekey_excluded_skus(conn: &mut PgConnection) -> QueryResult<()> {
    let terms: Vec<(i64, i64, DateTime<Utc>, Vec<Option<String>>)> = offer_terms::table
        .filter(unusual!("array_to_string(excluded_skus, ' ')"))
        .select((
            offer_terms::merchant_id,
            offer_terms::offer_id,
            offer_terms::valid_from,
            offer_terms::excluded_skus,
        ))
        .load(conn)?;
    for (merchant_id, offer_id, valid_from, held) in terms {
        let keys: BTreeSet<String> =
            held.iter().flatten().map(|key| key_of_reported_sku(key)).collect();
        diesel::update(offer_terms::table.find((merchant_id, offer_id, valid_from)))
            .set(offer_terms::excluded_skus.eq(keys.into_iter().collect::<Vec<_>>()))
            .execute(conn)?;
    }
    Ok(())
}

/// Returns `false` if another trigger already has the key. Then this one is retired, because a code
/// belongs to one owner.
fn write_key(conn: &mut PgConnection, trigger: &RekeyedTrigger, key: &str) -> QueryResult<bool> {
    let row = triggers::table.find((trigger.merchant_id, trigger.id));
    let other: Option<i64> = triggers::table
        .filter(triggers::merchant_id.eq(trigger.merchant_id))
        .filter(triggers::kind.eq(trigger.kind))
        .filter(triggers::key.eq(key))
        .select(triggers::id)
        .first(conn)
        .optional()?;
    let Some(other) = other else {
        let look_alike = (trigger.kind == TriggerKind::CouponCode).then(|| look_alike(key));
        diesel::update(row)
            .set((triggers::key.eq(key), triggers::look_alike.eq(look_alike)))
            .execute(conn)?;
        return Ok(true);
    };
    let actor = Actor::system(trigger.merchant_id, clock::now());
    diesel::update(row.filter(triggers::retired_at.is_null()))
        .set(triggers::retired_at.eq(actor.now))
        .execute(conn)?;
    let name = TriggerName { kind: trigger.kind, value: trigger.value.clone() };
    let act = Act {
        after: Some(serde_json::json!({ "trigger_id": other, "key": key })),
        ..Act::new(
            AuditEvent::TriggerMerged { trigger: name },
            SubjectKind::Trigger,
            Some(trigger.id),
        )
    };
    record(conn, &actor, act)?;
    Ok(false)
}

/// Requests a recalculation of the orders that a trigger matches only now, from its creation on.
fn recalculate(conn: &mut PgConnection, matched: Matched) -> QueryResult<()> {
    for (merchant_id, kind, key) in matched {
        let trigger: Option<(i64, DateTime<Utc>)> = triggers::table
            .filter(triggers::merchant_id.eq(merchant_id))
            .filter(triggers::kind.eq(kind))
            .filter(triggers::key.eq(&key))
            .select((triggers::id, triggers::created_at))
            .first(conn)
            .optional()?;
        if let Some((id, since)) = trigger {
            let actor = Actor::system(merchant_id, clock::now());
            let cause = RecalculationReason::CodeKeysChanged;
            request_for_trigger(conn, &actor, id, since, &cause)?;
        }
    }
    Ok(())
}
