use super::*;

#[test]
fn the_way_to_the_database() {
    try_states(&[
        State {
            name: "down",
            provoke: |examined| {
                examined.set("DATABASE_URL", "postgresql://vouch:hunter2@127.0.0.1:1/vouch");
                examined.unset("VOUCH_OWNER_DATABASE_URL");
            },
            found: &[("database", PROBLEM)],
        },
        State {
            name: "no-such-database",
            provoke: |examined| {
                let url = examined.app.database_url.replace(&name_of(&examined.app), "nothing");
                examined.set("DATABASE_URL", url);
            },
            found: &[("database", PROBLEM)],
        },
        State {
            name: "not-let-in",
            provoke: |examined| {
                let url = examined.app.database_url.replacen("vouch", "stranger", 1);
                examined.set("DATABASE_URL", url);
            },
            found: &[("database", PROBLEM)],
        },
        State {
            name: "connections-closed",
            provoke: |examined| examined.app.cut_off(false),
            found: &[("database", PROBLEM)],
        },
        State {
            name: "superuser",
            provoke: |examined| {
                let url = examined.app.superuser_url();
                examined.set("DATABASE_URL", url);
            },
            found: &[
                ("database_role", PROBLEM),
                ("database_rights", PROBLEM),
                ("database_settings", PROBLEM),
            ],
        },
        State {
            name: "read-only",
            provoke: |examined| {
                examined.sql(&format!(
                    "ALTER DATABASE {} SET default_transaction_read_only = on",
                    name_of(&examined.app)
                ));
            },
            found: &[("database_writes", PROBLEM)],
        },
        State {
            name: "connections",
            provoke: |examined| {
                examined.set("VOUCH_PAGE_CONNECTIONS", "90");
                examined.set("VOUCH_INTAKE_CONNECTIONS", "90");
                examined.set("VOUCH_JOB_CONNECTIONS", "90");
            },
            found: &[("connections", PROBLEM)],
        },
    ]);
}

#[test]
fn the_schema_and_its_protection() {
    try_states(&[
        State {
            name: "outdated",
            provoke: |examined| {
                examined.sql(
                    "DELETE FROM __diesel_schema_migrations \
                     WHERE version = (SELECT max(version) FROM __diesel_schema_migrations)",
                );
            },
            found: &[("migrations", PROBLEM)],
        },
        State {
            name: "newer",
            provoke: |examined| {
                examined.sql("INSERT INTO __diesel_schema_migrations VALUES ('99991231000001')");
            },
            found: &[("migrations", PROBLEM)],
        },
        State {
            name: "extension",
            provoke: |examined| examined.sql("DROP EXTENSION btree_gist CASCADE"),
            found: &[("extensions", PROBLEM)],
        },
        State {
            name: "search",
            provoke: |examined| {
                examined.sql("ALTER FUNCTION pg_catalog.texticlike(text, text) NOT LEAKPROOF");
            },
            found: &[("search", PROBLEM)],
        },
        State {
            name: "rights",
            provoke: |examined| examined.sql("REVOKE SELECT ON offers FROM vouch"),
            found: &[("database_rights", PROBLEM)],
        },
        State {
            name: "truncate",
            provoke: |examined| examined.sql("GRANT TRUNCATE ON orders TO vouch"),
            found: &[("database_rights", PROBLEM)],
        },
        State {
            name: "settings",
            provoke: |examined| {
                examined.sql(
                    // copy: SQL
                    "GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) TO PUBLIC",
                );
            },
            found: &[("database_settings", PROBLEM)],
        },
        State {
            name: "security-off",
            provoke: |examined| examined.sql("ALTER TABLE orders DISABLE ROW LEVEL SECURITY"),
            found: &[("row_security", PROBLEM)],
        },
        State {
            name: "security-not-forced",
            provoke: |examined| {
                examined.sql("ALTER TABLE conversions NO FORCE ROW LEVEL SECURITY");
            },
            found: &[("row_security", PROBLEM)],
        },
        State {
            name: "policy-missing",
            provoke: |examined| examined.sql("DROP POLICY merchant_rows ON triggers"),
            found: &[("row_security", PROBLEM)],
        },
        State {
            name: "policy-open",
            provoke: |examined| examined.sql("CREATE POLICY everyone ON orders USING (true)"),
            found: &[("row_security", PROBLEM)],
        },
    ]);
}
