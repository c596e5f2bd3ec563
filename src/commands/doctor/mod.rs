//! `vouch doctor`: looks at everything an installation stands on. Each line says that something is
//! well, or what to mend and how. The exit code is 1 when something is to be mended.

mod clock;
mod database;
mod machine;

use std::process::ExitCode;

use crate::config::{Config, ConfigError};
use crate::console::say;
use crate::db::Source;
use crate::mail;

/// What one check found: in order, with a word on what was seen; or what to mend, and how.
type Finding = Result<String, String>;

/// What has been found so far. Prints as it goes, since some checks take their time.
#[derive(Default)]
struct Report {
    to_mend: usize,
}

impl Report {
    fn note(&mut self, subject: &str, finding: Finding) {
        match finding {
            Ok(seen) => say!("ok    {subject}: {seen}"),
            Err(remedy) => {
                self.to_mend += 1;
                say!("mend  {subject}: {remedy}");
            }
        }
    }
}

/// Checks what can be checked, however much is broken.
#[must_use]
pub fn run(config: Result<Config, ConfigError>) -> ExitCode {
    let mut report = Report::default();
    match config {
        Ok(config) => examine(&config, &mut report),
        Err(error) => report.note("configuration", Err(error.to_string())),
    }
    match report.to_mend {
        0 => {
            say!("All is well.");
            ExitCode::SUCCESS
        }
        number => {
            say!("To mend: {number}.");
            ExitCode::FAILURE
        }
    }
}

fn examine(config: &Config, report: &mut Report) {
    report.note("configuration", configuration(config));
    machine::examine(config, report);
    report.note("mail", mail(config));
    match Source::open(config) {
        Ok(source) => database::examine(config, &source, report),
        Err(error) => report.note("database", Err(error.to_string())),
    }
}

/// Whether the mail server lets Vouch in.
fn mail(config: &Config) -> Finding {
    let Some(smtp) = &config.smtp else {
        return Ok(format!(
            "no mail server is set (VOUCH_SMTP_URL): emails wait on {}/support/mail; `vouch mail list` lists them",
            config.public_url
        ));
    };
    let server = format!("{}:{}", smtp.host, smtp.port);
    mail::check(smtp, &config.public_url)
        .map(|()| format!("{server} takes letters from {}", smtp.from))
        .map_err(|why| format!("{server} lets nobody in ({why}): look at VOUCH_SMTP_URL"))
}

/// Values that can be used, and yet are not what a person wants.
fn configuration(config: &Config) -> Finding {
    if !config.is_https() && !config.is_on_this_machine() {
        return Err(format!(
            "browsers reach Vouch over plain http at {}, where nobody can sign in: put a proxy with a \
             certificate in front of it, and set VOUCH_PUBLIC_URL to its https address",
            config.public_url
        ));
    }
    Ok(format!("{}, listening on {}", config.public_url, config.listen))
}
