//! Migrates the schema, and checks whether the database is safe to use.

mod blockers;
mod run;

use std::sync::LazyLock;

use diesel::dsl::sql;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::sql_types::{Bool, Integer, Text};
use diesel::{ConnectionError, PgConnection, QueryResult, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

pub use self::run::{run_pending, run_pending_then};
use super::statement::statement;

/// Every migration, compiled into the program.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// The oldest supported server, as `server_version_num`.
const OLDEST_SERVER: i32 = 14_00_00;

/// SQL for a superuser that creates proper roles and a database: one role owns the schema, the
/// other one runs the server.
pub const SQL_FOR_ROLES: &str = "CREATE ROLE vouch_owner LOGIN PASSWORD 'choose one' NOSUPERUSER NOBYPASSRLS; CREATE ROLE vouch LOGIN PASSWORD 'choose another' NOSUPERUSER NOBYPASSRLS; CREATE DATABASE vouch OWNER vouch_owner;";

/// SQL for a superuser that transfers an existing database to a separate owner, if the server's
/// role has owned the schema so far.
pub(crate) const SQL_FOR_OWNER: &str = "CREATE ROLE vouch_owner LOGIN PASSWORD 'choose one' NOSUPERUSER NOBYPASSRLS; ALTER DATABASE vouch OWNER TO vouch_owner; REASSIGN OWNED BY vouch TO vouch_owner; REVOKE CREATE ON SCHEMA public FROM PUBLIC; GRANT USAGE, CREATE ON SCHEMA public TO vouch_owner; REVOKE TEMPORARY ON DATABASE vouch FROM PUBLIC;";

/// SQL for a superuser that lets searches use the trigram indexes under row-level security. See
/// [`crate::kit::db::embedded`] for the reason.
pub(crate) const SQL_FOR_LEAKPROOF: &str = "ALTER FUNCTION pg_catalog.textlike(text, text) LEAKPROOF; ALTER FUNCTION pg_catalog.texticlike(text, text) LEAKPROOF;";

/// SQL for a superuser that keeps the server's role from changing the settings of row-level
/// security within a statement. See docs/tenancy.md.
pub(crate) const SQL_FOR_SETTINGS: &str = "REVOKE EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) FROM PUBLIC; GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) TO vouch_owner; REVOKE UPDATE ON pg_catalog.pg_settings FROM PUBLIC;";

/// The extensions that the schema uses. The owner of a database may create them.
const EXTENSIONS: [&str; 3] = ["pg_trgm", "btree_gin", "btree_gist"];

/// Possible problems with the rights of the server's role: an SQL condition, and its description.
const RIGHTS: &[(&str, &str)] = &[
    (
        "EXISTS (SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace
            AND relkind IN ('r', 'p') AND pg_has_role(relowner, 'USAGE'))",
        "owns tables",
    ),
    ("has_schema_privilege('public', 'CREATE')", "can create tables"),
    (
        "EXISTS (SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace
            AND relkind IN ('r', 'p') AND has_table_privilege(oid, 'TRUNCATE'))",
        "can truncate tables",
    ),
    (
        "EXISTS (SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace
            AND relkind IN ('r', 'p') AND is_append_only(oid)
            AND (has_table_privilege(oid, 'DELETE') OR has_any_column_privilege(oid, 'UPDATE')))",
        "can change the audit log or the ledger",
    ),
    (
        "EXISTS (SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace
            AND relkind IN ('r', 'p') AND NOT has_table_privilege(oid, 'SELECT'))",
        "can't read every table",
    ),
];

