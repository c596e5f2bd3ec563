use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text};

use crate::features::audit::{Act, AuditEvent, RetriedWork};
use crate::features::emails;
use crate::features::ingest::{failures, pending_fetches, refund_reads};
use crate::features::pushes;
use crate::features::support::acts;
use crate::kit::audit::{Actor, SubjectKind, record};
use crate::kit::db::schema::{jobs, merchants, stores};
use crate::kit::db::statement::statement;
use crate::kit::db::text_enum;
use crate::kit::lists::{ColumnType, Listing, Range, SortOrder};
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::numbers::counted;

/// As many are retried at once.
pub(super) const MAX_RETRIED: i64 = 200;

text_enum! {
    /// The kinds of jobs that can fail for good. Periodic ones can't.
    pub(crate) enum FailableKind {
        Push = "push", "Code creation";
        FetchOrder = "orders", "Order fetch";
        ReadRefunds = "refunds", "Refund fetch";
        RetryDelivery = "delivery_retries", "Webhook";
        SendEmail = "emails", "Email";
    }
}

/// Whether the page can retry jobs of a kind.
#[cfg(test)]
pub(crate) fn can_be_retried(kind: &str) -> bool {
    FailableKind::parse(kind).is_some()
}

/// A job that was dead-lettered.
#[derive(Clone, Debug)]
pub(super) struct DeadJob {
    row: Row,
    /// What it's about, if that's still there: a code, an order's number, a recipient.
    pub(super) subject: Option<String>,
}

#[derive(Clone, Debug, Queryable)]
struct Row {
    merchant_id: i64,
    id: i64,
    kind: String,
    key: String,
    reason: Option<String>,
    attempts: i32,
    dead_at: Option<DateTime<Utc>>,
    merchant: Option<String>,
    store: Option<String>,
}

impl DeadJob {
    /// Where it's retried; `None` if this version doesn't know its kind.
    pub(super) fn retry_url(&self) -> Option<String> {
        let Row { merchant_id, id, kind, .. } = &self.row;
        FailableKind::parse(kind).map(|_| format!("/support/jobs/{merchant_id}/{id}/retry"))
    }

    pub(super) fn kind(&self) -> &str {
        FailableKind::parse(&self.row.kind).map_or(self.row.kind.as_str(), |kind| kind.label())
    }

    /// The merchant's ID and name; `None` for a job of the instance.
    pub(super) fn merchant(&self) -> Option<(i64, &str)> {
        Some((self.row.merchant_id, self.row.merchant.as_deref()?))
    }

    pub(super) fn store(&self) -> Option<&str> {
        self.row.store.as_deref()
    }

    pub(super) fn attempts(&self) -> String {
        counted(self.row.attempts, "attempt", "attempts")
    }

    pub(super) fn dead_at(&self) -> DisplayTime {
        DisplayTime::utc(&self.row.dead_at.unwrap_or_default())
    }

    pub(super) fn reason(&self) -> &str {
        let code = self.row.reason.as_deref().unwrap_or_default();
        DeadReason::parse(code).map_or(code, |reason| reason.label())
    }
}

text_enum! {
    /// Why a job failed: the reason codes of all kinds.
    enum DeadReason {
        NoAnswer = "no_answer", "The store didn’t answer";
        AccessDenied = "access_denied", "The store doesn’t accept Vouch’s credentials";
        Refused = "refused", "The store rejected the request";
        NotListed = "not_listed", "The store doesn’t list one of the refunds";
        Unreadable = "unreadable", "Vouch couldn’t parse the data";
        OwnFault = "own_fault", "Vouch had an internal error. See the server’s log";
        Value = "value", "The data contains a value that can’t be stored";
        NotFetched = "not_fetched", "Vouch couldn’t fetch the order";
        NotAccepted = "not_accepted", "The mail server didn’t accept the email";
        Unreachable = "unreachable", "Vouch couldn’t reach the mail server";
    }
}

pub(super) const NEWEST: SortOrder =
    SortOrder::descending(&[("jobs.dead_at", ColumnType::Time), ("jobs.id", ColumnType::Number)]);

/// The jobs of all merchants that failed for good, perhaps of one kind. Within `Scope::Support`.
pub(super) fn dead_jobs(
    conn: &mut PgConnection,
    kind: Option<FailableKind>,
    range: &Range,
) -> QueryResult<Listing<DeadJob>> {
    let of_job = stores::merchant_id.eq(jobs::merchant_id).and(stores::id.eq(jobs::target_id));
    let mut query = jobs::table
        .left_join(merchants::table.on(merchants::id.eq(jobs::merchant_id)))
        .left_join(stores::table.on(of_job))
        .filter(jobs::dead_at.is_not_null())
        .select((
            jobs::merchant_id,
            jobs::id,
            jobs::kind,
            jobs::key,
            jobs::reason,
            jobs::attempts,
            jobs::dead_at,
            merchants::name.nullable(),
            stores::name.nullable(),
        ))
        .into_boxed();
    if let Some(kind) = kind {
        query = query.filter(jobs::kind.eq(kind.as_str()));
    }
    let found: Vec<Row> = range.walk(query).load(conn)?;
    range
        .listing(found, |row: &Row| (row.dead_at.unwrap_or_default(), row.id))
        .complete(|found| with_subjects(conn, found))
}

#[derive(QueryableByName)]
struct Subject {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Nullable<Text>)]
    subject: Option<String>,
}

