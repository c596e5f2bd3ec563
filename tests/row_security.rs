//! The database keeps merchants apart, whatever a query forgets. Everything here is read from the
//! catalog, so that a table that is added later is held to it as well.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::result::Error;
use diesel::sql_types::{BigInt, Bool, Text};
use serde_json::json;
use vouch::kit::db::migrate::{Addresses, MigrateError, SQL_FOR_ROLES, check_server, run_pending};
use vouch::kit::db::{Scope, in_scope};

use crate::harness::shopify::ShopifyOrder;
use crate::harness::{TestApp, admin_url, then};

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

fn names(conn: &mut PgConnection, sql: &str) -> Vec<String> {
    let rows: Vec<Name> = diesel::sql_query(sql).load(conn).unwrap();
    rows.into_iter().map(|row| row.name).collect()
}

fn count(conn: &mut PgConnection, sql: &str) -> i64 {
    diesel::sql_query(sql).get_result::<Count>(conn).unwrap_or_else(|e| panic!("{sql}: {e}")).count
}

/// Every table with a `merchant_id`.
fn owned(conn: &mut PgConnection) -> Vec<String> {
    names(
        conn,
        "SELECT c.relname::text AS name FROM pg_class c \
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'merchant_id' \
             AND NOT a.attisdropped \
         WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace ORDER BY 1",
    )
}

/// The tables that only ever grow.
const APPEND_ONLY: [&str; 2] = ["audit_log", "commission_entries"];

