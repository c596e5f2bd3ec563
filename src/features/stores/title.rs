//! What pages call a store.

use diesel::dsl::exists;
use diesel::prelude::*;
use vouch_core::platform::Platform;

use super::text;
use crate::kit::db::schema::stores;

/// What pages call a store, such as "Juniper & Sage on Shopify". Another one of the same title has
/// its domain as well. `key` is the merchant and the store, if it's connected already.
pub(super) fn title(
    conn: &mut PgConnection,
    (merchant_id, store_id): (i64, Option<i64>),
    (called, platform): (&str, Platform),
    address: &str,
) -> QueryResult<String> {
    let title = text::title(called, platform);
    let others = stores::table
        .filter(stores::merchant_id.eq(merchant_id))
        .filter(stores::name.eq(&title))
        .filter(stores::id.nullable().is_distinct_from(store_id));
    let is_taken: bool = diesel::select(exists(others)).get_result(conn)?;
    Ok(if is_taken { format!("{title} ({address})") } else { title })
}