fn with_subjects(conn: &mut PgConnection, rows: Vec<Row>) -> QueryResult<Vec<DeadJob>> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let subjects: Vec<Subject> = statement!(
        "SELECT j.id, coalesce(t.value, o.order_ref, e.recipient) AS subject FROM jobs j \
         LEFT JOIN pushes p ON p.merchant_id = j.merchant_id \
             AND p.id = CASE WHEN j.kind = 'push' AND j.key ~ '^[0-9]{1,18}$' \
                 THEN j.key::bigint END \
         LEFT JOIN triggers t ON t.merchant_id = p.merchant_id AND t.id = p.trigger_id \
         LEFT JOIN orders o ON o.merchant_id = j.merchant_id \
             AND o.id = CASE WHEN j.kind = 'refunds' AND j.key ~ '^[0-9]{1,18}$' \
                 THEN j.key::bigint END \
         LEFT JOIN emails e ON j.kind = 'emails' AND e.message_id = j.key \
         WHERE j.id = ANY(:ids)",
        ids: Array<BigInt>,
    )
    .load(conn)?;
    let mut subjects: HashMap<i64, Option<String>> =
        subjects.into_iter().map(|row| (row.id, row.subject)).collect();
    let complete = |row: Row| {
        // The keys of these are what a merchant sees too.
        let is_shown = ["orders", "delivery_retries"].contains(&row.kind.as_str());
        let subject = subjects.remove(&row.id).flatten();
        DeadJob { subject: subject.or_else(|| is_shown.then(|| row.key.clone())), row }
    };
    Ok(rows.into_iter().map(complete).collect())
}

/// A job that is retried.
#[derive(Queryable)]
struct Retried {
    merchant_id: i64,
    id: i64,
    kind: String,
    target_id: i64,
    key: String,
}

/// The result of a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    Retried(FailableKind),
    /// It had been retried already.
    NotFailed,
    /// What it was about is gone, or needs it no longer. The job is deleted.
    Obsolete(FailableKind),
}

#[diesel::dsl::auto_type(no_type_alias)]
fn retryable() -> _ {
    jobs::table.select((jobs::merchant_id, jobs::id, jobs::kind, jobs::target_id, jobs::key))
}

/// Retries a job, with all its attempts. Fails with `NotFound` if there's none, or its kind is one that
/// this version doesn't know. Within `Scope::Instance`.
pub(super) fn retry(
    conn: &mut PgConnection,
    by: &Actor,
    (merchant_id, job_id): (i64, i64),
) -> QueryResult<Retry> {
    let of_id = jobs::merchant_id.eq(merchant_id).and(jobs::id.eq(job_id));
    let job: Retried = retryable().filter(of_id).first(conn)?;
    revive(conn, by, job)
}

/// The jobs of a kind that failed first, up to [`MAX_RETRIED`]. Each is retried in a transaction of its
/// own, so that none holds rows of one job while it waits for those of another. Within `Scope::Support`.
pub(super) fn failed_first(
    conn: &mut PgConnection,
    kind: FailableKind,
) -> QueryResult<Vec<(i64, i64)>> {
    jobs::table
        .filter(jobs::dead_at.is_not_null())
        .filter(jobs::kind.eq(kind.as_str()))
        .order((jobs::dead_at, jobs::id))
        .limit(MAX_RETRIED)
        .select((jobs::merchant_id, jobs::id))
        .load(conn)
}

/// Locks what the job is about, then the job, then its queue, as its worker does: the job itself is
/// read without a lock.
fn revive(conn: &mut PgConnection, by: &Actor, job: Retried) -> QueryResult<Retry> {
    let Retried { merchant_id, id, kind, target_id: store_id, key } = job;
    let kind = FailableKind::parse(&kind).ok_or(diesel::result::Error::NotFound)?;
    let actor = Actor { merchant_id, ..by.clone() };
    let row_id: i64 = key.parse().unwrap_or_default();
    let now = actor.now;
    let still_dead = jobs::table.find((merchant_id, id)).filter(jobs::dead_at.is_not_null());
    if !diesel::select(diesel::dsl::exists(still_dead)).get_result(conn)? {
        return Ok(Retry::NotFailed);
    }
    // What isn't in the audit log by then.
    let about = match kind {
        FailableKind::Push => {
            pushes::retry_by_id(conn, &actor, row_id)?;
            None
        }
        FailableKind::FetchOrder => {
            pending_fetches::retry(conn, merchant_id, store_id, &key, now)?;
            Some((SubjectKind::Store, store_id, RetriedWork::FetchOrder { order: key }))
        }
        FailableKind::ReadRefunds => {
            refund_reads::retry(conn, merchant_id, row_id, now).optional()?;
            Some((SubjectKind::Order, row_id, RetriedWork::ReadRefunds))
        }
        FailableKind::RetryDelivery => {
            failures::retry(conn, merchant_id, row_id, now)?;
            Some((SubjectKind::Delivery, row_id, RetriedWork::RetryDelivery))
        }
        FailableKind::SendEmail => {
            if let Some(email_id) = emails::find_id(conn, &key)? {
                acts::retry_email(conn, &actor, email_id).optional()?;
            }
            None
        }
    };
    if diesel::delete(still_dead).execute(conn)? > 0 {
        return Ok(Retry::Obsolete(kind));
    }
    if let Some((subject_kind, subject_id, work)) = about {
        let act = Act::new(AuditEvent::JobRetried(work), subject_kind, Some(subject_id));
        record(conn, &actor, act)?;
    }
    Ok(Retry::Retried(kind))
}
