//! The commands, one module each. `text` has what they print.

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
mod text;
mod two_factor;
mod user;

use std::process::ExitCode;

use crate::kit::config::{Config, ConfigError};
use crate::kit::console::{complain, is_complete};
use clap::Subcommand;

/// A command and its own arguments. All commands share the settings.
#[derive(Subcommand)]
pub enum Command {
    /// Run the web server and the background workers (default)
    Serve(serve::ServeArguments),
    /// Run the pending database migrations
    Migrate,
    /// Load demo data and print the sign-in details (safe to run again)
    Demo(demo::DemoArguments),
    /// Create, close or reopen merchants
    #[command(subcommand)]
    Merchant(merchant::MerchantCommand),
    /// Create, add or remove support staff
    #[command(subcommand)]
    Support(support::SupportCommand),
    /// Disable or enable users
    #[command(subcommand)]
    User(user::UserCommand),
    /// List emails, and show those held without a mail server
    #[command(subcommand, alias = "mail")]
    Email(email::EmailCommand),
    /// Turn off two-factor sign-in for a locked-out user
    #[command(subcommand)]
    TwoFactor(two_factor::TwoFactorCommand),
    /// Export or erase one person's data
    #[command(subcommand)]
    Person(person::PersonCommand),
    /// Encrypt all secrets with a new secret key. Stop Vouch first
    RotateKey(rotate_key::RotateKeyArguments),
    /// Back up the database to a file and verify it
    Backup(backup::BackupArguments),
    /// Restore a backup into an empty database
    Restore(backup::BackupArguments),
    /// Check the configuration, database, clocks, secrets and stores
    Doctor(doctor::DoctorArguments),
}

impl Default for Command {
    fn default() -> Self {
        Self::Serve(serve::ServeArguments::default())
    }
}

impl Command {
    /// Runs the command. Only the doctor runs with invalid settings.
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
            complain(format_args!("vouch: {}", text::OUTPUT_LOST));
            ExitCode::FAILURE
        }
        Err(error) => {
            // Some causes have several lines, such as those of libpq.
            let line = format!("{error:#}");
            let words: Vec<&str> = line.split_whitespace().collect();
            complain(format_args!("vouch: {}", words.join(" ")));
            ExitCode::FAILURE
        }
    }
}

/// An invalid setting ends with 2, like an invalid command line.
fn refused(error: &ConfigError) -> ExitCode {
    complain(format_args!("vouch: {error}"));
    ExitCode::from(2)
}