/// Rows in as many tables as an order, a refund and a failed message touch, for both programs.
fn filled() -> TestApp {
    let app = TestApp::start();
    let (acme, borealis) = (app.fixture.merchant_id, app.fixture.stranger_merchant_id);
    let secret = "another-secret-of-another-shop-9876543210";
    let shop = app.connect_shop(borealis, "borealis-books.myshopify.com", secret);
    let order = ShopifyOrder::new(1, then()).code("ADA10", "10.00");
    assert_eq!(app.shopify("orders/create", &order.0).status, 200);
    let body = serde_json::to_vec(&order.0).unwrap();
    let signature = crate::harness::shopify::sign(secret, &body);
    let headers = [
        ("x-shopify-topic", "orders/create"),
        ("x-shopify-webhook-id", "1"),
        ("x-shopify-hmac-sha256", signature.as_str()),
    ];
    assert_eq!(app.hook(&shop.store_key, &headers, &body).status, 200);
    for merchant_id in [acme, borealis] {
        app.within_merchant(merchant_id, |conn| {
            conn.batch_execute(&format!(
                "INSERT INTO recalculations (merchant_id, since, cause, orders_total, due_at) \
                     VALUES ({merchant_id}, now(), '{{}}', 0, 'infinity'); \
                 INSERT INTO api_keys (merchant_id, name, hint, token_hash, created_by, scopes) \
                     SELECT merchant_id, 'Till', 'abcd', 'hash', user_id, '{{read}}' FROM members \
                     WHERE role = 'owner' AND merchant_id = {merchant_id}; \
                 INSERT INTO pushes (merchant_id, trigger_id, store_id, status, created_at) \
                     SELECT merchant_id, (SELECT min(id) FROM triggers), min(id), 'queued', \
                         now() FROM stores GROUP BY merchant_id; \
                 INSERT INTO return_rules (merchant_id, store_id, valid_from, keeps_cancelled, keeps_refunded) \
                     SELECT merchant_id, id, date_trunc('second', now()), true, true FROM stores;\
                 INSERT INTO exclusion_periods (merchant_id, valid_from) \
                     VALUES ({merchant_id}, date_trunc('second', now())); \
                 INSERT INTO exclusions (merchant_id, value, key, shape, anchor, added_at, added_by) \
                     VALUES ({merchant_id}, 'SAVE', 'SAVE', 'exact', '=SAVE', now(), 'Tests'); \
                 INSERT INTO exclusion_terms (merchant_id, exclusion_id, valid_from, key, anchor) \
                     SELECT merchant_id, id, date_trunc('second', now()), key, anchor FROM exclusions; \
                 INSERT INTO imports (merchant_id, file_name, row_count, uploaded_at, uploaded_by) \
                     VALUES ({merchant_id}, 'codes.csv', 1, now(), 'Tests'); \
                 INSERT INTO import_rows (merchant_id, import_id, line, affiliate, kind, value) \
                     SELECT merchant_id, id, 2, 'a3y7', '', 'SAVE' FROM imports; \
                 INSERT INTO invitations (merchant_id, email, email_key, role, \
                         invited_by, created_at, sent_at) \
                     SELECT merchant_id, 'new@example.com', 'new@example.com', 'viewer', \
                         user_id, now(), now() FROM members \
                     WHERE role = 'owner' AND merchant_id = {merchant_id}; \
                 INSERT INTO job_queues (merchant_id, store_id, kind, due_at) \
                     SELECT merchant_id, id, 'push', 'infinity' FROM stores; \
                 INSERT INTO jobs (merchant_id, target_id, kind, key, run_at) \
                     SELECT merchant_id, id, 'push', '', 'infinity' FROM stores; \
                 INSERT INTO one_time_keys (merchant_id, key, form, used_at) \
                     VALUES ({merchant_id}, 'key', 'amount_credit', now()); \
                 INSERT INTO delivery_failures (merchant_id, delivery_id, reason, build) \
                     SELECT merchant_id, min(id), 'unreadable', '' FROM deliveries \
                     GROUP BY merchant_id; \
                 INSERT INTO store_clocks (merchant_id, store_id, behind_seconds, measured_at) \
                     SELECT merchant_id, id, 600, now() FROM stores; \
                 INSERT INTO backfills (merchant_id, store_id, period_from, period_until, \
                         requested_by, requested_at) \
                     SELECT merchant_id, id, now(), now(), 'Tests', now() FROM stores; \
                 INSERT INTO code_syncs (merchant_id, store_id, requested_at) \
                     SELECT merchant_id, id, now() FROM stores; \
                 INSERT INTO code_sync_results (merchant_id, code_sync_id, key, code, \
                         same_rules, rules) \
                     SELECT merchant_id, id, 'VIP', 'VIP', true, '' FROM code_syncs; \
                 INSERT INTO registration_settings (merchant_id, is_open, code_requirement, \
                         approves_automatically, intro, terms, thanks, fields, updated_at) \
                     VALUES ({merchant_id}, true, 'required', false, '', '', '', '[]', now()); \
                 INSERT INTO applications (merchant_id, name, email, email_key, answers, \
                         agreed_to, sent_at) \
                     VALUES ({merchant_id}, 'Nia', 'nia@x.example', 'nia@x.example', '[]', '', now()); \
                 INSERT INTO code_requests (merchant_id, affiliate_id, code, code_key, status, \
                         requested_at) \
                     SELECT merchant_id, min(id), 'NIA10', 'NIA10', 'pending', now() \
                     FROM affiliates GROUP BY merchant_id; \
                 INSERT INTO erased_emails (merchant_id, email_hash, erased_at) \
                     VALUES ({merchant_id}, 'hash', now()); \
                 INSERT INTO data_requests (merchant_id, store_id, request_ref, email, received_at) \
                     SELECT merchant_id, min(id), '1', 'c@x.example', now() FROM stores \
                     GROUP BY merchant_id; \
                 INSERT INTO retention_settings (merchant_id, bodies_days, failed_bodies_days, \
                         customers_days, audit_ips_days, disconnected_days, updated_at) \
                     VALUES ({merchant_id}, 1, 1, 30, 1, 0, now());"
            ))
        });
    }
    app
}

fn connect(app: &TestApp) -> PgConnection {
    PgConnection::establish(&app.database_url).unwrap()
}

