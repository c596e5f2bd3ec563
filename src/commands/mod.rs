//! What the program can be told to do, one module per command.

mod doctor;
mod migrate;
mod serve;

use std::process::ExitCode;

use clap::Subcommand;

use crate::config::{Config, ConfigError};

/// A command and its own arguments; the settings are common to all.
#[derive(Subcommand)]
pub enum Command {
    /// Run the web server and the background workers [the default]
    Serve(serve::Arguments),
    /// Bring the database up to date, and stop
    Migrate,
    /// Check configuration, database, clock, secrets and stores, and say what to mend
    Doctor,
}

impl Default for Command {
    fn default() -> Self {
        Self::Serve(serve::Arguments::default())
    }
}

impl Command {
    /// Runs the command to its end. Only the doctor can do something with bad settings.
    #[must_use]
    pub fn run(self, config: Result<Config, ConfigError>) -> ExitCode {
        match self {
            Self::Serve(arguments) => finish(config, |config| serve::run(config, &arguments)),
            Self::Migrate => finish(config, |config| migrate::run(&config)),
            Self::Doctor => doctor::run(config),
        }
    }
}

fn finish(
    config: Result<Config, ConfigError>,
    command: impl FnOnce(Config) -> anyhow::Result<()>,
) -> ExitCode {
    let config = match config {
        Ok(config) => config,
        Err(error) => return refused(&error),
    };
    match command(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Some causes, libpq's above all, explain themselves in several lines.
            let line = format!("{error:#}");
            let words: Vec<&str> = line.split_whitespace().collect();
            eprintln!("vouch: {}", words.join(" "));
            ExitCode::FAILURE
        }
    }
}

/// A bad setting: 2, as for a command line that cannot be understood.
fn refused(error: &ConfigError) -> ExitCode {
    eprintln!("vouch: {error}");
    ExitCode::from(2)
}
