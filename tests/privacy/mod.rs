//! Personal data: erasure, export, what stores ask for, retention periods.

mod erasure;
mod pages;
mod retention;
mod shopify;

use std::collections::BTreeSet;
use std::io::Read as _;

use diesel::prelude::*;
use diesel::sql_types::{Binary, Text};
use flate2::read::GzDecoder;
use vouch::kit::db::{Scope, in_scope};

use crate::harness::TestApp;

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Bytes {
    #[diesel(sql_type = Binary)]
    bytes: Vec<u8>,
}

/// Works on everything, as the workers do.
pub(crate) fn in_instance<T>(
    app: &TestApp,
    work: impl FnOnce(&mut PgConnection) -> QueryResult<T>,
) -> T {
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    in_scope(&mut conn, Scope::Instance, work).unwrap()
}

fn names(conn: &mut PgConnection, sql: &str) -> QueryResult<Vec<String>> {
    let rows: Vec<Name> = diesel::sql_query(sql).load(conn)?;
    Ok(rows.into_iter().map(|row| row.name).collect())
}

/// Every table of the database.
pub(crate) fn tables(app: &TestApp) -> Vec<String> {
    in_instance(app, |conn| {
        names(
            conn,
            "SELECT table_name::text AS name FROM information_schema.tables \
             WHERE table_schema = 'public' AND table_type = 'BASE TABLE'",
        )
    })
}

/// The tables with `marker` in any row and any column: in text, in JSON, in arrays, in bytes, and in
/// bodies that are packed.
pub(crate) fn tables_with(app: &TestApp, marker: &str) -> BTreeSet<String> {
    let tables = tables(app);
    in_instance(app, |conn| {
        let mut found = BTreeSet::new();
        for table in tables {
            let hex = hex::encode(marker);
            let rows = names(
                conn,
                &format!(
                    "SELECT 'x' AS name FROM {table} t WHERE to_jsonb(t)::text ILIKE '%{marker}%' \
                         OR to_jsonb(t)::text ILIKE '%{hex}%' LIMIT 1"
                ),
            )?;
            if !rows.is_empty() {
                found.insert(table);
            }
        }
        let bodies: Vec<Bytes> = diesel::sql_query(
            "SELECT body_gzip AS bytes FROM deliveries WHERE body_gzip IS NOT NULL",
        )
        .load(conn)?;
        for body in bodies {
            let mut text = String::new();
            GzDecoder::new(&body.bytes[..]).read_to_string(&mut text).unwrap();
            if text.to_lowercase().contains(&marker.to_lowercase()) {
                found.insert("deliveries.body_gzip".to_owned());
            }
        }
        Ok(found)
    })
}

/// Everything that says who earned what, in which order and why it counts, as text: no word of a
/// person.
pub(crate) fn sums(app: &TestApp) -> Vec<String> {
    in_instance(app, |conn| {
        let mut all = Vec::new();
        for sql in [
            "SELECT concat_ws(' ', 'conversion', id, order_id, affiliate_id, trigger_id, via, \
                 currency, revenue_minor, discount_minor, refunded_minor, commission_minor, \
                 entries, status, reason, review, unqualified_reason, day) AS name \
             FROM conversions ORDER BY id",
            "SELECT concat_ws(' ', 'entry', id, conversion_id, kind, amount_minor, currency, at, \
                 seq, balance_minor, delivery_id) AS name FROM commission_entries ORDER BY id",
            "SELECT 'day ' || to_jsonb(f)::text AS name FROM daily_rollups f ORDER BY 1",
            "SELECT 'affiliate ' || to_jsonb(f)::text AS name FROM affiliate_daily_rollups f ORDER BY 1",
            "SELECT 'trigger ' || to_jsonb(f)::text AS name FROM trigger_rollups f ORDER BY 1",
            "SELECT concat_ws(' ', 'order', id, order_ref, name, placed_at, total_minor, currency, \
                 credited_affiliate_id, manual_affiliate_id, day) AS name FROM orders ORDER BY id",
        ] {
            all.extend(names(conn, sql)?);
        }
        Ok(all)
    })
}

/// The audit log without its details.
pub(crate) fn acts(app: &TestApp) -> Vec<String> {
    in_instance(app, |conn| {
        names(
            conn,
            "SELECT concat_ws(' ', id, at, actor_kind, actor_user_id, action, subject_kind, \
                 subject_id) AS name FROM audit_log ORDER BY id",
        )
    })
}
