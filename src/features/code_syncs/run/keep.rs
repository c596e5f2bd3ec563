//! Joins a page of the store's codes with the triggers, and stores it.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use vouch_core::code::key_of_reported_code;
use vouch_platforms::{CursorPage, StoreCode};

use crate::features::code_syncs::limits::CountedCodes;
use crate::features::code_syncs::model::CodeSync;
use crate::features::store_workers::{StoreRun, StoreRunError};
use crate::features::stores::Store;
use crate::features::sync_notes::StoreState;
use crate::kit::db::schema::code_syncs;
use crate::kit::db::statement::{rows, statement};

/// The maximum number of stored characters of a code.
const MAX_CHARS: usize = 255;

/// Stores a page of the store's codes and the position of the next page in one transaction, so that
/// every page is read once.
pub(super) fn keep(
    run: &StoreRun<'_, '_>,
    code_sync: &CodeSync,
    batch: &CursorPage<StoreCode>,
) -> Result<(), StoreRunError> {
    let (store, now) = (&run.store, run.now());
    let rows = Rows::of(&batch.rows, code_sync, store.merchant_id);
    let read = i64::try_from(batch.rows.len()).unwrap_or_default();
    run.write(|conn| {
        let others = if read == 0 { 0 } else { rows.insert(conn, store, code_sync)? };
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

/// A store code in the form in which it's stored.
struct Row {
    key: String,
    code: String,
    state: StoreState,
    same_rules: bool,
    counts: bool,
    marked_for: Option<i64>,
    rules: String,
    admin_url: Option<String>,
}

/// A page of codes. Each key occurs once.
struct Rows(Vec<Row>);

impl Rows {
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
        let row = |(key, row): (String, &StoreCode)| {
            let mark = row.mark.filter(|mark| mark.merchant_id == merchant_id);
            Row {
                // A code that Vouch created counts, even if it was renamed.
                counts: mark.is_some() || counted.include(&key),
                key,
                code: short(&row.code),
                state: row.state.into(),
                same_rules: row.same_rules || !code_sync.compares_rules(),
                marked_for: mark.map(|mark| mark.trigger_id),
                rules: row.rules.chars().filter(|c| !c.is_control()).collect(),
                admin_url: row.admin_url.clone(),
            }
        };
        Self(by_key.into_iter().map(row).collect())
    }

    /// Stores the codes that have a trigger or count. Returns how many others there are.
    fn insert(
        self,
        conn: &mut PgConnection,
        store: &Store,
        code_sync: &CodeSync,
    ) -> QueryResult<i64> {
        statement!(
            concat!(
                "WITH joined AS (SELECT c.*, t.id AS trigger_id, ",
                status!(),
                " AS status FROM :c LEFT JOIN triggers t ON t.merchant_id = :merchant_id \
                     AND t.kind = 'coupon_code' AND t.key = c.key COLLATE \"C\"), \
                 kept AS (INSERT INTO code_sync_results AS f (merchant_id, code_sync_id, key, code, \
                         trigger_id, status, state, same_rules, rules, admin_url, marked_for) \
                     SELECT :merchant_id, :code_sync_id, key, code, trigger_id, status, state, \
                         same_rules, rules, admin_url, marked_for \
                     FROM joined WHERE trigger_id IS NOT NULL OR counts \
                     ON CONFLICT (merchant_id, code_sync_id, key) DO UPDATE \
                     SET code = excluded.code, status = excluded.status, state = excluded.state, \
                         same_rules = excluded.same_rules, rules = excluded.rules, \
                         admin_url = excluded.admin_url, marked_for = excluded.marked_for \
                     WHERE f.state <> 'live' AND excluded.state = 'live') \
                 SELECT count(*) FROM joined WHERE trigger_id IS NULL AND NOT counts"
            ),
            merchant_id: BigInt = store.merchant_id,
            code_sync_id: BigInt = code_sync.id,
            ..c = rows!(for code in &self.0 =>
                key: Text = code.key.as_str(),
                code: Text = code.code.as_str(),
                state: Text = code.state,
                same_rules: Bool = code.same_rules,
                counts: Bool = code.counts,
                marked_for: Nullable<BigInt> = code.marked_for,
                rules: Text = code.rules.as_str(),
                admin_url: Nullable<Text> = code.admin_url.as_deref(),
            ),
        )
        .scalar::<BigInt>()
        .get_result(conn)
    }
}

/// A trigger's code has at most 50 characters, so no longer code can match one.
fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_CHARS).collect()
}
