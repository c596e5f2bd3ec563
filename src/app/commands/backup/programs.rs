//! PostgreSQL's own programs that write and read backups.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use url::Url;

use crate::app::commands::text::program_missing;
use crate::kit::config::Config;
use crate::kit::db::embedded;

/// Where they are.
pub(super) struct Programs(PathBuf);

impl Programs {
    /// Those that fit the embedded server, else the newest: they read servers of older versions, too.
    pub(super) fn find(config: &Config) -> anyhow::Result<Self> {
        Ok(Self(embedded::programs(config.pg_bin.as_deref(), &config.data_dir)?))
    }

    /// Writes the database at `url`, as it's in `snapshot`, to `file`.
    pub(super) fn dump(&self, url: &str, snapshot: &str, file: &Path) -> anyhow::Result<()> {
        let mut command = self.connected("pg_dump", url);
        command.args(["--format=custom", "--lock-wait-timeout=60s"]);
        command.arg(format!("--snapshot={snapshot}")).arg("--file").arg(file);
        finish(&mut command, "pg_dump")
    }

    /// Reads `file` into the database at `url`: all of it, or nothing.
    pub(super) fn restore(&self, url: &str, file: &Path) -> anyhow::Result<()> {
        let mut command = self.connected("pg_restore", url);
        command.args(["--exit-on-error", "--single-transaction"]).arg(file);
        finish(&mut command, "pg_restore")
    }

    /// Prints the rows in `file` as `COPY` has them.
    pub(super) fn rows_of(&self, file: &Path) -> Command {
        let mut command = Command::new(self.0.join("pg_restore"));
        command.args(["--data-only", "--file=-"]).arg(file);
        command
    }

    /// A password isn't for the list of processes.
    fn connected(&self, program: &str, url: &str) -> Command {
        let mut command = Command::new(self.0.join(program));
        let mut shown = url.to_owned();
        if let Ok(mut parsed) = Url::parse(url)
            && let Some(password) = parsed.password().map(decoded)
            && parsed.set_password(None).is_ok()
        {
            command.env("PGPASSWORD", password);
            shown = parsed.to_string();
        }
        command.arg("--no-password").arg("--dbname").arg(shown).stdin(Stdio::null());
        command
    }
}

fn decoded(password: &str) -> String {
    percent_encoding::percent_decode_str(password).decode_utf8_lossy().into_owned()
}

fn finish(command: &mut Command, program: &str) -> anyhow::Result<()> {
    let output = command.output().with_context(|| program_missing(program))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let line = said.lines().find(|line| line.contains("error")).unwrap_or(&said).trim();
        bail!("{program} failed: {line}");
    }
    Ok(())
}
