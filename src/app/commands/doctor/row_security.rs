//! Whether every table of merchants separates them. It's read from the catalog, so it includes tables
//! that are added later.

use diesel::sql_types::Text;
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};

use super::report::{CheckResult, asked, problem};
use super::text;

#[derive(QueryableByName)]
struct Unprotected {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    flaw: String,
}

/// Tables with a `merchant_id`, and those with any policy. A policy that shows rows compares with a
/// setting of the transaction, or shows only rows of the instance itself, which have merchant 0.
const FLAWS: &str = "
    WITH ours AS (
        SELECT c.oid, c.relname::text AS table_name, c.relrowsecurity, c.relforcerowsecurity,
            EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'merchant_id'
                AND NOT a.attisdropped) AS of_merchants
        FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')),
    policies AS (
        SELECT polrelid, polname::text AS polname, polcmd,
            coalesce(pg_get_expr(polqual, polrelid), '') || coalesce(pg_get_expr(polwithcheck, polrelid), '')
                AS condition
        FROM pg_policy WHERE polpermissive)
    SELECT table_name, flaw FROM (
        SELECT table_name, CASE
            WHEN NOT relrowsecurity THEN 'off'
            WHEN NOT relforcerowsecurity THEN 'not forced'
            WHEN of_merchants AND NOT EXISTS (SELECT FROM policies
                WHERE polrelid = oid AND polcmd IN ('*', 'r') AND condition LIKE '%current_merchant()%')
                THEN 'without policy'
            ELSE (SELECT 'open by policy ' || polname FROM policies
                WHERE polrelid = oid AND polcmd <> 'a' AND condition NOT LIKE '%current_%'
                    AND condition <> '(merchant_id = 0)(merchant_id = 0)' LIMIT 1)
            END AS flaw
        FROM ours WHERE of_merchants OR EXISTS (SELECT FROM pg_policy WHERE polrelid = oid)) judged
    WHERE flaw IS NOT NULL ORDER BY table_name";

pub(super) fn check(conn: &mut PgConnection) -> CheckResult {
    let flaws: Vec<Unprotected> = asked(sql_query(FLAWS).load(conn))?;
    if flaws.is_empty() {
        return Ok(text::ROW_SECURITY.to_owned());
    }
    let seen: Vec<String> =
        flaws.iter().map(|found| format!("{} ({})", found.table_name, found.flaw)).collect();
    let lines: Vec<String> = flaws.iter().map(remedy).collect();
    Err(problem(text::row_security_flaws(&seen, &lines)))
}

fn remedy(found: &Unprotected) -> String {
    let Unprotected { table_name, flaw } = found;
    match flaw.strip_prefix("open by policy ") {
        Some(policy) => format!("DROP POLICY {policy} ON {table_name};"),
        None if flaw == "without policy" => {
            format!("CALL protect_merchant_rows('{table_name}');")
        }
        None => {
            format!("ALTER TABLE {table_name} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;")
        }
    }
}
