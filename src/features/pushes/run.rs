//! Looks for a code in the store before it creates one. So the result of an interrupted attempt is
//! found, and no code is created twice.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use vouch_platforms::{CallError, Client, Mark, NewCode, Reason, StoreCode};

use super::model::{PushStatus, because};
use super::reason::{OwnReason, PushReason};
use crate::features::store_workers::{AttemptFailure, StoreRun, StoreRunError};
use crate::features::stores::jobs::PUSH;
use crate::kit::counters;
use crate::kit::db::schema::{affiliates, pushes, triggers};
use crate::kit::jobs::{Ending, Finish, Job};

#[derive(Queryable)]
struct Queued {
    trigger_id: i64,
    code: String,
    retired_at: Option<DateTime<Utc>>,
    affiliate: String,
}

/// The result of a push.
struct Settled {
    status: PushStatus,
    reason: Option<PushReason>,
    found: Option<StoreCode>,
}

impl Settled {
    fn failed(reason: PushReason) -> Self {
        Self { status: PushStatus::Failed, reason: Some(reason), found: None }
    }
}

/// Pushes queued codes to the store, in order.
pub(crate) fn run(run: &StoreRun<'_, '_>) -> Result<Ending, StoreRunError> {
    if !run.store.creates_codes {
        return Ok(Ending::Idle);
    }
    run.each_job(attempt, failed)
}

fn attempt(
    run: &StoreRun<'_, '_>,
    client: &mut dyn Client,
    job: &Job,
) -> Result<(), StoreRunError> {
    let push_id = job.row_id();
    let Some(queued) = run.read(|conn| find(conn, run.store.merchant_id, push_id))? else {
        // A member changed it in the meantime.
        return run.finish(job, |_| Ok(((), Finish::Complete)));
    };
    let settled = push(run, client, queued)?;
    let status = settled.status;
    run.finish(job, |conn| {
        settle(conn, run, push_id, settled)?;
        Ok(((), Finish::Complete))
    })?;
    counters::push(run.store.platform.as_str(), status.as_str());
    Ok(())
}

fn find(conn: &mut PgConnection, merchant_id: i64, push_id: i64) -> QueryResult<Option<Queued>> {
    pushes::table
        .inner_join(triggers::table.on(
            triggers::merchant_id.eq(pushes::merchant_id).and(triggers::id.eq(pushes::trigger_id)),
        ))
        .inner_join(
            affiliates::table.on(affiliates::merchant_id
                .eq(pushes::merchant_id)
                .and(affiliates::id.eq(triggers::affiliate_id))),
        )
        .filter(pushes::merchant_id.eq(merchant_id).and(pushes::id.eq(push_id)))
        .filter(pushes::status.eq(PushStatus::Queued))
        .select((pushes::trigger_id, triggers::value, triggers::retired_at, affiliates::name))
        .first(conn)
        .optional()
}

fn push(
    run: &StoreRun<'_, '_>,
    client: &mut dyn Client,
    queued: Queued,
) -> Result<Settled, CallError> {
    if queued.retired_at.is_some() {
        return Ok(Settled::failed(PushReason::Own(OwnReason::Retired)));
    }
    let mark = Mark { merchant_id: run.store.merchant_id, trigger_id: queued.trigger_id };
    let code = NewCode { mark, code: queued.code, affiliate: queued.affiliate, now: run.now() };
    match look_then_create(client, &code) {
        Ok(found) => Ok(judge(found, mark)),
        Err(CallError::Refused(reason)) => Ok(Settled::failed(PushReason::Store(reason))),
        Err(error) => Err(error),
    }
}

fn look_then_create(client: &mut dyn Client, code: &NewCode) -> Result<StoreCode, CallError> {
    if let Some(found) = client.find_code(&code.code)? {
        return Ok(found);
    }
    match client.create_code(code) {
        // Someone else created it first, or an earlier attempt of Vouch did.
        Err(CallError::Taken) => {
            client.find_code(&code.code)?.ok_or(CallError::Unanswered(Reason::CodeNotListed))
        }
        created => created,
    }
}

/// Decides whether Vouch created the code that the store has.
fn judge(found: StoreCode, mark: Mark) -> Settled {
    let (status, reason) = if found.mark == Some(mark) {
        (PushStatus::Pushed, None)
    } else {
        (PushStatus::InStore, Some(PushReason::Own(in_store(&found))))
    };
    Settled { status, reason, found: Some(found) }
}

fn in_store(found: &StoreCode) -> OwnReason {
    OwnReason::InStore {
        store_code: found.code.clone(),
        state: found.state.into(),
        discount: found.rules.clone(),
    }
}

/// Stores the reason of an attempt without a response. The next attempt looks for the code first.
/// After the last one, the push fails.
fn failed(
    conn: &mut PgConnection,
    run: &StoreRun<'_, '_>,
    job: &Job,
    failure: &AttemptFailure<'_>,
) -> QueryResult<Finish> {
    let mut reason = match failure {
        AttemptFailure::Call(error) => PushReason::Store(error.reason()),
        AttemptFailure::Own => PushReason::Own(OwnReason::InternalError),
    };
    let push_id = job.row_id();
    let is_last = job.is_last_attempt(&PUSH);
    if is_last {
        let (attempts, last) = (job.attempts, Box::new(reason));
        reason = PushReason::Own(OwnReason::Stopped { attempts, last });
        settle(conn, run, push_id, Settled::failed(reason))?;
    } else {
        diesel::update(pushes::table.find((run.store.merchant_id, push_id)))
            .filter(pushes::status.eq(PushStatus::Queued))
            .set(because(Some(reason)))
            .execute(conn)?;
    }
    let outcome = if is_last { PushStatus::Failed.as_str() } else { "unanswered" };
    counters::push(run.store.platform.as_str(), outcome);
    Ok(Finish::Retry(failure.reason()))
}

/// Writes the result of a push, unless a member changed it in the meantime.
fn settle(
    conn: &mut PgConnection,
    run: &StoreRun<'_, '_>,
    push_id: i64,
    settled: Settled,
) -> QueryResult<()> {
    let Settled { status, reason, found } = settled;
    let (remote_ref, admin_url) =
        found.map_or((None, None), |found| (Some(found.remote_ref), found.admin_url));
    diesel::update(pushes::table.find((run.store.merchant_id, push_id)))
        .filter(pushes::status.eq(PushStatus::Queued))
        .set((
            pushes::status.eq(status),
            because(reason),
            pushes::remote_ref.eq(remote_ref),
            pushes::admin_url.eq(admin_url),
            pushes::settled_at.eq(run.now()),
        ))
        .execute(conn)
        .map(drop)
}