/// Runs `work` under `scope` and takes everything back that it did.
fn try_out<T>(
    conn: &mut PgConnection,
    scope: Scope,
    work: impl FnOnce(&mut PgConnection) -> T,
) -> T {
    let mut result = None;
    let undone: Result<(), Error> = in_scope(conn, scope, |conn| {
        result = Some(work(conn));
        Err(Error::RollbackTransaction)
    });
    assert!(undone.is_err());
    result.unwrap()
}

/// Within a savepoint, so that a refusal leaves the transaction usable.
fn execute(conn: &mut PgConnection, sql: &str) -> QueryResult<usize> {
    conn.transaction(|conn| diesel::sql_query(sql).execute(conn))
}

/// A write that touches no row: there's none in sight, or no right to write where rows are only
/// appended.
#[track_caller]
fn assert_touches_nothing(conn: &mut PgConnection, table: &str, write: &str) {
    let result = execute(conn, write);
    if APPEND_ONLY.contains(&table) {
        assert_denied(result, write);
    } else {
        assert_eq!(result, Ok(0), "{write}");
    }
}

#[track_caller]
fn assert_denied(result: QueryResult<usize>, what: &str) {
    let error = result.expect_err(what).to_string();
    assert!(
        error.contains("permission denied") || error.contains("must be owner"),
        "{what}: {error}"
    );
}

#[track_caller]
fn assert_refused(result: QueryResult<usize>, what: &str) {
    let error = result.expect_err(what).to_string();
    assert!(error.contains("row-level security"), "{what}: {error}");
}

#[test]
fn every_table_of_a_merchant_has_row_security_and_it_binds_the_owner() {
    let app = TestApp::start();
    let conn = &mut connect(&app);
    let owned = owned(conn);
    assert!(owned.len() >= 21, "{owned:?}");
    let bare = names(
        conn,
        "SELECT c.relname::text AS name FROM pg_class c \
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'merchant_id' \
         WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace \
             AND NOT (c.relrowsecurity AND c.relforcerowsecurity)",
    );
    assert_eq!(bare, [""; 0], "without forced row security");
    // `merchants` is owned by itself.
    let merchants = count(
        conn,
        "SELECT count(*) FROM pg_class WHERE oid = 'merchants'::regclass \
             AND relrowsecurity AND relforcerowsecurity",
    );
    assert_eq!(merchants, 1);
    // Views would run with their owner's rights.
    let views = count(
        conn,
        "SELECT count(*) FROM pg_class c WHERE c.relkind IN ('v', 'm') \
             AND c.relnamespace = 'public'::regnamespace AND NOT EXISTS (SELECT FROM pg_depend d \
                 WHERE d.objid = c.oid AND d.deptype = 'e')",
    );
    assert_eq!(views, 0);
}

#[test]
fn without_a_scope_nothing_is_seen_and_nothing_goes_in() {
    let app = filled();
    let conn = &mut connect(&app);
    for table in owned(conn) {
        let copied = try_out(conn, Scope::Instance, |conn| row_of(conn, &table, "true"));
        try_out(conn, Scope::Unowned, |conn| {
            assert_eq!(count(conn, &format!("SELECT count(*) FROM {table}")), 0, "{table}");
            let Some(row) = copied else { return };
            assert_refused(insert_copy(conn, &table, &row), &table);
            for write in [
                format!("UPDATE {table} SET merchant_id = merchant_id"),
                format!("DELETE FROM {table}"),
            ] {
                assert_touches_nothing(conn, &table, &write);
            }
        });
    }
    try_out(conn, Scope::Unowned, |conn| {
        assert_eq!(count(conn, "SELECT count(*) FROM merchants"), 0);
    });
}

/// One row as JSON, if there is one.
fn row_of(conn: &mut PgConnection, table: &str, condition: &str) -> Option<serde_json::Value> {
    let sql = format!("SELECT to_jsonb(t)::text AS name FROM {table} t WHERE {condition} LIMIT 1");
    let row = names(conn, &sql).into_iter().next()?;
    Some(serde_json::from_str(&row).unwrap())
}

