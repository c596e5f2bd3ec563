use diesel::prelude::*;

use crate::features::code_syncs::model::CodeSync;
use crate::features::stores::Store;
use crate::kit::db::schema::stores;

/// Whether the store's settings are the same as when the check began.
pub(super) fn holds(
    conn: &mut PgConnection,
    store: &Store,
    code_sync: &CodeSync,
) -> QueryResult<bool> {
    let (creates_codes, rules, counted): (bool, Option<serde_json::Value>, Vec<Option<String>>) =
        stores::table
            .find((store.merchant_id, store.id))
            .select((stores::creates_codes, stores::discount_rules, stores::counted_codes))
            .first(conn)?;
    Ok(creates_codes == code_sync.creates_codes
        && rules == code_sync.discount_rules
        && counted == code_sync.counted_codes)
}
