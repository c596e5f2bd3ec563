//! `vouch backup` and `vouch restore`

mod counts;
mod programs;

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use secrecy::{ExposeSecret, SecretString};

use self::counts::{of_database, of_file};
use self::programs::Programs;
use super::text;
use crate::app::instance::key;
use crate::kit::config::Config;
use crate::kit::console::say;
use crate::kit::db::migrate::MigrateError;
use crate::kit::db::{Scope, Source, connect, in_scope};

/// The file, and the role that reads or writes the database.
#[derive(clap::Args)]
pub struct BackupArguments {
    /// The backup file
    file: PathBuf,
    /// URL of the same database for a superuser or a role with BYPASSRLS. Not needed for Vouch's own
    /// PostgreSQL
    #[arg(long, env = "VOUCH_BACKUP_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    backup_database_url: Option<SecretString>,
}

/// Writes everything in the database to a file, and checks that every row is in it.
pub(super) fn back_up(config: &Config, arguments: &BackupArguments) -> anyhow::Result<()> {
    let file = &arguments.file;
    ensure!(!file.exists(), text::file_exists(file));
    let source = Source::open(config)?;
    let url = address(&source, arguments)?;
    let programs = Programs::find(config)?;
    let mut conn = connect_as(&url)?;
    refuse_bound_role(&mut conn)?;
    // What is counted and what is written are the same moment's.
    conn.batch_execute("SET statement_timeout = 0; SET row_security = off; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
    let snapshot: String =
        diesel::select(sql::<Text>("pg_export_snapshot()")).get_result(&mut conn)?;
    let rows = of_database(&mut conn)?;
    let draft = Draft::begin(file)?;
    programs.dump(&url, &snapshot, &draft.0)?;
    let written = of_file(&programs, &draft.0)?;
    if let Some(difference) = rows.difference(&written) {
        bail!(text::incomplete_backup(&difference));
    }
    draft.finish(file)?;
    say!("{}", text::backed_up(rows.rows(), rows.tables(), file));
    Ok(())
}

/// Reads a backup into an empty database, and checks that every row is there.
pub(super) fn restore(config: &Config, arguments: &BackupArguments) -> anyhow::Result<()> {
    let file = &arguments.file;
    ensure!(file.is_file(), text::no_file(file));
    let source = Source::open(config)?;
    let url = address(&source, arguments)?;
    let programs = Programs::find(config)?;
    let mut conn = connect_as(&url)?;
    refuse_bound_role(&mut conn)?;
    ensure!(of_database(&mut conn)?.tables() == 0, text::DATABASE_NOT_EMPTY);
    let written = of_file(&programs, file)?;
    ensure!(written.tables() > 0, text::empty_backup(file));
    programs.restore(&url, file)?;
    conn.batch_execute("SET statement_timeout = 0; SET row_security = off; ANALYZE")?;
    let rows = of_database(&mut conn)?;
    if let Some(difference) = written.difference(&rows) {
        bail!(text::incomplete_restore(&difference));
    }
    say!("{}", text::restored(rows.rows(), rows.tables()));
    say!("{}", about_key(&mut conn, config)?);
    Ok(())
}

/// Whether the key that belongs to the backup is here.
fn about_key(conn: &mut PgConnection, config: &Config) -> anyhow::Result<String> {
    // A backup of an older version knows no key yet; its first start finds out.
    let Ok(judged) = in_scope(conn, Scope::Instance, |conn| key::judge(conn, config)) else {
        return Ok(text::RESTORED_OLDER_VERSION.to_owned());
    };
    Ok(match judged {
        Ok(()) => text::RESTORED_WITH_KEY.to_owned(),
        Err(error) => {
            key::discard_unused(config);
            text::restored_without_key(&error.next())
        }
    })
}

/// The database as a role that sees every row.
fn address(source: &Source, arguments: &BackupArguments) -> anyhow::Result<String> {
    if let Some(url) = source.superuser_url() {
        return Ok(url);
    }
    match &arguments.backup_database_url {
        Some(url) => Ok(url.expose_secret().to_owned()),
        None => bail!(text::BACKUP_ROLE_MISSING),
    }
}

fn connect_as(url: &str) -> Result<PgConnection, MigrateError> {
    connect::establish(url).map_err(MigrateError::Connect)
}

/// Row security hides every merchant's rows from a role that it binds, without an error.
fn refuse_bound_role(conn: &mut PgConnection) -> anyhow::Result<()> {
    let query = "(SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user)";
    let is_free: bool = diesel::select(sql::<Bool>(query)).get_result(conn)?;
    ensure!(is_free, text::BACKUP_ROLE_BOUND);
    Ok(())
}

/// The file while it's written; removed unless it's finished.
struct Draft(PathBuf);

impl Draft {
    fn begin(file: &Path) -> anyhow::Result<Self> {
        let mut name = file.as_os_str().to_owned();
        name.push(".part");
        let path = PathBuf::from(name);
        let options = &mut OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        options.open(&path).with_context(|| format!("can't write {}", path.display()))?;
        Ok(Self(path))
    }

    fn finish(self, file: &Path) -> std::io::Result<()> {
        fs::File::open(&self.0)?.sync_all()?;
        fs::rename(&self.0, file)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Gone already where it was finished.
        let _ = fs::remove_file(&self.0);
    }
}
