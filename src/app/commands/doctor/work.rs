//! The running processes and their pending work.

use std::collections::BTreeSet;

use diesel::PgConnection;

use super::report::{CheckResult, Report, asked, problem, warning};
use super::text;
use crate::app::instance;
use crate::app::operations;
use crate::features::emails;
use crate::features::ingest::failures::{self, FailureCounts};
use crate::features::ingest::recalculation;
use crate::features::privacy::retention;
use crate::kit::clock;
use crate::kit::config::Config;
use crate::kit::db::{Scope, in_scope};

/// Due work starts within seconds. A worker that's busy with a large store may take minutes.
const LATE_SECONDS: f64 = 15.0 * 60.0;

pub(super) fn examine(conn: &mut PgConnection, config: &Config, report: &mut Report) {
    report.note("processes", "processes", processes(conn));
    report.note("queues", "queues", queues(conn, config));
    report.note("recalculations", "recalculations", recalculations(conn));
    report.note("emails", "emails", failed_emails(conn));
    report.note("deliveries", "webhooks", deliveries(conn));
    report.note("retention", "retention periods", retention_periods(conn, config));
}

/// Whether all processes have the same version.
fn processes(conn: &mut PgConnection) -> CheckResult {
    let serving = asked(instance::serving(conn))?;
    let versions: BTreeSet<&str> = serving.iter().map(|process| process.version.as_str()).collect();
    if versions.len() > 1 {
        let seen: Vec<String> = serving.iter().map(ToString::to_string).collect();
        return Err(warning(text::several_versions(&seen)));
    }
    Ok(match serving.first() {
        None => text::NOT_RUNNING.to_owned(),
        Some(first) => text::processes(serving.len(), first),
    })
}

/// Whether work is late.
fn queues(conn: &mut PgConnection, config: &Config) -> CheckResult {
    if asked(instance::serving(conn))?.is_empty() {
        return Ok(text::QUEUES_NOT_CHECKED.to_owned());
    }
    let late: Vec<(String, i64)> = asked(in_scope(conn, Scope::Instance, |conn| {
        operations::late(conn, clock::now(), LATE_SECONDS)
    }))?
    .into_iter()
    // Without a mail server, emails are held.
    .filter(|(name, _)| name != "emails" || config.smtp.is_some())
    .map(|(name, seconds)| (name, (seconds / 60.0) as i64))
    .collect();
    if late.is_empty() {
        return Ok(text::QUEUES.to_owned());
    }
    Err(problem(text::late_work(&late)))
}

fn recalculations(conn: &mut PgConnection) -> CheckResult {
    let (number, reason) = asked(in_scope(conn, Scope::Instance, recalculation::failed_requests))?;
    if number == 0 {
        return Ok(text::NONE_FAILED.to_owned());
    }
    Err(problem(text::recalculations_failed(number, &reason)))
}

fn failed_emails(conn: &mut PgConnection) -> CheckResult {
    let (number, reason) = asked(in_scope(conn, Scope::Instance, emails::failed))?;
    if number == 0 {
        return Ok(text::NONE_FAILED.to_owned());
    }
    Err(problem(text::emails_failed(number, &reason)))
}

/// Whether deliveries failed, and whether Vouch retries them.
fn deliveries(conn: &mut PgConnection) -> CheckResult {
    let FailureCounts { retried, left } = asked(in_scope(conn, Scope::Instance, failures::counts))?;
    if left > 0 {
        return Err(problem(text::deliveries_failed(left, retried)));
    }
    if retried > 0 {
        return Err(warning(text::deliveries_retried(retried)));
    }
    Ok(text::NONE_FAILED.to_owned())
}

/// Whether personal data is stored beyond its retention period.
fn retention_periods(conn: &mut PgConnection, config: &Config) -> CheckResult {
    let overdue = asked(in_scope(conn, Scope::Instance, |conn| {
        retention::overdue(conn, config.keep, clock::now())
    }))?;
    let late: Vec<(String, i64)> = overdue.into_iter().filter(|(_, rows)| *rows > 0).collect();
    if late.is_empty() {
        return Ok(text::RETENTION.to_owned());
    }
    Err(problem(text::retention_overdue(&late)))
}
