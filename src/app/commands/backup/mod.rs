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
use crate::app::instance::key;
use crate::kit::config::Config;
use crate::kit::console::say;
use crate::kit::db::migrate::MigrateError;
use crate::kit::db::{Scope, Source, connect, in_scope};

/// A backup, and the role that reads or writes it.
#[derive(clap::Args)]
pub struct BackupArguments {
    /// The file of the backup
    file: PathBuf,
    /// The database in `DATABASE_URL` as a role that row security doesn't bind: a superuser, or one
    /// with BYPASSRLS. Not needed for Vouch's own server
    #[arg(long, env = "VOUCH_BACKUP_DATABASE_URL", hide_env_values = true, value_name = "ADDRESS")]
    backup_database_url: Option<SecretString>,
}

/// Writes everything in the database to a file, and checks that every row is in it.
pub(super) fn back_up(config: &Config, arguments: &BackupArguments) -> anyhow::Result<()> {
    let file = &arguments.file;
    ensure!(!file.exists(), "{} is there already: name another file", file.display());
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
        bail!("the backup is not complete, and was removed: {difference}");
    }
    draft.finish(file)?;
    say!("Wrote {} rows of {} tables to {}.", rows.rows(), rows.tables(), file.display());
    say!("Keep the secret key apart from it: without it the stores' secrets can't be read.");
    Ok(())
}

/// Reads a backup into an empty database, and checks that every row is there.
pub(super) fn restore(config: &Config, arguments: &BackupArguments) -> anyhow::Result<()> {
    let file = &arguments.file;
    ensure!(file.is_file(), "there is no file {}", file.display());
    let source = Source::open(config)?;
    let url = address(&source, arguments)?;
    let programs = Programs::find(config)?;
    let mut conn = connect_as(&url)?;
    refuse_bound_role(&mut conn)?;
    ensure!(
        of_database(&mut conn)?.tables() == 0,
        "the database is not empty: restore into a new one, or with VOUCH_DATA on a new folder"
    );
    let written = of_file(&programs, file)?;
    ensure!(written.tables() > 0, "{} has no tables of Vouch in it", file.display());
    programs.restore(&url, file)?;
    conn.batch_execute("SET statement_timeout = 0; SET row_security = off; ANALYZE")?;
    let rows = of_database(&mut conn)?;
    if let Some(difference) = written.difference(&rows) {
        bail!("the database is not as the backup is: {difference}");
    }
    say!("Restored {} rows of {} tables.", rows.rows(), rows.tables());
    say!("{}", about_key(&mut conn, config)?);
    Ok(())
}

/// Whether the key that belongs to the backup is here.
fn about_key(conn: &mut PgConnection, config: &Config) -> anyhow::Result<String> {
    // A backup of an older version knows no key yet; its first start finds out.
    let Ok(judged) = in_scope(conn, Scope::Instance, |conn| key::judge(conn, config)) else {
        return Ok("Start Vouch to bring it up to date.".to_owned());
    };
    Ok(match judged {
        Ok(()) => "The secret key fits. Start Vouch.".to_owned(),
        Err(error) => {
            key::discard_unused(config);
            let (_, next) = error.in_parts();
            format!("Its secret key isn't here yet: {next}")
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
        None => bail!(
            "the roles of the server don't see every row: name one that does in \
             VOUCH_BACKUP_DATABASE_URL, a superuser or one with BYPASSRLS (docs/backup.md)"
        ),
    }
}

fn connect_as(url: &str) -> Result<PgConnection, MigrateError> {
    connect::establish(url).map_err(MigrateError::Connect)
}

/// Row security shows a role that it binds no merchant's row at all, and says nothing of it.
fn refuse_bound_role(conn: &mut PgConnection) -> anyhow::Result<()> {
    let query = "(SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user)";
    let is_free: bool = diesel::select(sql::<Bool>(query)).get_result(conn)?;
    ensure!(
        is_free,
        "row security hides rows from the role in VOUCH_BACKUP_DATABASE_URL: as superuser, give it \
         BYPASSRLS, or name a superuser there (docs/backup.md)"
    );
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
        options.open(&path).with_context(|| format!("cannot write {}", path.display()))?;
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
