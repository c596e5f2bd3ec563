//! Brings the schema up to date, and finds out whether the database can be trusted with it.

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

/// The oldest server whose features the schema relies on, as `server_version_num`.
const OLDEST_SERVER: i32 = 14_00_00;

/// The lines with which a superuser makes proper roles and a database for them: one that owns the
/// schema, and one that the server runs as.
pub const SQL_FOR_ROLES: &str = "CREATE ROLE vouch_owner LOGIN PASSWORD 'choose one' NOSUPERUSER NOBYPASSRLS; CREATE ROLE vouch LOGIN PASSWORD 'choose another' NOSUPERUSER NOBYPASSRLS; CREATE DATABASE vouch OWNER vouch_owner;";

/// The lines with which a superuser gives what is there to an owner of its own, in the database whose
/// schema the server's role has owned so far.
pub const SQL_FOR_OWNER: &str = "CREATE ROLE vouch_owner LOGIN PASSWORD 'choose one' NOSUPERUSER NOBYPASSRLS; ALTER DATABASE vouch OWNER TO vouch_owner; REASSIGN OWNED BY vouch TO vouch_owner; REVOKE CREATE ON SCHEMA public FROM PUBLIC; GRANT USAGE, CREATE ON SCHEMA public TO vouch_owner; REVOKE TEMPORARY ON DATABASE vouch FROM PUBLIC;";

/// The line with which a superuser lets row security use the trigram indexes; see
/// [`crate::kit::db::embedded`] for why.
pub const SQL_FOR_LEAKPROOF: &str = "ALTER FUNCTION pg_catalog.textlike(text, text) LEAKPROOF; ALTER FUNCTION pg_catalog.texticlike(text, text) LEAKPROOF;";

/// The line with which a superuser keeps the server's role from changing, within a statement, the
/// settings that row security compares with; see docs/tenancy.md.
pub const SQL_FOR_SETTINGS: &str = "REVOKE EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) FROM PUBLIC; GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) TO vouch_owner; REVOKE UPDATE ON pg_catalog.pg_settings FROM PUBLIC;";

/// The extensions that the schema uses. Owners of a database may create them.
const EXTENSIONS: [&str; 3] = ["pg_trgm", "btree_gin", "btree_gist"];

/// What can be wrong with the rights of the server's role: a condition, and the words for it.
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
        "cannot read every table",
    ),
];

/// Why the schema cannot be brought up to date. Each is one line.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// Nothing answers, or it refuses us.
    #[error("cannot connect to the database: {}", one_line(.0))]
    Connect(ConnectionError),
    /// The role could read every merchant's rows.
    #[error(
        "the database role {role} bypasses row security; as superuser, make proper ones and name them in VOUCH_OWNER_DATABASE_URL and DATABASE_URL: {SQL_FOR_ROLES}"
    )]
    BypassesRowSecurity {
        /// The role that was used.
        role: String,
    },
    /// The server is older than version 14.
    #[error("the database server is version {0}; Vouch needs PostgreSQL 14 or newer")]
    TooOld(String),
    /// The role does not own the schema, and something is missing in it.
    #[error(
        "{missing} migrations are missing, and the database role {role} does not own the schema: run `vouch migrate` with its owner in VOUCH_OWNER_DATABASE_URL"
    )]
    NotOwner {
        /// The role that was used.
        role: String,
        /// How many migrations are missing.
        missing: usize,
    },
    /// A query failed.
    #[error("cannot read the state of the database: {0}")]
    Query(diesel::result::Error),
    /// Somebody else has had a lock that is needed, for too long.
    #[error(
        "{what} waited {seconds} s in vain for a lock: {holder} has it. Let that end, or end it with SELECT pg_terminate_backend(pid), then start again; nothing was left half done"
    )]
    Blocked {
        /// What waited.
        what: String,
        /// For how long.
        seconds: u64,
        /// Who has it: process id, application, role and since when.
        holder: String,
    },
    /// The process was told to end before the database was up to date.
    #[error("stopped before the database was up to date; the next start goes on")]
    Stopped,
    /// A migration failed; it has been rolled back.
    #[error("cannot bring the database up to date: {0}")]
    Migration(String),
}

// By hand, since `#[from]` would name the cause a second time, as the error's source.
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

/// The two addresses of one database: of the role that owns the schema, and of the one that the server
/// runs as. Where they are the same, the server's role is to own the schema, or finds it up to date.
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

