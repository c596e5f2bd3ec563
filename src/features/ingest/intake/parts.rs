//! Writes the lines and codes that orders are looked up by.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, SmallInt, Text};
use vouch_core::order::amounts::{Basis, line_amounts};
use vouch_core::order::state::OrderState;

use crate::kit::db::schema::{order_codes, order_lines};
use crate::kit::db::statement::{rows, statement};

/// Writes the lines and codes of the order's report, in one round trip.
pub(super) fn write(
    conn: &mut PgConnection,
    merchant_id: i64,
    order_id: i64,
    state: &OrderState,
) -> QueryResult<()> {
    let Some(report) = &state.report else { return Ok(()) };
    // The amounts paid for the lines. Refunds don't count, so they need no rewrite of the lines.
    let amounts = line_amounts(state, Basis::default());
    let base = amounts.iter().filter(|line| line.line.is_some()).map(|line| line.gross_minor);
    statement!(
        "WITH lines AS (INSERT INTO order_lines (merchant_id, order_id, :line.columns) \
             SELECT :merchant_id, :order_id, :line.columns FROM :line) \
         INSERT INTO order_codes (merchant_id, order_id, :code.columns) \
         SELECT :merchant_id, :order_id, :code.columns FROM :code",
        merchant_id: BigInt,
        order_id: BigInt,
        ..line = rows!(for (at, (line, base_minor)) in report.lines.iter().zip(base).enumerate() =>
            position: SmallInt = position(at),
            line_ref: Text = line.line_ref.as_str(),
            sku_key: Nullable<Text> = line.sku_key(),
            title: Text = line.title.as_str(),
            quantity: BigInt = line.quantity,
            base_minor: BigInt = base_minor,
        ),
        ..code = rows!(for (at, code) in report.codes.iter().enumerate() =>
            position: SmallInt = position(at),
            code: Text = code.code.as_str(),
            code_key: Text = code.key(),
            discount_minor: BigInt = code.discount_minor,
        ),
    )
    .execute(conn)
    .map(drop)
}

/// Replaces the lines and codes of an earlier report.
pub(super) fn replace(
    conn: &mut PgConnection,
    merchant_id: i64,
    order_id: i64,
    state: &OrderState,
) -> QueryResult<()> {
    let lines = order_lines::table
        .filter(order_lines::merchant_id.eq(merchant_id))
        .filter(order_lines::order_id.eq(order_id));
    diesel::delete(lines).execute(conn)?;
    let codes = order_codes::table
        .filter(order_codes::merchant_id.eq(merchant_id))
        .filter(order_codes::order_id.eq(order_id));
    diesel::delete(codes).execute(conn)?;
    write(conn, merchant_id, order_id, state)
}

/// Saturates, since reports are limited to far fewer parts than a `smallint` can count.
fn position(at: usize) -> i16 {
    i16::try_from(at).unwrap_or(i16::MAX)
}
