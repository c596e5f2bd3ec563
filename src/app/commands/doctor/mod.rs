//! `vouch doctor`: checks an instance and everything it depends on. Each line has a result, and the
//! next step if something is wrong. The exit code is 1 if there's a problem.

mod clock;
mod connect;
mod database;
mod machine;
mod network;
mod report;
mod row_security;
mod secrets;
mod stores;
mod text;
mod work;

use std::process::ExitCode;

use self::report::{Report, problem};
use crate::kit::config::{Config, ConfigError};
use crate::kit::db::Source;

/// The output format.
#[derive(clap::Args)]
pub struct DoctorArguments {
    /// Print the results as JSON
    #[arg(long)]
    json: bool,
}

/// Checks as much as possible, whatever is broken.
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
            let advice = text::advice(error.to_string(), error.next());
            report.note(code, "configuration", Err(problem(advice)));
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
            report.note("database", "database", Err(problem(text::embedded_failed(error))));
        }
    }
}
