//! Brings the schema up to date, and finds out whether the database can be trusted with it.

use std::sync::LazyLock;

use diesel::dsl::sql;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::sql_types::{Bool, Integer, Text};
use diesel::{Connection, ConnectionError, PgConnection, QueryResult, RunQueryDsl, sql_query};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::prepared;

/// Every migration, compiled into the program.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// The advisory lock under which migrations run: "vouch" in ASCII.
const LOCK: i64 = 0x76_6f75_6368;

/// The oldest server whose features the schema relies on, as `server_version_num`.
const OLDEST_SERVER: i32 = 14_00_00;

/// The one line with which a superuser makes a proper role and a database for it.
pub const SQL_FOR_ROLE: &str = "CREATE ROLE vouch LOGIN PASSWORD 'choose one' NOSUPERUSER NOBYPASSRLS; CREATE DATABASE vouch OWNER vouch;";

/// The one line with which a superuser lets row security use the trigram indexes; see
/// [`crate::db::embedded`] for why.
pub const SQL_FOR_LEAKPROOF: &str = "ALTER FUNCTION pg_catalog.textlike(text, text) LEAKPROOF; ALTER FUNCTION pg_catalog.texticlike(text, text) LEAKPROOF;";

/// The extensions that the schema uses. Owners of a database may create them.
const EXTENSIONS: [&str; 3] = ["pg_trgm", "btree_gin", "btree_gist"];

/// Why the schema cannot be brought up to date. Each is one line.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// Nothing answers, or it refuses us.
    #[error("cannot connect to the database: {}", one_line(.0))]
    Connect(ConnectionError),
    /// The role could read every merchant's rows.
    #[error(
        "the database role {role} bypasses row security; as superuser, make a proper one and name it in DATABASE_URL: {SQL_FOR_ROLE}"
    )]
    BypassesRowSecurity {
        /// The role that was used.
        role: String,
    },
    /// The server is older than version 14.
    #[error("the database server is version {0}; Vouch needs PostgreSQL 14 or newer")]
    TooOld(String),
    /// A query failed.
    #[error("cannot read the state of the database: {0}")]
    Query(diesel::result::Error),
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

/// Applies every migration that is missing, one process at a time, and returns their names.
///
/// # Errors
/// [`MigrateError`] when the database does not answer, is too old, would be used by a role that
/// bypasses row security, or refuses a migration.
pub fn run_pending(database_url: &str) -> Result<Vec<String>, MigrateError> {
    run_pending_then(database_url, |_| Ok(()))
}

/// [`run_pending`], and `then` what SQL cannot do, under the same lock.
///
/// # Errors
/// As [`run_pending`], or that of `then`.
pub fn run_pending_then(
    database_url: &str,
    then: impl FnOnce(&mut PgConnection) -> QueryResult<()>,
) -> Result<Vec<String>, MigrateError> {
    let mut conn = PgConnection::establish(database_url)?;
    check_server(&mut conn)?;
    // Held by the connection, so that it ends with it, however this process ends.
    sql_query("SELECT pg_advisory_lock($1)")
        .bind::<diesel::sql_types::BigInt, _>(LOCK)
        .execute(&mut conn)?;
    let missing = pending(&mut conn)?;
    conn.run_pending_migrations(MIGRATIONS)
        .map_err(|error| MigrateError::Migration(error.to_string()))?;
    then(&mut conn).map_err(|error| MigrateError::Migration(error.to_string()))?;
    Ok(missing)
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
///
/// # Errors
/// The database's, also where it has never had one.
pub fn applied(conn: &mut PgConnection) -> QueryResult<Vec<String>> {
    prepared::<Text>("SELECT version::text FROM __diesel_schema_migrations").load(conn)
}

/// The names of the migrations that are missing.
///
/// # Errors
/// [`MigrateError::Migration`] when the table of migrations cannot be read.
pub fn pending(conn: &mut PgConnection) -> Result<Vec<String>, MigrateError> {
    let missing = conn
        .pending_migrations(MIGRATIONS)
        .map_err(|error| MigrateError::Migration(error.to_string()))?;
    Ok(missing.iter().map(|migration| migration.name().to_string()).collect())
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
        let role = diesel::select(sql::<Text>("current_user::text")).get_result(conn)?;
        return Err(MigrateError::BypassesRowSecurity { role });
    }
    Ok(())
}

/// The server's version in its own words: `15.4`.
///
/// # Errors
/// When the query fails.
pub fn server_version(conn: &mut PgConnection) -> QueryResult<String> {
    diesel::select(sql::<Text>("current_setting('server_version')")).get_result(conn)
}

/// Whether row security lets searches use the trigram indexes; if not, a superuser runs
/// [`SQL_FOR_LEAKPROOF`].
///
/// # Errors
/// When the query fails.
pub fn like_is_leakproof(conn: &mut PgConnection) -> QueryResult<bool> {
    is_true(
        conn,
        "(SELECT bool_and(proleakproof) FROM pg_proc WHERE oid IN
            ('pg_catalog.textlike(text,text)'::regprocedure, 'pg_catalog.texticlike(text,text)'::regprocedure))",
    )
}

/// The extensions that the schema uses and that the database does not have.
///
/// # Errors
/// When the query fails.
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