/// Inserts a row; its keys are there already, but row security is asked before them.
fn insert_copy(
    conn: &mut PgConnection,
    table: &str,
    row: &serde_json::Value,
) -> QueryResult<usize> {
    let columns = names(
        conn,
        &format!(
            "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS name \
             FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0 \
                 AND NOT attisdropped AND attgenerated = ''"
        ),
    )
    .remove(0);
    let literal = row.to_string().replace('\'', "''");
    execute(
        conn,
        &format!(
            "INSERT INTO {table} ({columns}) \
             SELECT {columns} FROM jsonb_populate_record(null::{table}, '{literal}'::jsonb)"
        ),
    )
}

#[test]
fn one_merchant_neither_sees_nor_touches_what_is_anothers() {
    let app = filled();
    let conn = &mut connect(&app);
    let (acme, borealis) = (app.fixture.merchant_id, app.fixture.stranger_merchant_id);
    for table in owned(conn) {
        let theirs = try_out(conn, Scope::Merchant(borealis), |conn| row_of(conn, &table, "true"));
        let theirs = theirs.unwrap_or_else(|| panic!("fill {table} for this test"));
        assert_eq!(theirs["merchant_id"], json!(borealis), "{table}");
        try_out(conn, Scope::Merchant(acme), |conn| {
            let seen = format!("SELECT count(*) FROM {table} WHERE merchant_id <> {acme}");
            assert_eq!(count(conn, &seen), 0, "{table}");
            assert_refused(insert_copy(conn, &table, &theirs), &table);
            let of_them = format!("WHERE merchant_id = {borealis}");
            for write in [
                format!("UPDATE {table} SET merchant_id = merchant_id {of_them}"),
                format!("DELETE FROM {table} {of_them}"),
            ] {
                assert_touches_nothing(conn, &table, &write);
            }
            if !APPEND_ONLY.contains(&table.as_str()) {
                // Nor can a row be given away.
                let away = format!("UPDATE {table} SET merchant_id = {borealis}");
                assert_refused(execute(conn, &away), &away);
            }
        });
    }
    try_out(conn, Scope::Merchant(acme), |conn| {
        assert_eq!(count(conn, "SELECT count(*) FROM merchants"), 1);
        let rename = format!("UPDATE merchants SET name = 'Mine' WHERE id = {borealis}");
        assert_eq!(execute(conn, &rename), Ok(0));
        let new = "INSERT INTO merchants (name, slug, currency) VALUES ('New', 'new', 'USD')";
        assert_refused(execute(conn, new), new);
    });
}

#[test]
fn the_ledger_and_the_audit_log_cannot_be_rewritten_by_anybody() {
    let app = filled();
    let conn = &mut connect(&app);
    for scope in [Scope::Merchant(app.fixture.merchant_id), Scope::Instance] {
        for table in APPEND_ONLY {
            try_out(conn, scope, |conn| {
                let seen = count(conn, &format!("SELECT count(*) FROM {table}"));
                assert!(seen > 0, "{table}");
                let delete = format!("DELETE FROM {table}");
                let update = format!("UPDATE {table} SET id = id");
                let truncate = format!("TRUNCATE {table} CASCADE");
                for write in [delete, update, truncate] {
                    assert_denied(execute(conn, &write), &write);
                }
                assert_eq!(count(conn, &format!("SELECT count(*) FROM {table}")), seen);
            });
        }
    }
}