/// Why the schema can't be migrated. Each message is one line.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database doesn't answer, or refuses the connection.
    #[error("can't connect to the database: {}", one_line(.0))]
    Connect(ConnectionError),
    /// The role could read every merchant's rows.
    #[error(
        "the database role {role} bypasses row security. Set VOUCH_OWNER_DATABASE_URL and DATABASE_URL to the roles that a superuser creates with {SQL_FOR_ROLES}"
    )]
    BypassesRowSecurity {
        /// The role that Vouch would use.
        role: String,
    },
    /// The server is older than version 14.
    #[error("the database server is PostgreSQL {0}, but Vouch needs 14 or newer")]
    TooOld(String),
    /// Migrations are missing, and the role doesn't own the schema.
    #[error(
        "the database has {missing} pending migrations, but the role {role} doesn't own the schema. Run `vouch migrate` with its owner in VOUCH_OWNER_DATABASE_URL"
    )]
    NotOwner {
        role: String,
        /// The number of missing migrations.
        missing: usize,
    },
    #[error("can't read the state of the database ({0})")]
    Query(diesel::result::Error),
    /// Another session held a required lock for too long.
    #[error(
        "{what} waited {seconds} s for a lock that {holder} holds. Wait for that session or end it with SELECT pg_terminate_backend(pid), then start again. The unfinished step was rolled back"
    )]
    Blocked {
        /// The step that waited.
        what: String,
        seconds: u64,
        /// The session that holds the lock: process id, application, role and since when.
        holder: String,
    },
    /// The process was stopped before the database was up to date.
    #[error("stopped before all migrations ran. The next start continues")]
    Stopped,
    /// A migration failed and was rolled back.
    #[error("a migration failed and was rolled back ({0})")]
    Migration(String),
}

// Not `#[from]`, which would print the cause twice, because it also becomes the error's source.
impl From<ConnectionError> for MigrateError {
    fn from(cause: ConnectionError) -> Self {
        Self::Connect(cause)
    }
}

impl From<diesel::result::Error> for MigrateError {
    fn from(cause: diesel::result::Error) -> Self {
        Self::Query(cause)
    }
}

/// The two URLs of one database: for the schema's owner, and for the server's role. If they're the
/// same, the server's role must own the schema, or the schema must be up to date.
#[derive(Clone, Copy, Debug)]
pub struct Addresses<'a> {
    /// For migrations.
    pub owner: &'a str,
    /// For everything else.
    pub server: &'a str,
}

fn current_role(conn: &mut PgConnection) -> QueryResult<String> {
    diesel::select(sql::<Text>("current_user::text")).get_result(conn)
}

/// Whether the role may migrate the schema: it owns the schema, or may create a missing one.
pub(crate) fn owns_schema(conn: &mut PgConnection) -> QueryResult<bool> {
    is_true(
        conn,
        "coalesce((SELECT pg_has_role(relowner, 'USAGE') FROM pg_class
            WHERE oid = to_regclass('public.__diesel_schema_migrations')),
            has_schema_privilege('public', 'CREATE'))",
    )
}

/// The versions of the migrations in this program.
pub(crate) fn expected() -> &'static [String] {
    static EXPECTED: LazyLock<Vec<String>> = LazyLock::new(|| {
        let known: Vec<Box<dyn Migration<Pg>>> =
            MIGRATIONS.migrations().expect("they were checked when they were compiled in");
        known.iter().map(|migration| migration.name().version().to_string()).collect()
    });
    &EXPECTED
}

/// The versions of the migrations in the database.
pub fn applied(conn: &mut PgConnection) -> QueryResult<Vec<String>> {
    statement!("SELECT version::text FROM __diesel_schema_migrations").scalar::<Text>().load(conn)
}

/// The names of the missing migrations. It only reads, so any role that can read the table may call
/// it.
pub fn pending(conn: &mut PgConnection) -> Result<Vec<String>, MigrateError> {
    let is_new = is_true(conn, "to_regclass('public.__diesel_schema_migrations') IS NULL")?;
    let applied = if is_new { Vec::new() } else { applied(conn)? };
    let known: Vec<Box<dyn Migration<Pg>>> =
        MIGRATIONS.migrations().map_err(|error| MigrateError::Migration(error.to_string()))?;
    let names = known.iter().map(|migration| migration.name());
    let missing = names.filter(|name| !applied.contains(&name.version().to_string()));
    Ok(missing.map(ToString::to_string).collect())
}

