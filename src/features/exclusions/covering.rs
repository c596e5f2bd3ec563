use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz};

use crate::features::availability::{all_look_alikes, first_that_stops, probes_of};
use crate::kit::db::prepared;

/// Of some codes, by their keys, those that an exclusion of orders stopped at `placed_at`, each with
/// the key of that exclusion.
pub fn covering_orders(
    conn: &mut PgConnection,
    merchant_id: i64,
    code_keys: &[&str],
    placed_at: DateTime<Utc>,
) -> QueryResult<Vec<(String, i64)>> {
    let codes = all_look_alikes(code_keys);
    let terms: Vec<(i64, String)> = prepared::<(BigInt, Text)>(
        "SELECT x.exclusion_id, x.key FROM exclusion_terms x \
         WHERE x.merchant_id = ? AND x.anchor = ANY(?) \
             AND x.valid_from <= ? AND (x.valid_until IS NULL OR x.valid_until > ?) \
             AND (x.starts_at IS NULL OR x.starts_at <= ?) AND (x.ends_at IS NULL OR x.ends_at > ?) \
             AND EXISTS (SELECT FROM exclusion_periods p WHERE p.merchant_id = x.merchant_id \
                 AND p.valid_from <= ? AND (p.valid_until IS NULL OR p.valid_until > ?)) \
         ORDER BY x.exclusion_id",
    )
    .bind::<BigInt, _>(merchant_id)
    .bind::<Array<Text>, _>(probes_of(&codes))
    .bind::<Timestamptz, _>(placed_at)
    .bind::<Timestamptz, _>(placed_at)
    .bind::<Timestamptz, _>(placed_at)
    .bind::<Timestamptz, _>(placed_at)
    .bind::<Timestamptz, _>(placed_at)
    .bind::<Timestamptz, _>(placed_at)
    .load(conn)?;
    let covered = code_keys
        .iter()
        .zip(&codes)
        .filter_map(|(key, code)| Some(((*key).to_owned(), first_that_stops(&terms, code)?)));
    Ok(covered.collect())
}
