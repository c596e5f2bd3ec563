//! Sends emails, with a job for each. An email is sent twice only if a worker died after sending
//! it, and both have the same Message-ID.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Jsonb, Nullable, Text, Timestamptz};

use super::job::{SEND_EMAIL, queue};
use super::problem::EmailProblem;
use super::render::{RenderedEmail, message};
use super::stored::StoredEmail;
use crate::kit::clock;
use crate::kit::config::{Config, Smtp};
use crate::kit::counters;
use crate::kit::db::schema::emails;
use crate::kit::db::statement::statement;
use crate::kit::db::{Db, Scope};
use crate::kit::email::{MailServerConnection, SendOutcome, host_of};
use crate::kit::error::AppResult;
use crate::kit::jobs::{
    self, Ending, Finish, Job, JobKind, JobRunner, Priority, QueueProblem, Registry, Run, RunError,
    drain,
};
use crate::kit::secrets::Encryptor;
use crate::kit::stored_text::StoredText;
use crate::kit::supervise::contained;

/// An email that couldn't be sent for this long fails, and its text is deleted.
const MAX_AGE: Duration = Duration::days(2);
/// The maximum number of stored characters of a reason.
const MAX_REASON_CHARS: usize = 500;

/// The reason codes of jobs.
const UNREACHABLE: &str = "unreachable";
const NOT_ACCEPTED: &str = "not_accepted";

/// The result of an attempt.
enum Attempt {
    Delivered,
    /// A later attempt may succeed.
    Later(EmailProblem),
    /// No attempt will succeed.
    Failed(EmailProblem),
    /// No connection to the mail server, so the email itself may be fine.
    Unreachable(EmailProblem),
}

impl Attempt {
    /// The label in metrics.
    fn word(&self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Later(_) => "later",
            Self::Failed(_) => "refused",
            Self::Unreachable(_) => "unreachable",
        }
    }
}

impl From<SendOutcome> for Attempt {
    fn from(outcome: SendOutcome) -> Self {
        let short = |detail: String| detail.chars().take(MAX_REASON_CHARS).collect();
        match outcome {
            SendOutcome::Delivered => Self::Delivered,
            SendOutcome::Later(detail) => {
                Self::Later(EmailProblem::NotAccepted { detail: short(detail) })
            }
            SendOutcome::Refused(detail) => {
                Self::Failed(EmailProblem::Rejected { detail: short(detail) })
            }
            SendOutcome::Unreachable(detail) => {
                Self::Unreachable(EmailProblem::Unreachable { detail: short(detail) })
            }
        }
    }
}

/// Sends emails. Without a mail server, it logs that they wait.
#[derive(Clone)]
pub struct Mailer {
    db: Db,
    encryptor: Encryptor,
    smtp: Option<Smtp>,
    public_url: Arc<str>,
}

impl Mailer {
    #[must_use]
    pub fn new(config: &Config, db: Db) -> Self {
        Self {
            db,
            encryptor: Encryptor::new(&config.secret_key),
            smtp: config.smtp.clone(),
            public_url: config.public_url.as_str().into(),
        }
    }

    /// The kind of job for the worker pool, with its runner.
    pub(crate) fn runner(self) -> (JobKind, JobRunner) {
        (SEND_EMAIL, Arc::new(move |run| self.run(run)))
    }

    /// Sends the due emails on this thread. Returns how many queues were processed.
    pub fn send_due(&self) -> AppResult<usize> {
        let registry = Registry::new(self.db.clone(), vec![self.clone().runner()]);
        drain(&registry, clock::now())
    }

    /// Enqueues the pending emails without a job: those of an earlier version, and those that were
    /// only logged without a mail server. Also ends pauses after connection errors, because the
    /// settings may have changed. Returns how many emails were enqueued.
    pub fn resume(&self) -> AppResult<usize> {
        if self.smtp.is_none() {
            return Ok(0);
        }
        self.db.run_blocking(Scope::Instance, |conn| {
            let waiting = waiting_without_job(conn)?;
            for email in &waiting {
                let priority = if email.is_urgent { Priority::High } else { Priority::Normal };
                let queue = queue(email.merchant_id);
                jobs::enqueue_with(conn, &queue, priority, &[&email.message_id], clock::now())?;
            }
            jobs::unpause(conn, SEND_EMAIL, clock::now())?;
            QueryResult::Ok(waiting.len())
        })
    }

    fn run(&self, run: &Run<'_>) -> Result<Ending, RunError> {
        let Some(smtp) = &self.smtp else { return announce(run) };
        let host = host_of(&self.public_url);
        let mut line = MailServerConnection::new(smtp, host);
        while let Some(job) = run.next_job()? {
            let Some(email) = run.read(|conn| StoredEmail::pending(conn, &job.key))? else {
                run.finish(&job, |_| Ok(((), Finish::Complete)))?;
                continue;
            };
            let send = || Ok(self.send(&email, &mut line, smtp, host));
            let own_fault = || Attempt::Later(EmailProblem::OwnFault);
            let outcome = match job.has_crashed(&SEND_EMAIL) {
                true => own_fault(),
                // An email that Vouch fails on must not block the others.
                false => contained(send).unwrap_or_else(|_| own_fault()),
            };
            counters::email(outcome.word());
            note(run, &job, &email, &outcome)?;
            if let Attempt::Unreachable(problem) = outcome {
                return Ok(Ending::Failed { problem: QueueProblem::of(&problem) });
            }
        }
        Ok(Ending::Done)
    }

