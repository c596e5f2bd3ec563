//! The processes that serve, and what they have left undone.

use std::collections::BTreeSet;

use diesel::PgConnection;

use super::report::{CheckResult, Report, asked, problem, warning};
use crate::app::instance;
use crate::app::operations;
use crate::features::ingest::failures::{self, FailureCounts};
use crate::features::ingest::recalculation;
use crate::features::privacy::retention;
use crate::kit::clock;
use crate::kit::config::Config;
use crate::kit::db::{Scope, in_scope};
use crate::kit::email;

/// Work that's due is begun within seconds. A worker that's busy with a large store may take minutes.
const LATE_SECONDS: f64 = 15.0 * 60.0;

pub(super) fn examine(conn: &mut PgConnection, config: &Config, report: &mut Report) {
    report.note("processes", "processes", processes(conn));
    report.note("queues", "queues", queues(conn, config));
    report.note("recalculations", "recalculations", recalculations(conn));
    report.note("emails", "emails", emails(conn));
    report.note("deliveries", "webhook deliveries", deliveries(conn));
    report.note("retention", "retention periods", retention_periods(conn, config));
}

/// Whether all that serve are of one version.
fn processes(conn: &mut PgConnection) -> CheckResult {
    let serving = asked(instance::serving(conn))?;
    let versions: BTreeSet<&str> = serving.iter().map(|process| process.version.as_str()).collect();
    if versions.len() > 1 {
        let seen: Vec<String> = serving.iter().map(ToString::to_string).collect();
        return Err(warning(
            format!("several versions of Vouch serve this database: {}", seen.join(", ")),
            "restart the older ones with the newest version",
        ));
    }
    Ok(match serving.as_slice() {
        [] => "no Vouch serves now".to_owned(),
        [process] => format!("{process} serves"),
        several => format!("{} serve", several.len()),
    })
}

/// Whether work waits that should long have been done.
fn queues(conn: &mut PgConnection, config: &Config) -> CheckResult {
    if asked(instance::serving(conn))?.is_empty() {
        return Ok("not checked, since no Vouch serves now".to_owned());
    }
    let late: Vec<String> = asked(in_scope(conn, Scope::Instance, |conn| {
        operations::late(conn, clock::now(), LATE_SECONDS)
    }))?
    .into_iter()
    // Without a mail server emails wait, and are read on /support/emails.
    .filter(|(name, _)| name != "emails" || config.smtp.is_some())
    .map(|(name, seconds)| format!("{name} ({} minutes)", (seconds / 60.0) as i64))
    .collect();
    if late.is_empty() {
        return Ok("nothing waits for long".to_owned());
    }
    Err(problem(
        format!("work has waited for too long: {}", late.join(", ")),
        "check that a process runs the background workers (`vouch serve` without --web-only), and read \
         its log",
    ))
}

fn recalculations(conn: &mut PgConnection) -> CheckResult {
    let (number, reason) = asked(in_scope(conn, Scope::Instance, recalculation::failed_requests))?;
    if number == 0 {
        return Ok("none has failed".to_owned());
    }
    Err(problem(
        format!(
            "{number} failed after many attempts, the last because of {reason}, so some orders keep what \
             they earned before a change"
        ),
        "fix the cause and restart Vouch, which tries them again",
    ))
}

fn emails(conn: &mut PgConnection) -> CheckResult {
    let (number, reason) = asked(in_scope(conn, Scope::Instance, email::failed))?;
    if number == 0 {
        return Ok("none has failed".to_owned());
    }
    Err(problem(
        format!("{number} failed in the last 30 days, the last because of {reason}"),
        "fix the cause; support staff can send them again on /support/emails",
    ))
}

/// Whether deliveries failed, and whether Vouch still tries.
fn deliveries(conn: &mut PgConnection) -> CheckResult {
    let FailureCounts { retried, left } = asked(in_scope(conn, Scope::Instance, failures::counts))?;
    if left > 0 {
        return Err(problem(
            format!("{left} failed and need attention, {retried} are retried automatically"),
            "members see why under Orders > Messages from stores, and can replay them; Vouch tries them \
             again when a new version starts",
        ));
    }
    if retried > 0 {
        return Err(warning(
            format!("{retried} failed and are retried automatically"),
            "look again in some minutes; members see why under Orders > Messages from stores",
        ));
    }
    Ok("none has failed".to_owned())
}

/// Whether personal data is kept longer than it may be.
fn retention_periods(conn: &mut PgConnection, config: &Config) -> CheckResult {
    let overdue = asked(in_scope(conn, Scope::Instance, |conn| {
        retention::overdue(conn, config.keep, clock::now())
    }))?;
    let late: Vec<String> = overdue
        .into_iter()
        .filter(|(_, rows)| *rows > 0)
        .map(|(name, rows)| format!("{name} ({rows})"))
        .collect();
    if late.is_empty() {
        return Ok("nothing is kept for longer".to_owned());
    }
    Err(problem(
        format!("kept for longer than they may be: {}", late.join(", ")),
        "run the background workers (`vouch serve`), and look in their log for `apply retention periods`",
    ))
}
