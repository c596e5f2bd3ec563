//! Creates the roles, the database, and the parts of it that only a superuser can create.

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::sql_types::Bool;
use diesel::{PgConnection, QueryResult, RunQueryDsl};

use super::error::EmbeddedError;
use super::options::{APP_ROLE, OWNER_ROLE};
use crate::kit::db::connect;
use crate::kit::db::migrate::{SQL_FOR_LEAKPROOF, SQL_FOR_SETTINGS};

/// Prepares `database` for the application: one role owns it and another one uses it, both under
/// row-level security. It also creates the schema's extensions and settings for the whole database.
/// Objects that an older Vouch created with the application's role are transferred to the owner.
/// `url` returns a superuser's URL of a database.
///
/// It can be repeated, even after it was interrupted. The caller must hold the starter lock.
pub(super) fn prepare(url: impl Fn(&str) -> String, database: &str) -> Result<(), EmbeddedError> {
    let failed = |cause: &dyn std::fmt::Display| EmbeddedError::Provision(cause.to_string());
    let connect =
        |database: &str| connect::establish(&url(database)).map_err(|cause| failed(&cause));
    make_roles_and_database(&mut connect("postgres")?, database).map_err(|cause| failed(&cause))?;
    let conn = &mut connect(database)?;
    hand_to_owner(conn, database).map_err(|cause| failed(&cause))?;
    make_extensions(conn).map_err(|cause| failed(&cause))
}

fn make_roles_and_database(conn: &mut PgConnection, database: &str) -> QueryResult<()> {
    for role in [OWNER_ROLE, APP_ROLE] {
        let exists = format!("EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}')");
        if !is_true(conn, &exists)? {
            conn.batch_execute(&format!(
                "CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS"
            ))?;
        }
    }
    let database_exists = format!("EXISTS (SELECT FROM pg_database WHERE datname = '{database}')");
    if !is_true(conn, &database_exists)? {
        conn.batch_execute(&format!("CREATE DATABASE {database} OWNER {OWNER_ROLE}"))?;
    }
    Ok(())
}

/// The application's role can't create anything in its database, not even a temporary table.
fn hand_to_owner(conn: &mut PgConnection, database: &str) -> QueryResult<()> {
    let is_handed_over = format!(
        "(SELECT datdba = '{OWNER_ROLE}'::regrole FROM pg_database WHERE datname = '{database}')
            AND NOT EXISTS (SELECT FROM pg_class WHERE relowner = '{APP_ROLE}'::regrole)
            AND NOT has_database_privilege('{APP_ROLE}', '{database}', 'TEMPORARY')
            AND NOT has_schema_privilege('{APP_ROLE}', 'public', 'CREATE')"
    );
    if is_true(conn, &is_handed_over)? {
        return Ok(());
    }
    conn.batch_execute(&format!(
        "BEGIN;
         ALTER DATABASE {database} OWNER TO {OWNER_ROLE};
         REASSIGN OWNED BY {APP_ROLE} TO {OWNER_ROLE};
         REVOKE CREATE ON SCHEMA public FROM PUBLIC;
         GRANT USAGE, CREATE ON SCHEMA public TO {OWNER_ROLE};
         REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC;
         COMMIT"
    ))
}

fn make_extensions(conn: &mut PgConnection) -> QueryResult<()> {
    let ready = format!(
        "(SELECT count(*) = 3 FROM pg_extension
            WHERE extname IN ('pg_trgm', 'btree_gin', 'btree_gist'))
        AND (SELECT bool_and(proleakproof) FROM pg_proc
             WHERE oid IN ('textlike(text,text)'::regprocedure, 'texticlike(text,text)'::regprocedure))
        AND NOT has_function_privilege('{APP_ROLE}', 'set_config(text,text,boolean)', 'EXECUTE')
        AND has_function_privilege('{OWNER_ROLE}', 'set_config(text,text,boolean)', 'EXECUTE')"
    );
    if is_true(conn, &ready)? {
        return Ok(());
    }
    conn.batch_execute(&format!(
        "CREATE EXTENSION IF NOT EXISTS pg_trgm;
         CREATE EXTENSION IF NOT EXISTS btree_gin;
         CREATE EXTENSION IF NOT EXISTS btree_gist;
         {SQL_FOR_LEAKPROOF}
         {SQL_FOR_SETTINGS}"
    ))
}

fn is_true(conn: &mut PgConnection, condition: &str) -> QueryResult<bool> {
    diesel::select(sql::<Bool>(condition)).get_result(conn)
}