#[test]
fn support_reads_everything_and_writes_nothing() {
    let app = filled();
    let conn = &mut connect(&app);
    for table in owned(conn) {
        let all = format!("SELECT count(*) FROM {table}");
        let there = try_out(conn, Scope::Instance, |conn| count(conn, &all));
        try_out(conn, Scope::Support, |conn| {
            assert_eq!(count(conn, &all), there, "{table}");
            let row = row_of(conn, &table, "true").unwrap();
            assert_refused(insert_copy(conn, &table, &row), &table);
            for write in [
                format!("UPDATE {table} SET merchant_id = merchant_id"),
                format!("DELETE FROM {table}"),
            ] {
                assert_touches_nothing(conn, &table, &write);
            }
        });
    }
    try_out(conn, Scope::Support, |conn| {
        assert_eq!(count(conn, "SELECT count(*) FROM merchants"), 2);
        assert_eq!(execute(conn, "UPDATE merchants SET name = 'Mine'"), Ok(0));
    });
}

#[test]
fn a_person_sees_their_own_places_and_nothing_else() {
    let app = filled();
    let conn = &mut connect(&app);
    let (owner, ada) = (app.fixture.owner_id, app.fixture.ada_user_id);
    for (person, members, affiliates) in [(owner, 1, 0), (ada, 0, 1)] {
        for table in owned(conn) {
            let expected = match table.as_str() {
                "members" => members,
                "affiliates" => affiliates,
                _ => 0,
            };
            try_out(conn, Scope::Person(person), |conn| {
                let all = format!("SELECT count(*) FROM {table}");
                assert_eq!(count(conn, &all), expected, "{table}");
                let update = format!("UPDATE {table} SET merchant_id = merchant_id");
                assert_touches_nothing(conn, &table, &update);
            });
        }
        try_out(conn, Scope::Person(person), |conn| {
            let acme = app.fixture.merchant_id;
            let all = "SELECT id AS count FROM merchants";
            assert_eq!(count(conn, all), acme);
            assert_eq!(count(conn, "SELECT count(*) FROM merchants"), 1);
        });
    }
}

#[test]
fn a_scope_ends_with_its_transaction() {
    let app = filled();
    let conn = &mut connect(&app);
    let acme = app.fixture.merchant_id;
    in_scope(conn, Scope::Merchant(acme), |_| QueryResult::Ok(())).unwrap();
    assert_eq!(count(conn, "SELECT count(*) FROM affiliates"), 0);
    try_out(conn, Scope::Instance, |_| ());
    assert_eq!(count(conn, "SELECT count(*) FROM affiliates"), 0);
}

#[test]
fn every_key_of_a_merchants_table_begins_with_the_merchant() {
    let app = TestApp::start();
    let conn = &mut connect(&app);
    let elsewhere = names(
        conn,
        "SELECT i.indexrelid::regclass::text AS name FROM pg_index i \
         JOIN pg_attribute m ON m.attrelid = i.indrelid AND m.attname = 'merchant_id' \
         JOIN pg_class c ON c.oid = i.indrelid AND c.relnamespace = 'public'::regnamespace \
         WHERE i.indisunique AND i.indkey[0] <> m.attnum",
    );
    assert_eq!(elsewhere, [""; 0], "primary and unique keys");
    // From a merchant's row to a merchant's row: by the merchant first, on both sides.
    let across = names(
        conn,
        "SELECT k.conname::text AS name FROM pg_constraint k \
         JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attname = 'merchant_id' \
         JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attname = 'merchant_id' \
         WHERE k.contype = 'f' AND (k.conkey[1] <> a.attnum OR k.confkey[1] <> b.attnum)",
    );
    assert_eq!(across, [""; 0], "foreign keys");
    let to_nobody = names(
        conn,
        "SELECT c.relname::text AS name FROM pg_class c \
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'merchant_id' \
         WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace \
             AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid \
                 AND k.contype = 'f' AND a.attnum = ANY (k.conkey))",
    );
    assert_eq!(to_nobody, [""; 0], "a merchant_id that refers to nothing");
    let on_delete = names(
        conn,
        "SELECT k.conname::text AS name FROM pg_constraint k \
         JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attname = 'merchant_id' \
         WHERE k.contype = 'f' AND (k.confdeltype <> 'a' OR k.confupdtype <> 'a')",
    );
    assert_eq!(on_delete, [""; 0], "foreign keys that change rows by themselves");
}

