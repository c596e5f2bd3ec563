//! What an order is looked up by: its lines and codes.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, SmallInt, Text};
use vouch_core::order::amounts::{Basis, line_amounts};
use vouch_core::order::snapshot::{ReportedCode, ReportedLine};
use vouch_core::order::state::OrderState;

use crate::kit::db::prepared;

/// Writes the lines and codes of the order's report, in one round trip.
pub(super) fn write(
    conn: &mut PgConnection,
    merchant_id: i64,
    order_id: i64,
    state: &OrderState,
) -> QueryResult<()> {
    let Some(report) = &state.report else { return Ok(()) };
    // What was paid for a line; refunds do not count here, so that they need no writing anew.
    let amounts = line_amounts(state, Basis::default());
    let base: Vec<i64> =
        amounts.iter().filter(|line| line.line.is_some()).map(|line| line.gross_minor).collect();
    let (lines, codes) = (&report.lines, &report.codes);
    prepared::<()>(
        "WITH lines AS (INSERT INTO order_lines (merchant_id, order_id, position, line_ref, \
             sku_key, title, quantity, base_minor) \
             SELECT ?, ?, n.* FROM unnest(?::smallint[], ?::text[], ?::text[], ?::text[], \
                 ?::bigint[], ?::bigint[]) AS n) \
         INSERT INTO order_codes (merchant_id, order_id, position, code, code_key, \
             discount_minor) \
         SELECT ?, ?, n.* FROM unnest(?::smallint[], ?::text[], ?::text[], ?::bigint[]) AS n",
    )
    .bind::<BigInt, _>(merchant_id)
    .bind::<BigInt, _>(order_id)
    .bind::<Array<SmallInt>, _>(positions(lines.len()))
    .bind::<Array<Text>, _>(lines.iter().map(|line| line.line_ref.as_str()).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(lines.iter().map(ReportedLine::sku_key).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(lines.iter().map(|line| line.title.as_str()).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(lines.iter().map(|line| line.quantity).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(base)
    .bind::<BigInt, _>(merchant_id)
    .bind::<BigInt, _>(order_id)
    .bind::<Array<SmallInt>, _>(positions(codes.len()))
    .bind::<Array<Text>, _>(codes.iter().map(|code| code.code.as_str()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(codes.iter().map(ReportedCode::key).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(codes.iter().map(|code| code.discount_minor).collect::<Vec<_>>())
    .execute(conn)?;
    Ok(())
}

/// Writes them in the place of those of an earlier report.
pub(super) fn replace(
    conn: &mut PgConnection,
    merchant_id: i64,
    order_id: i64,
    state: &OrderState,
) -> QueryResult<()> {
    for statement in [
        "DELETE FROM order_lines WHERE merchant_id = ? AND order_id = ?",
        "DELETE FROM order_codes WHERE merchant_id = ? AND order_id = ?",
    ] {
        prepared::<()>(statement)
            .bind::<BigInt, _>(merchant_id)
            .bind::<BigInt, _>(order_id)
            .execute(conn)?;
    }
    write(conn, merchant_id, order_id, state)
}

/// Reports are limited to far fewer parts than a `smallint` counts.
fn positions(count: usize) -> Vec<i16> {
    (0..count).map(|at| i16::try_from(at).unwrap_or(i16::MAX)).collect()
}