/// Whether the role may bring the schema up to date: it owns it, or may make it where there is none.
pub fn owns_schema(conn: &mut PgConnection) -> QueryResult<bool> {
    is_true(
        conn,
        "coalesce((SELECT pg_has_role(relowner, 'USAGE') FROM pg_class
            WHERE oid = to_regclass('public.__diesel_schema_migrations')),
            has_schema_privilege('public', 'CREATE'))",
    )
}

/// The versions of the migrations that this program was built with.
pub fn expected() -> &'static [String] {
    static EXPECTED: LazyLock<Vec<String>> = LazyLock::new(|| {
        let known: Vec<Box<dyn Migration<Pg>>> =
            MIGRATIONS.migrations().expect("they were checked when they were compiled in");
        known.iter().map(|migration| migration.name().version().to_string()).collect()
    });
    &EXPECTED
}

/// The versions of the migrations that the database has.
pub fn applied(conn: &mut PgConnection) -> QueryResult<Vec<String>> {
    statement!("SELECT version::text FROM __diesel_schema_migrations").scalar::<Text>().load(conn)
}

/// The names of the migrations that are missing. Only reads, so that any role that sees the table can ask.
///
/// # Errors
/// [`MigrateError::Query`] when the table of migrations cannot be read.
pub fn pending(conn: &mut PgConnection) -> Result<Vec<String>, MigrateError> {
    let is_new = is_true(conn, "to_regclass('public.__diesel_schema_migrations') IS NULL")?;
    let applied = if is_new { Vec::new() } else { applied(conn)? };
    let known: Vec<Box<dyn Migration<Pg>>> =
        MIGRATIONS.migrations().map_err(|error| MigrateError::Migration(error.to_string()))?;
    let names = known.iter().map(|migration| migration.name());
    let missing = names.filter(|name| !applied.contains(&name.version().to_string()));
    Ok(missing.map(ToString::to_string).collect())
}

/// How the schema stands to this program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Versions of migrations that the database doesn't have yet.
    pub missing: Vec<String>,
    /// Versions that this program doesn't know: a newer one has been here.
    pub unknown: Vec<String>,
}

/// How the schema stands to this program. Only reads, so that any role that sees the table can ask.
///
/// # Errors
/// [`MigrateError::Query`] when the table of migrations can't be read.
pub fn state(conn: &mut PgConnection) -> Result<State, MigrateError> {
    let missing = pending(conn)?;
    let is_new = is_true(conn, "to_regclass('public.__diesel_schema_migrations') IS NULL")?;
    let applied = if is_new { Vec::new() } else { applied(conn)? };
    let unknown = applied.into_iter().filter(|version| !expected().contains(version)).collect();
    Ok(State { missing, unknown })
}

/// Refuses a server that is too old and a role that is not bound by row security.
///
/// # Errors
/// [`MigrateError::TooOld`], [`MigrateError::BypassesRowSecurity`].
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

/// The server's version in its own words: `15.4`.
pub fn server_version(conn: &mut PgConnection) -> QueryResult<String> {
    diesel::select(sql::<Text>("current_setting('server_version')")).get_result(conn)
}

/// Whether row security lets searches use the trigram indexes; if not, a superuser runs
/// [`SQL_FOR_LEAKPROOF`].
pub fn like_is_leakproof(conn: &mut PgConnection) -> QueryResult<bool> {
    is_true(
        conn,
        "(SELECT bool_and(proleakproof) FROM pg_proc WHERE oid IN
            ('pg_catalog.textlike(text,text)'::regprocedure, 'pg_catalog.texticlike(text,text)'::regprocedure))",
    )
}

/// What the server's role may do and should not, or may not and needs to: each as a few words, none where
/// all is well. For a connection of the server's role.
pub fn rights_to_mend(conn: &mut PgConnection) -> QueryResult<Vec<&'static str>> {
    let mut found = Vec::new();
    for (condition, words) in RIGHTS {
        if is_true(conn, condition)? {
            found.push(*words);
        }
    }
    Ok(found)
}

/// Whether the server's role can call `set_config`, and with it leave its merchant within a statement;
/// if so, a superuser runs [`SQL_FOR_SETTINGS`].
pub fn can_change_settings(conn: &mut PgConnection) -> QueryResult<bool> {
    is_true(
        conn,
        "has_function_privilege('pg_catalog.set_config(text,text,boolean)', 'EXECUTE')
            OR has_table_privilege('pg_catalog.pg_settings', 'UPDATE')",
    )
}

/// The extensions that the schema uses and that the database does not have.
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

/// libpq explains itself in several lines.
fn one_line(error: &ConnectionError) -> String {
    let words: Vec<String> = error.to_string().split_whitespace().map(str::to_owned).collect();
    words.join(" ")
}