#[test]
fn every_constraint_has_a_name_of_its_own_and_every_foreign_key_an_index() {
    let app = TestApp::start();
    let conn = &mut connect(&app);
    // What PostgreSQL makes up ends in _check, _fkey1 and the like, or in _key.
    let unnamed = names(
        conn,
        "SELECT k.conname::text AS name FROM pg_constraint k \
         JOIN pg_class c ON c.oid = k.conrelid AND c.relnamespace = 'public'::regnamespace \
         WHERE c.relname NOT LIKE '\\_\\_%' AND k.contype IN ('p', 'u', 'f', 'c', 'x') \
             AND (k.conname !~ ('^' || c.relname || '_') \
                 OR k.conname ~ '_(check|fkey|key|excl|pkey|not_null)[0-9]+$' \
                 OR (k.contype = 'c' AND k.conname ~ '_check$') \
                 OR (k.contype = 'u' AND k.conname ~ '_key$') \
                 OR (k.contype = 'f' AND k.conname ~ '_id_fkey$'))",
    );
    assert_eq!(unnamed, [""; 0]);
    let slow = names(
        conn,
        "SELECT k.conname::text AS name FROM pg_constraint k \
         JOIN pg_class c ON c.oid = k.conrelid AND c.relnamespace = 'public'::regnamespace \
         WHERE k.contype = 'f' AND NOT EXISTS (SELECT FROM pg_index i \
             WHERE i.indrelid = k.conrelid AND i.indisvalid \
                 AND (i.indkey::smallint[])[0:cardinality(k.conkey) - 1] @> k.conkey)",
    );
    assert_eq!(slow, [""; 0], "foreign keys without an index");
}

#[test]
fn a_superuser_is_refused_at_start_with_the_line_that_mends_it() {
    let _cluster = TestApp::start();
    let url = admin_url();
    let mut conn = PgConnection::establish(&url).unwrap();
    let is_superuser =
        diesel::sql_query("SELECT rolsuper AS yes FROM pg_roles WHERE rolname = current_user")
            .get_result::<Yes>(&mut conn)
            .unwrap();
    assert!(is_superuser.yes);
    let refused = check_server(&mut conn).unwrap_err();
    assert!(matches!(refused, MigrateError::BypassesRowSecurity { .. }), "{refused}");
    let message = refused.to_string();
    assert!(message.contains(SQL_FOR_ROLES), "{message}");
    assert_eq!(message.lines().count(), 1, "{message}");
    let superuser = Addresses { owner: &url, server: &url };
    let migrated = run_pending(superuser).unwrap_err().to_string();
    assert_eq!(migrated, message, "nothing is migrated either");
}