    fn send(
        &self,
        email: &StoredEmail,
        line: &mut MailServerConnection<'_>,
        smtp: &Smtp,
        host: &str,
    ) -> Attempt {
        if clock::now() - email.created_at > MAX_AGE {
            let last = email.known_problem().cloned();
            return Attempt::Failed(last.unwrap_or(EmailProblem::TooOld));
        }
        let url = match email.url(&self.encryptor, &self.public_url) {
            Ok(url) => url,
            Err(problem) => return Attempt::Failed(problem),
        };
        let Some(text) = email.text() else {
            return Attempt::Later(EmailProblem::UnknownContent);
        };
        let rendered = RenderedEmail::new(&email.program, &text, url.as_deref());
        match message(email, &rendered, &smtp.from, host) {
            Ok(message) => line.send(&message).into(),
            Err(error) => Attempt::Failed(EmailProblem::Malformed { detail: error.to_string() }),
        }
    }
}

/// Writes the result of an attempt.
fn note(run: &Run<'_>, job: &Job, email: &StoredEmail, outcome: &Attempt) -> Result<(), RunError> {
    let (problem, has_failed, finish) = match outcome {
        Attempt::Delivered => {
            return run.finish(job, |conn| delivered(conn, email.id, run.now()));
        }
        Attempt::Failed(problem) => (problem, true, Finish::Complete),
        // A connection error isn't caused by the email.
        Attempt::Unreachable(problem) => (problem, false, Finish::Release(Some(UNREACHABLE))),
        Attempt::Later(problem) => {
            (problem, job.is_last_attempt(&SEND_EMAIL), Finish::Retry(NOT_ACCEPTED))
        }
    };
    let (id, attempts) = (email.id, job.attempts);
    tracing::warn!(email_id = id, attempts, has_failed, error = %problem, "email_delivery_failed");
    run.finish(job, |conn| {
        diesel::update(emails::table.find(id))
            .set((
                emails::problem.eq(StoredText::from(problem.clone())),
                emails::last_error.eq(None::<String>),
                emails::failed_at.eq(has_failed.then_some(run.now())),
            ))
            .execute(conn)?;
        Ok(((), finish))
    })
}

/// Deletes the text, because it's only for the recipient.
fn delivered(
    conn: &mut PgConnection,
    email_id: i64,
    now: DateTime<Utc>,
) -> QueryResult<((), Finish)> {
    diesel::update(emails::table.find(email_id))
        .set((
            emails::delivered_at.eq(now),
            emails::failed_at.eq(None::<DateTime<Utc>>),
            emails::text_deleted_at.eq(now),
            emails::paragraphs.eq(None::<serde_json::Value>),
            emails::content.eq(without_text()),
            emails::link_encrypted.eq(None::<Vec<u8>>),
            emails::problem.eq(None::<StoredText<EmailProblem>>),
            emails::last_error.eq(None::<String>),
        ))
        .execute(conn)?;
    Ok(((), Finish::Complete))
}

/// What an email says without what only its text needs.
fn without_text() -> SqlLiteral<Nullable<Jsonb>> {
    sql("content - 'reason'")
}

/// Without a mail server, each email is logged once, with its ID only. A link or a recipient in a
/// log would give access. `vouch email show` prints the email, and [`Mailer::resume`] sends it once
/// there's a mail server.
fn announce(run: &Run<'_>) -> Result<Ending, RunError> {
    while let Some(job) = run.next_job()? {
        let email = run.read(|conn| StoredEmail::pending(conn, &job.key))?;
        run.finish(&job, |_| Ok(((), Finish::Complete)))?;
        if let Some(email) = email {
            tracing::warn!(email_id = email.id, reason = "smtp_not_configured", "email_held");
        }
    }
    Ok(Ending::Done)
}

#[derive(QueryableByName)]
struct PendingEmail {
    #[diesel(sql_type = BigInt)]
    merchant_id: i64,
    #[diesel(sql_type = Text)]
    message_id: String,
    #[diesel(sql_type = Bool)]
    is_urgent: bool,
}

fn waiting_without_job(conn: &mut PgConnection) -> QueryResult<Vec<PendingEmail>> {
    statement!(
        "SELECT m.id AS merchant_id, e.message_id, e.link_encrypted IS NOT NULL AS is_urgent \
         FROM emails e CROSS JOIN LATERAL (SELECT coalesce(e.about_merchant_id, 0) AS id) m \
         WHERE e.delivered_at IS NULL AND e.failed_at IS NULL AND e.text_deleted_at IS NULL \
             AND NOT EXISTS (SELECT FROM jobs j WHERE j.merchant_id = m.id AND j.kind = :kind \
                 AND j.target_id = 0 AND j.key = e.message_id) \
         ORDER BY m.id, e.id",
        kind: Text = SEND_EMAIL.name,
    )
    .load(conn)
}

/// Deletes the text of emails that are too old to be sent. Their rows are deleted after the
/// retention period (see `privacy::retention`).
pub fn sweep(db: &Db, now: DateTime<Utc>) -> AppResult<usize> {
    db.run_blocking(Scope::Instance, |conn| {
        diesel::update(emails::table)
            .filter(emails::created_at.lt(now - MAX_AGE))
            .filter(emails::text_deleted_at.is_null())
            .set((
                emails::text_deleted_at.eq(now),
                emails::paragraphs.eq(None::<serde_json::Value>),
                emails::content.eq(without_text()),
                emails::link_encrypted.eq(None::<Vec<u8>>),
                emails::failed_at.eq(sql::<Nullable<Timestamptz>>("coalesce(failed_at, now())")),
                emails::problem.eq(sql::<Nullable<Jsonb>>(
                    "CASE WHEN last_error IS NULL \
                         THEN coalesce(problem, '{\"code\": \"too_old\"}') END",
                )),
            ))
            .execute(conn)
    })
}
