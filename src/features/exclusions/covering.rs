use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz};

use crate::features::availability::{ExclusionKey, all_look_alikes, first_that_stops, probes_of};
use crate::kit::db::statement::statement;

/// The codes, by key, that an exclusion of orders matched at `placed_at`, each with the exclusion's
/// ID.
pub(crate) fn covering_orders(
    conn: &mut PgConnection,
    merchant_id: i64,
    code_keys: &[&str],
    placed_at: DateTime<Utc>,
) -> QueryResult<Vec<(String, i64)>> {
    let codes = all_look_alikes(code_keys);
    let terms: Vec<ExclusionKey> = statement!(
        "SELECT x.exclusion_id AS id, x.key FROM exclusion_terms x \
         WHERE x.merchant_id = :merchant_id AND x.anchor = ANY(:probes) \
             AND x.valid_from <= :placed_at \
             AND (x.valid_until IS NULL OR x.valid_until > :placed_at) \
             AND (x.starts_at IS NULL OR x.starts_at <= :placed_at) \
             AND (x.ends_at IS NULL OR x.ends_at > :placed_at) \
             AND EXISTS (SELECT FROM exclusion_periods p WHERE p.merchant_id = x.merchant_id \
                 AND p.valid_from <= :placed_at \
                 AND (p.valid_until IS NULL OR p.valid_until > :placed_at)) \
         ORDER BY x.exclusion_id",
        merchant_id: BigInt,
        probes: Array<Text> = probes_of(&codes),
        placed_at: Timestamptz,
    )
    .load(conn)?;
    let covered = code_keys
        .iter()
        .zip(&codes)
        .filter_map(|(key, code)| Some(((*key).to_owned(), first_that_stops(&terms, code)?)));
    Ok(covered.collect())
}