#[derive(QueryableByName)]
struct Yes {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

/// The rights of the server's role, as the catalog has them.
#[test]
fn the_server_reads_and_writes_rows_and_can_do_nothing_else() {
    let app = TestApp::start();
    let conn = &mut connect(&app);
    let wrong = names(
        conn,
        "SELECT c.relname || ': ' || r.right_name AS name FROM pg_class c \
         CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) \
             AS r (right_name) \
         WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace \
             AND has_table_privilege(c.oid, r.right_name) <> CASE \
                 WHEN c.relname = '__diesel_schema_migrations' THEN r.right_name = 'SELECT' \
                 WHEN c.relname IN ('audit_log', 'commission_entries', 'instance_log') THEN r.right_name IN ('SELECT', 'INSERT') \
                 ELSE r.right_name IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE') END \
         ORDER BY 1",
    );
    assert_eq!(wrong, [""; 0]);
    let owned = count(
        conn,
        "SELECT (SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole) \
             + (SELECT count(*) FROM pg_proc WHERE proowner = current_user::regrole) \
             + (SELECT count(*) FROM pg_auth_members WHERE member = current_user::regrole) AS count",
    );
    assert_eq!(owned, 0, "it owns nothing and is nobody else");
    for ddl in [
        "CREATE TABLE mine (word text)",
        "CREATE TEMPORARY TABLE mine (word text)",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "ALTER TABLE audit_log NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE orders DISABLE ROW LEVEL SECURITY",
        "DROP POLICY merchant_appends ON audit_log",
        "TRUNCATE orders CASCADE",
        "CALL grant_to_server('vouch')",
        "SET ROLE vouch_owner",
    ] {
        assert_denied(execute(conn, ddl), ddl);
    }
}

/// What somebody could write who gets an expression of their own into a statement.
#[test]
fn an_injected_expression_cannot_choose_another_merchant() {
    let app = filled();
    let conn = &mut connect(&app);
    let (acme, borealis) = (app.fixture.merchant_id, app.fixture.stranger_merchant_id);
    let switch = format!("set_config('vouch.merchant_id', '{borealis}', true)");
    for injected in [
        format!("SELECT count(*) FROM orders WHERE {switch} <> ''"),
        format!(
            "SELECT count(*) FROM (SELECT {switch} OFFSET 0) AS s, LATERAL (SELECT * FROM orders) AS o"
        ),
        format!("SELECT count(query_to_xml($$SELECT {switch}, id FROM orders$$, true, true, ''))"),
        "SELECT count(query_to_xml($$SET LOCAL vouch.scope = 'installation'$$, true, true, ''))"
            .to_owned(),
        "UPDATE pg_settings SET setting = 'off' WHERE name = 'row_security'".to_owned(),
        "SELECT count(set_config('vouch.scope', 'installation', false))".to_owned(),
        "SELECT count(set_config('role', 'vouch_owner', false))".to_owned(),
        "SELECT count(remember_many('vouch.merchant_id'))".to_owned(),
        "SELECT count(remember_many('vouch.scope'))".to_owned(),
        // One statement at a time is all that the protocol takes.
        format!("SELECT 1; SET LOCAL vouch.merchant_id = '{borealis}'"),
    ] {
        try_out(conn, Scope::Merchant(acme), |conn| {
            let refused = execute(conn, &injected);
            assert!(refused.is_err(), "{injected}: {refused:?}");
            let theirs = format!("SELECT count(*) FROM orders WHERE merchant_id <> {acme}");
            assert_eq!(count(conn, &theirs), 0, "{injected}");
        });
    }
    // What the server needs of it still works.
    let list = format!("vouch.many_orders_{acme}");
    let remembered = diesel::sql_query(format!("SELECT remember_many('{list}') AS yes"));
    assert!(remembered.get_result::<Yes>(conn).unwrap().yes);
}

/// What a row of the audit log says, of an earlier version and of this one.
const EARLIER: &str = "'Changed Annual plan of Ann \"Q\" Lee (ann+1@x.example).'";
const PARAMS: &str = r#"'{"Ann": "Annual", "count": 3, "names": ["Ann \"Q\" Lee", {"email": "to ann+1@x.example!"}],
    "at": null, "list": [], "fields": {}}'::jsonb"#;

