//! `vouch doctor`: checks everything an instance stands on. Each line says that something is well, or
//! what's wrong and what to do next. The exit code is 1 when there's a problem.

mod clock;
mod connect;
mod database;
mod machine;
mod network;
mod report;
mod row_security;
mod secrets;
mod stores;
mod work;

use std::process::ExitCode;

use self::report::{Report, problem};
use crate::kit::config::{Config, ConfigError};
use crate::kit::db::Source;

/// How the findings are printed.
#[derive(clap::Args)]
pub struct DoctorArguments {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Checks what can be checked, however much is broken.
#[must_use]
pub(crate) fn run(config: Result<Config, ConfigError>, arguments: &DoctorArguments) -> ExitCode {
    let mut report = Report::new(arguments.json);
    match config {
        Ok(config) => examine(&config, &mut report),
        Err(error) => {
            let code = match error.setting {
                "VOUCH_SECRET_KEY" => "secret_key",
                _ => "configuration",
            };
            report.note(code, "configuration", Err(problem(error.to_string(), error.next())));
        }
    }
    report.end()
}

fn examine(config: &Config, report: &mut Report) {
    machine::examine(config, report);
    network::examine(config, report);
    match Source::open(config) {
        Ok(source) => database::examine(config, &source, report),
        Err(error) => {
            let next = "do what it says, then run `vouch doctor` again";
            report.note("database", "database", Err(problem(error.to_string(), next)));
        }
    }
}
