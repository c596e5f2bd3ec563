//! Whether the stores accept Vouch's credentials, and send their orders.

use std::fmt::Display;

use diesel::prelude::*;
use serde::Serialize;
use vouch_platforms::Reason;

use super::report::{CheckResult, Report, asked, problem, warning};
use super::text::{self, store_list};
use crate::features::stores::clock::difference;
use crate::kit::clock;
use crate::kit::db::schema::{job_queues, merchants, stores};
use crate::kit::db::{Scope, in_scope};
use crate::kit::jobs::QueueProblem;
use crate::kit::stored_text::{StoredText, shown};

/// This many failures in a row aren't temporary.
const FAILURES: i32 = 3;
/// The maximum number of stores in a line.
const MAX_NAMED: usize = 5;

/// A store, its merchant, and what's wrong.
type Row = (String, String, Option<String>);

/// The same, with the text of an earlier version or the stored reason.
type StoredRow<R = Reason> = (String, String, (Option<String>, Option<StoredText<R>>));

fn rendered<R: Display + Serialize>((store, merchant, (earlier, stored)): StoredRow<R>) -> Row {
    (store, merchant, shown(stored.as_ref(), earlier.as_deref()))
}

pub(super) fn examine(conn: &mut PgConnection, report: &mut Report) {
    report.note("store_access", "store access", access(conn));
    report.note("store_webhooks", "store webhooks", webhooks(conn));
    report.note("store_jobs", "store calls", jobs(conn));
    report.note("store_clocks", "store clocks", clocks(conn));
}

/// Stores that refuse their credentials.
fn access(conn: &mut PgConnection) -> CheckResult {
    let refused: Vec<StoredRow> = asked(in_scope(conn, Scope::Instance, |conn| {
        stores::table
            .inner_join(merchants::table)
            .filter(stores::disconnected_at.is_null())
            .filter(stores::access_problem.is_not_null().or(stores::access_reason.is_not_null()))
            .order((stores::merchant_id, stores::id))
            .select((
                stores::name,
                merchants::name,
                (stores::access_problem, stores::access_reason),
            ))
            .load(conn)
    }))?;
    let refused: Vec<Row> = refused.into_iter().map(rendered).collect();
    if refused.is_empty() {
        return Ok(text::STORE_ACCESS.to_owned());
    }
    Err(problem(text::stores_refuse(&store_list(&refused, MAX_NAMED))))
}

/// Stores where webhooks are missing.
fn webhooks(conn: &mut PgConnection) -> CheckResult {
    let found: Vec<StoredRow> = asked(in_scope(conn, Scope::Instance, |conn| {
        stores::table
            .inner_join(merchants::table)
            .filter(stores::disconnected_at.is_null())
            .filter(
                stores::webhooks_problem.is_not_null().or(stores::webhooks_reason.is_not_null()),
            )
            .order((stores::merchant_id, stores::id))
            .select((
                stores::name,
                merchants::name,
                (stores::webhooks_problem, stores::webhooks_reason),
            ))
            .load(conn)
    }))?;
    let found: Vec<Row> = found.into_iter().map(rendered).collect();
    if found.is_empty() {
        return Ok(text::STORE_WEBHOOKS.to_owned());
    }
    Err(problem(text::webhooks_missing(&store_list(&found, MAX_NAMED))))
}

/// Calls that fail repeatedly: the store is down, unreachable or limits them.
fn jobs(conn: &mut PgConnection) -> CheckResult {
    let failing: Vec<StoredRow<QueueProblem<Reason>>> =
        asked(in_scope(conn, Scope::Instance, |conn| {
            job_queues::table
                .inner_join(
                    stores::table.on(stores::merchant_id
                        .eq(job_queues::merchant_id)
                        .and(job_queues::store_id.eq(stores::id.nullable()))),
                )
                .inner_join(merchants::table.on(merchants::id.eq(stores::merchant_id)))
                .filter(job_queues::failures.ge(FAILURES).and(job_queues::due_at.is_not_null()))
                .filter(stores::disconnected_at.is_null())
                .filter(stores::access_problem.is_null().and(stores::access_reason.is_null()))
                .order((stores::merchant_id, stores::id, job_queues::kind))
                .select((
                    stores::name,
                    merchants::name,
                    (job_queues::last_error, job_queues::problem),
                ))
                .load(conn)
        }))?;
    if failing.is_empty() {
        return Ok(text::STORE_JOBS.to_owned());
    }
    let failing: Vec<Row> = failing.into_iter().map(rendered).collect();
    Err(warning(text::calls_failing(&store_list(&failing, MAX_NAMED))))
}

/// Stores whose clock differs from this machine's, according to their webhooks and responses of the
/// last half hour.
fn clocks(conn: &mut PgConnection) -> CheckResult {
    let differing = asked(in_scope(conn, Scope::Instance, |conn| {
        let connected: Vec<(i64, i64, String, String)> = stores::table
            .inner_join(merchants::table)
            .filter(stores::disconnected_at.is_null())
            .order((stores::merchant_id, stores::id))
            .select((stores::merchant_id, stores::id, stores::name, merchants::name))
            .load(conn)?;
        let mut differing: Vec<Row> = Vec::new();
        for (merchant_id, store_id, store, merchant) in connected {
            let clock = difference(conn, (merchant_id, store_id), None, clock::now())?;
            if clock.behind_seconds != 0 {
                let difference = text::store_clock(clock.behind_seconds, clock.is_certain);
                differing.push((store, merchant, Some(difference)));
            }
        }
        QueryResult::Ok(differing)
    }))?;
    if differing.is_empty() {
        return Ok(text::STORE_CLOCKS.to_owned());
    }
    Err(warning(text::store_clocks_differ(&store_list(&differing, MAX_NAMED))))
}