#[test]
fn persons_are_blanked_in_the_log_and_the_ledger_of_one_merchant_and_nothing_else_changes() {
    let app = filled();
    let conn = &mut connect(&app);
    let (acme, borealis) = (app.fixture.merchant_id, app.fixture.stranger_merchant_id);
    let write = |conn: &mut PgConnection,
                 merchant_id: i64,
                 action: &str,
                 (column, value): (&str, &str)| {
        execute(
            conn,
            &format!(
                "INSERT INTO audit_log (merchant_id, at, actor_kind, actor_user_id, actor_name, came_from, \
                     action, subject_kind, {column}, before, after) \
                 SELECT {merchant_id}, '2020-01-01', 'member', {}, 'Ann \"Q\" Lee', '192.0.2.1', '{action}', 'order', \
                     {value}, \
                     jsonb_build_object('name', 'Ann \"Q\" Lee', 'email', 'ann+1@x.example', 'other', 'Annual'), null",
                app.fixture.owner_id
            ),
        )
        .unwrap();
    };
    for merchant_id in [acme, borealis] {
        in_scope(conn, Scope::Merchant(merchant_id), |conn| {
            write(conn, merchant_id, "a.b", ("summary", EARLIER));
            write(conn, merchant_id, "a.c", ("params", PARAMS));
            QueryResult::Ok(())
        })
        .unwrap();
    }
    let words = ["Ann \"Q\" Lee".to_owned(), "ann+1@x.example".to_owned()];
    let changed = in_scope(conn, Scope::Merchant(acme), |conn| {
        vouch::kit::audit::erase_person(conn, Some(app.fixture.owner_id), &words, "Erased person 7")
    });
    assert!(changed.unwrap() >= 4);
    let of = |conn: &mut PgConnection, merchant_id: i64| {
        in_scope(conn, Scope::Merchant(merchant_id), |conn| {
            let row = "SELECT concat_ws(' | ', actor_name, summary, before::text, came_from) AS name \
                       FROM audit_log WHERE action = 'a.b'";
            QueryResult::Ok(names(conn, row).remove(0))
        })
        .unwrap()
    };
    assert_eq!(
        of(conn, acme),
        "Erased person 7 | Changed Annual plan of Erased person 7 (Erased person 7). | \
         {\"name\": \"Erased person 7\", \"email\": \"Erased person 7\", \"other\": \"Annual\"} | 192.0.2.1"
    );
    assert!(of(conn, borealis).contains("Ann \"Q\" Lee"), "another merchant's stay");
    let is_as_expected = in_scope(conn, Scope::Merchant(acme), |conn| {
        let row = "SELECT count(*) FROM audit_log WHERE action = 'a.c' AND params = \
            '{\"Ann\": \"Annual\", \"count\": 3, \"names\": [\"Erased person 7\", {\"email\": \"to Erased person 7!\"}], \
              \"at\": null, \"list\": [], \"fields\": {}}'";
        QueryResult::Ok(count(conn, row))
    });
    assert_eq!(is_as_expected, Ok(1), "texts are replaced, names of fields and other values stay");
    let said = in_scope(conn, Scope::Merchant(acme), |conn| {
        let rows = "SELECT count(*) FROM audit_log WHERE action = 'audit_log.erased'";
        QueryResult::Ok(count(conn, rows))
    });
    assert_eq!(said, Ok(1), "that it was done stands in the log");
    let until = vouch::kit::clock::now() - chrono::TimeDelta::days(365);
    let forgotten =
        in_scope(conn, Scope::Instance, |conn| vouch::kit::audit::forget_addresses(conn, until));
    assert_eq!(forgotten, Ok(4), "of every merchant, for a worker");
    assert!(!of(conn, borealis).contains("192.0.2.1"));
    // Without a scope there is nothing to blank.
    let nothing = in_scope(conn, Scope::Unowned, |conn| {
        vouch::kit::audit::forget_addresses(conn, vouch::kit::clock::now())
    });
    assert_eq!(nothing, Ok(0));
    let nobody = in_scope(conn, Scope::Unowned, |conn| {
        vouch::kit::audit::erase_person(conn, None, &words, "x")
    });
    assert!(nobody.is_err());
}

/// Several statements in one string can set anything; so none is put together from what comes in.
#[test]
fn several_statements_at_once_are_constants() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let path = entry.path().strip_prefix(&root).unwrap().to_owned();
            if ["kit/db", "app/demo"].iter().any(|folder| path.starts_with(folder)) {
                continue;
            }
            let text = std::fs::read_to_string(entry.path()).unwrap();
            let sent =
                text.split("batch_execute(").skip(1).filter_map(|rest| rest.trim().chars().next());
            if sent.into_iter().any(|first| first != '"' && !first.is_uppercase()) {
                found.push(path);
            }
        }
    }
    assert_eq!(found, [""; 0].map(std::path::PathBuf::from), "not a constant");
}
