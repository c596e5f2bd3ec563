//! The role, the database and what only a superuser can prepare in it.

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::sql_types::Bool;
use diesel::{Connection, PgConnection, QueryResult, RunQueryDsl};

use super::{APP_ROLE, EmbeddedError};

/// Makes `database` ready for the application, if it is not: owned by a role that is bound by row
/// security, with the extensions that the schema uses and `LIKE` marked leakproof. `url` gives a
/// superuser's address of a database.
///
/// Safe to repeat, and to repeat after an end in the middle. The caller holds the starter's lock.
pub(super) fn prepare(url: impl Fn(&str) -> String, database: &str) -> Result<(), EmbeddedError> {
    let failed = |cause: &dyn std::fmt::Display| EmbeddedError::Provision(cause.to_string());
    let connect =
        |database: &str| PgConnection::establish(&url(database)).map_err(|cause| failed(&cause));
    make_role_and_database(&mut connect("postgres")?, database).map_err(|cause| failed(&cause))?;
    make_extensions(&mut connect(database)?).map_err(|cause| failed(&cause))
}

fn make_role_and_database(conn: &mut PgConnection, database: &str) -> QueryResult<()> {
    let role_exists = format!("EXISTS (SELECT FROM pg_roles WHERE rolname = '{APP_ROLE}')");
    if !is_true(conn, &role_exists)? {
        conn.batch_execute(&format!(
            "CREATE ROLE {APP_ROLE} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS"
        ))?;
    }
    let database_exists = format!("EXISTS (SELECT FROM pg_database WHERE datname = '{database}')");
    if !is_true(conn, &database_exists)? {
        conn.batch_execute(&format!("CREATE DATABASE {database} OWNER {APP_ROLE}"))?;
    }
    Ok(())
}

fn make_extensions(conn: &mut PgConnection) -> QueryResult<()> {
    let ready = "(SELECT count(*) = 3 FROM pg_extension
            WHERE extname IN ('pg_trgm', 'btree_gin', 'btree_gist'))
        AND (SELECT bool_and(proleakproof) FROM pg_proc
             WHERE oid IN ('textlike(text,text)'::regprocedure, 'texticlike(text,text)'::regprocedure))";
    if is_true(conn, ready)? {
        return Ok(());
    }
    conn.batch_execute(
        "CREATE EXTENSION IF NOT EXISTS pg_trgm;
         CREATE EXTENSION IF NOT EXISTS btree_gin;
         CREATE EXTENSION IF NOT EXISTS btree_gist;
         ALTER FUNCTION pg_catalog.textlike(text, text) LEAKPROOF;
         ALTER FUNCTION pg_catalog.texticlike(text, text) LEAKPROOF;",
    )
}

fn is_true(conn: &mut PgConnection, condition: &str) -> QueryResult<bool> {
    diesel::select(sql::<Bool>(condition)).get_result(conn)
}
