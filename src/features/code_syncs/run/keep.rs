//! A page of the store's codes, joined with the triggers and kept.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text};
use vouch_core::code::key_of_reported_code;
use vouch_platforms::{Batch, StoreCode};

use crate::features::code_syncs::limits::CountedCodes;
use crate::features::code_syncs::model::CodeSync;
use crate::features::store_workers::{StoreRun, StoreRunError};
use crate::features::stores::Store;
use crate::features::sync_notes::StoreState;
use crate::kit::db::prepared;
use crate::kit::db::schema::code_syncs;

/// More characters of what a store says are not kept.
const MAX_CHARS: usize = 255;

/// A page of the store's codes, with the place where the reading goes on: in one transaction, so
/// that whoever goes on reads every page once.
pub(super) fn keep(
    run: &StoreRun<'_, '_>,
    code_sync: &CodeSync,
    batch: &Batch<StoreCode>,
) -> Result<(), StoreRunError> {
    let (store, now) = (&run.store, run.now());
    let columns = Columns::of(&batch.rows, code_sync, store.merchant_id);
    let read = i64::try_from(batch.rows.len()).unwrap_or_default();
    run.write(|conn| {
        let others = if read == 0 { 0 } else { columns.insert(conn, store, code_sync)? };
        diesel::update(code_syncs::table.find((store.merchant_id, code_sync.id)))
            .set((
                code_syncs::cursor.eq(&batch.next),
                code_syncs::advanced_at.eq(now),
                code_syncs::read_count.eq(code_syncs::read_count + read),
                code_syncs::other_count.eq(code_syncs::other_count + others),
                code_syncs::problem.eq(None::<String>),
            ))
            .execute(conn)
    })?;
    Ok(())
}

/// A page of codes as the columns of a table: each key once.
#[derive(Default)]
struct Columns {
    keys: Vec<String>,
    codes: Vec<String>,
    states: Vec<StoreState>,
    same_rules: Vec<bool>,
    counts: Vec<bool>,
    marked_for: Vec<Option<i64>>,
    rules: Vec<String>,
    admin_urls: Vec<Option<String>>,
}

impl Columns {
    fn of(rows: &[StoreCode], code_sync: &CodeSync, merchant_id: i64) -> Self {
        let counted = CountedCodes::of_column(&code_sync.counted_codes);
        let mut by_key: HashMap<String, &StoreCode> = HashMap::new();
        for row in rows {
            let key = short(&key_of_reported_code(&row.code));
            let state = |row: &StoreCode| StoreState::from(row.state);
            let held = by_key.entry(key).or_insert(row);
            if state(held) != StoreState::Live && state(row) == StoreState::Live {
                *held = row;
            }
        }
        let mut columns = Self::default();
        for (key, row) in by_key {
            let mark = row.mark.filter(|mark| mark.merchant_id == merchant_id);
            // What Vouch made counts, whatever it is called by now.
            columns.counts.push(mark.is_some() || counted.include(&key));
            columns.marked_for.push(mark.map(|mark| mark.trigger_id));
            columns.keys.push(key);
            columns.codes.push(short(&row.code));
            columns.states.push(row.state.into());
            columns.same_rules.push(row.same_rules || !code_sync.compares_rules());
            columns.rules.push(row.rules.chars().filter(|c| !c.is_control()).collect());
            columns.admin_urls.push(row.admin_url.clone());
        }
        columns
    }

    /// Keeps those that a trigger has and those that count; answers how many there are besides.
    fn insert(
        self,
        conn: &mut PgConnection,
        store: &Store,
        code_sync: &CodeSync,
    ) -> QueryResult<i64> {
        let (others,): (i64,) = prepared::<(BigInt,)>(concat!(
            "WITH c AS (SELECT * FROM unnest(?::text[], ?::text[], ?::text[], ?::boolean[], \
                 ?::boolean[], ?::bigint[], ?::text[], ?::text[]) \
                 AS c (key, code, state, same_rules, counts, marked_for, rules, admin_url)), \
             joined AS (SELECT c.*, t.id AS trigger_id, ",
            status!(),
            " AS status FROM c LEFT JOIN triggers t ON t.merchant_id = ? \
                 AND t.kind = 'coupon_code' AND t.key = c.key COLLATE \"C\"), \
             kept AS (INSERT INTO code_sync_results AS f (merchant_id, code_sync_id, key, code, \
                     trigger_id, status, state, same_rules, rules, admin_url, marked_for) \
                 SELECT ?, ?, key, code, trigger_id, status, state, same_rules, rules, admin_url, \
                     marked_for \
                 FROM joined WHERE trigger_id IS NOT NULL OR counts \
                 ON CONFLICT (merchant_id, code_sync_id, key) DO UPDATE \
                 SET code = excluded.code, status = excluded.status, state = excluded.state, \
                     same_rules = excluded.same_rules, rules = excluded.rules, \
                     admin_url = excluded.admin_url, marked_for = excluded.marked_for \
                 WHERE f.state <> 'live' AND excluded.state = 'live') \
             SELECT count(*) FROM joined WHERE trigger_id IS NULL AND NOT counts"
        ))
        .bind::<Array<Text>, _>(self.keys)
        .bind::<Array<Text>, _>(self.codes)
        .bind::<Array<Text>, _>(self.states)
        .bind::<Array<Bool>, _>(self.same_rules)
        .bind::<Array<Bool>, _>(self.counts)
        .bind::<Array<Nullable<BigInt>>, _>(self.marked_for)
        .bind::<Array<Text>, _>(self.rules)
        .bind::<Array<Nullable<Text>>, _>(self.admin_urls)
        .bind::<BigInt, _>(store.merchant_id)
        .bind::<BigInt, _>(store.merchant_id)
        .bind::<BigInt, _>(code_sync.id)
        .get_result(conn)?;
        Ok(others)
    }
}

/// Codes of triggers have 50 characters at the most.
fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_CHARS).collect()
}
