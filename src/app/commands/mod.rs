//! What the program can be told to do, one module per command.

mod account;
mod backup;
mod database;
mod demo;
mod doctor;
mod email;
mod merchant;
mod migrate;
mod person;
mod rotate_key;
mod serve;
mod support;
mod two_factor;
mod user;

use std::process::ExitCode;

use crate::kit::config::{Config, ConfigError};
use crate::kit::console::{complain, is_complete};
use clap::Subcommand;

/// A command and its own arguments; the settings are common to all.
#[derive(Subcommand)]
pub enum Command {
    /// Run the web server and the background workers [the default]
    Serve(serve::ServeArguments),
    /// Bring the database up to date, and stop
    Migrate,
    /// Load a program to look at, and print how to sign in to it; what is there is left as it is
    Demo(demo::DemoArguments),
    /// Make merchants, close them and open them again
    #[command(subcommand)]
    Merchant(merchant::MerchantCommand),
    /// Make support staff, and take their rights away
    #[command(subcommand)]
    Support(support::SupportCommand),
    /// Disable people and enable them again
    #[command(subcommand)]
    User(user::UserCommand),
    /// Read emails that wait where no mail server is set
    #[command(subcommand, alias = "mail")]
    Email(email::EmailCommand),
    /// Let somebody in who has lost their device and their recovery codes
    #[command(subcommand)]
    TwoFactor(two_factor::TwoFactorCommand),
    /// Export or erase one person's data
    #[command(subcommand)]
    Person(person::PersonCommand),
    /// Encrypt all secrets with a new secret key; refuses while a Vouch of the instance runs
    RotateKey(rotate_key::RotateKeyArguments),
    /// Write everything in the database to a file, and check that every row is in it
    Backup(backup::BackupArguments),
    /// Read a backup into an empty database
    Restore(backup::BackupArguments),
    /// Check configuration, database, clock, secrets and stores, and say what to do next
    Doctor(doctor::DoctorArguments),
}

impl Default for Command {
    fn default() -> Self {
        Self::Serve(serve::ServeArguments::default())
    }
}

impl Command {
    /// Runs the command to its end. Only the doctor can do something with bad settings.
    #[must_use]
    pub fn run(self, config: Result<Config, ConfigError>) -> ExitCode {
        match self {
            Self::Serve(arguments) => finish(config, |config| serve::run(config, &arguments)),
            Self::Migrate => finish(config, |config| migrate::run(&config)),
            Self::Demo(arguments) => finish(config, |config| demo::run(&config, &arguments)),
            Self::Merchant(command) => finish(config, |config| merchant::run(&config, &command)),
            Self::Support(command) => finish(config, |config| support::run(&config, &command)),
            Self::User(command) => finish(config, |config| user::run(&config, &command)),
            Self::Email(command) => finish(config, |config| email::run(&config, &command)),
            Self::TwoFactor(command) => finish(config, |c| two_factor::run(&c, &command)),
            Self::Person(command) => finish(config, |config| person::run(&config, &command)),
            Self::RotateKey(arguments) => finish(config, |c| rotate_key::run(&c, &arguments)),
            Self::Backup(arguments) => finish(config, |c| backup::back_up(&c, &arguments)),
            Self::Restore(arguments) => finish(config, |c| backup::restore(&c, &arguments)),
            Self::Doctor(arguments) => doctor::run(config, &arguments),
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
        Ok(()) if is_complete() => ExitCode::SUCCESS,
        Ok(()) => {
            complain(format_args!("vouch: its answer could not be written"));
            ExitCode::FAILURE
        }
        Err(error) => {
            // Some causes, libpq's above all, explain themselves in several lines.
            let line = format!("{error:#}");
            let words: Vec<&str> = line.split_whitespace().collect();
            complain(format_args!("vouch: {}", words.join(" ")));
            ExitCode::FAILURE
        }
    }
}

/// A bad setting: 2, as for a command line that cannot be understood.
fn refused(error: &ConfigError) -> ExitCode {
    complain(format_args!("vouch: {error}"));
    ExitCode::from(2)
}