/// The differences between the schema and this program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SchemaState {
    /// Versions of migrations that the database doesn't have yet.
    pub(crate) missing: Vec<String>,
    /// Versions that this program doesn't know, because a newer Vouch added them.
    pub(crate) unknown: Vec<String>,
}

/// Compares the schema with this program. It only reads, so any role that can read the table may
/// call it.
pub(crate) fn state(conn: &mut PgConnection) -> Result<SchemaState, MigrateError> {
    let missing = pending(conn)?;
    let is_new = is_true(conn, "to_regclass('public.__diesel_schema_migrations') IS NULL")?;
    let applied = if is_new { Vec::new() } else { applied(conn)? };
    let unknown = applied.into_iter().filter(|version| !expected().contains(version)).collect();
    Ok(SchemaState { missing, unknown })
}

/// Fails if the server is too old, or if row-level security doesn't apply to the role.
pub fn check_server(conn: &mut PgConnection) -> Result<(), MigrateError> {
    let number: i32 =
        diesel::select(sql::<Integer>("current_setting('server_version_num')::integer"))
            .get_result(conn)?;
    if number < OLDEST_SERVER {
        return Err(MigrateError::TooOld(server_version(conn)?));
    }
    let bypasses = is_true(
        conn,
        "(SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user)",
    )?;
    if bypasses {
        return Err(MigrateError::BypassesRowSecurity { role: current_role(conn)? });
    }
    Ok(())
}

/// The server's version as it reports it: `15.4`.
pub(crate) fn server_version(conn: &mut PgConnection) -> QueryResult<String> {
    diesel::select(sql::<Text>("current_setting('server_version')")).get_result(conn)
}

/// Whether searches can use the trigram indexes under row-level security. If not, a superuser must
/// run [`SQL_FOR_LEAKPROOF`].
pub fn like_is_leakproof(conn: &mut PgConnection) -> QueryResult<bool> {
    is_true(
        conn,
        "(SELECT bool_and(proleakproof) FROM pg_proc WHERE oid IN
            ('pg_catalog.textlike(text,text)'::regprocedure, 'pg_catalog.texticlike(text,text)'::regprocedure))",
    )
}

/// Rights that the server's role has and shouldn't have, or lacks and needs. Each is a short
/// description; the list is empty if nothing is wrong. `conn` must use the server's role.
pub fn rights_to_fix(conn: &mut PgConnection) -> QueryResult<Vec<&'static str>> {
    let mut found = Vec::new();
    for (condition, words) in RIGHTS {
        if is_true(conn, condition)? {
            found.push(*words);
        }
    }
    Ok(found)
}

/// Whether the server's role can call `set_config`, which lets a statement switch to another
/// merchant. If so, a superuser must run [`SQL_FOR_SETTINGS`].
pub fn can_change_settings(conn: &mut PgConnection) -> QueryResult<bool> {
    is_true(
        conn,
        "has_function_privilege('pg_catalog.set_config(text,text,boolean)', 'EXECUTE')
            OR has_table_privilege('pg_catalog.pg_settings', 'UPDATE')",
    )
}

/// The extensions that the schema needs and the database doesn't have.
pub fn missing_extensions(conn: &mut PgConnection) -> QueryResult<Vec<&'static str>> {
    let mut missing = Vec::new();
    for name in EXTENSIONS {
        let query = format!("EXISTS (SELECT FROM pg_extension WHERE extname = '{name}')");
        if !is_true(conn, &query)? {
            missing.push(name);
        }
    }
    Ok(missing)
}

fn is_true(conn: &mut PgConnection, condition: &str) -> QueryResult<bool> {
    diesel::select(sql::<Bool>(condition)).get_result(conn)
}

/// libpq's messages have several lines.
fn one_line(error: &ConnectionError) -> String {
    let words: Vec<String> = error.to_string().split_whitespace().map(str::to_owned).collect();
    words.join(" ")
}
