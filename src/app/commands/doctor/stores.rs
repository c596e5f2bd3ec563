//! Whether the stores let Vouch in, and send it their orders.

use diesel::prelude::*;

use super::report::{CheckResult, Report, asked, problem, warning};
use crate::features::stores::clock::difference;
use crate::kit::clock;
use crate::kit::db::schema::{job_queues, merchants, stores};
use crate::kit::db::{Scope, in_scope};

/// So many failures in a row are no passing fault.
const FAILURES: i32 = 3;
/// So many stores are named.
const NAMED: usize = 5;

/// A store, its merchant, and what's wrong.
type Row = (String, String, Option<String>);

pub(super) fn examine(conn: &mut PgConnection, report: &mut Report) {
    report.note("store_access", "store access", access(conn));
    report.note("store_webhooks", "store webhooks", webhooks(conn));
    report.note("store_jobs", "store calls", jobs(conn));
    report.note("store_clocks", "store clocks", clocks(conn));
}

/// Stores that refuse their credentials.
fn access(conn: &mut PgConnection) -> CheckResult {
    let refused: Vec<Row> = asked(in_scope(conn, Scope::Instance, |conn| {
        stores::table
            .inner_join(merchants::table)
            .filter(stores::disconnected_at.is_null().and(stores::access_problem.is_not_null()))
            .order((stores::merchant_id, stores::id))
            .select((stores::name, merchants::name, stores::access_problem))
            .load(conn)
    }))?;
    if refused.is_empty() {
        return Ok("no store refuses Vouch".to_owned());
    }
    Err(problem(
        format!("these stores refuse the credentials that Vouch has: {}", list(&refused)),
        "have the merchant enter new API credentials in Account > Settings",
    ))
}

/// Stores where webhooks are missing.
fn webhooks(conn: &mut PgConnection) -> CheckResult {
    let found: Vec<Row> = asked(in_scope(conn, Scope::Instance, |conn| {
        stores::table
            .inner_join(merchants::table)
            .filter(stores::disconnected_at.is_null().and(stores::webhooks_problem.is_not_null()))
            .order((stores::merchant_id, stores::id))
            .select((stores::name, merchants::name, stores::webhooks_problem))
            .load(conn)
    }))?;
    if found.is_empty() {
        return Ok("no store lacks one that Vouch looks after".to_owned());
    }
    Err(problem(
        format!("webhooks are missing or wrong, so orders arrive late: {}", list(&found)),
        "check VOUCH_PUBLIC_URL, then have the merchant open the store in Account > Settings",
    ))
}

/// Calls that fail again and again: the store is down, unreachable or limits them.
fn jobs(conn: &mut PgConnection) -> CheckResult {
    let failing: Vec<Row> = asked(in_scope(conn, Scope::Instance, |conn| {
        job_queues::table
            .inner_join(
                stores::table.on(stores::merchant_id
                    .eq(job_queues::merchant_id)
                    .and(job_queues::store_id.eq(stores::id.nullable()))),
            )
            .inner_join(merchants::table.on(merchants::id.eq(stores::merchant_id)))
            .filter(job_queues::failures.ge(FAILURES).and(job_queues::due_at.is_not_null()))
            .filter(stores::disconnected_at.is_null().and(stores::access_problem.is_null()))
            .order((stores::merchant_id, stores::id, job_queues::kind))
            .select((stores::name, merchants::name, job_queues::last_error))
            .load(conn)
    }))?;
    if failing.is_empty() {
        return Ok("none keeps failing".to_owned());
    }
    Err(warning(
        format!("calls keep failing: {}", list(&failing)),
        "nothing to do while a store is down or limits calls: Vouch calls again; else check that this \
         machine reaches the store",
    ))
}

/// Stores whose clock differs from this machine's, as far as their webhooks and answers of the last half
/// hour tell.
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
            let direction = if clock.behind_seconds > 0 { "behind" } else { "ahead" };
            let word = if clock.is_certain { "" } else { "perhaps " };
            let seconds = clock.behind_seconds.abs();
            if seconds > 0 {
                differing.push((store, merchant, Some(format!("{word}{seconds} s {direction}"))));
            }
        }
        QueryResult::Ok(differing)
    }))?;
    if differing.is_empty() {
        return Ok("none is known to differ from this machine's".to_owned());
    }
    Err(warning(
        format!("these clocks differ from this machine's: {}", list(&differing)),
        "orders are dated by this machine's clock where it matters; let it and the stores ask a time \
         server",
    ))
}

fn list(rows: &[Row]) -> String {
    let mut words: Vec<String> = rows
        .iter()
        .take(NAMED)
        .map(|(store, merchant, why)| {
            let why = why.as_deref().unwrap_or_default();
            format!("{store} of {merchant} ({why})")
        })
        .collect();
    if rows.len() > NAMED {
        words.push(format!("{} more", rows.len() - NAMED));
    }
    words.join(", ")
}
