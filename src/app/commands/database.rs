//! The database of a command, brought up to date before.

use diesel::PgConnection;

use crate::app::instance::key;
use crate::app::rekey;
use crate::kit::config::Config;
use crate::kit::db::connect::{self, ConnectRetry};
use crate::kit::db::migrate::{MigrateError, run_pending_then};
use crate::kit::db::{Scope, Source, in_scope};

/// Waits for the database and applies what is missing in it; answers the names of migrations.
pub(super) fn bring_up_to_date(
    source: &Source,
    retry: &ConnectRetry,
) -> Result<Vec<String>, MigrateError> {
    run_pending_then(source.addresses(), retry, rekey::run)
}

/// Does `work` on a connection to the database, brought up to date before, with the key that its
/// secrets are encrypted with.
pub(super) fn with_database<T>(
    config: &Config,
    work: impl FnOnce(&mut PgConnection) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    with_connection(config, Source::url, |conn| {
        take_key_into_use(conn, config)?;
        work(conn)
    })
}

/// [`with_database`] as the owner of the schema, for what the server itself may not do.
pub(super) fn with_owned_database<T>(
    config: &Config,
    work: impl FnOnce(&mut PgConnection) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    with_connection(config, Source::owner_url, |conn| {
        take_key_into_use(conn, config)?;
        work(conn)
    })
}

/// Refuses a key that isn't the one of the database's secrets.
fn take_key_into_use(conn: &mut PgConnection, config: &Config) -> anyhow::Result<()> {
    in_scope(conn, Scope::Instance, |conn| key::take_into_use(conn, config))??;
    Ok(())
}

pub(super) fn with_connection<T>(
    config: &Config,
    address: fn(&Source) -> &str,
    work: impl FnOnce(&mut PgConnection) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let source = Source::open(config)?;
    bring_up_to_date(&source, &ConnectRetry::default())?;
    // Ends before `source` does, and with it the embedded server.
    let mut conn =
        connect::establish_for_command(address(&source)).map_err(MigrateError::Connect)?;
    work(&mut conn)
}
