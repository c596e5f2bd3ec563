//! The worker that sends letters. A letter is taken under a lease, so that of several workers one
//! sends it; it is sent twice only where one died between sending and noting so, and then under the
//! same Message-ID.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration as Period, Instant};

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;

use super::delivery::{Line, Outcome, host_of};
use super::leased::LeasedEmail;
use super::render::{Words, message};
use crate::kit::clock;
use crate::kit::config::Config;
use crate::kit::config::Smtp;
use crate::kit::counters;
use crate::kit::db::schema::emails;
use crate::kit::db::{Db, Scope};
use crate::kit::error::AppResult;
use crate::kit::jobs::backoff;
use crate::kit::secrets::Encryptor;
use crate::kit::supervise::{Stop, contained};

/// A worker that dies gives its letter back after this time; no try takes as long.
const LEASE: Duration = Duration::minutes(15);
/// After so many answers of "not now" a letter is given up.
const MAX_ATTEMPTS: i32 = 12;
/// After so long a letter is given up that nobody would take, and its words are forgotten.
const TOO_OLD: Duration = Duration::days(2);
/// The wait after the first answer of "not now"; each further one doubles it.
const FIRST_WAIT: Duration = Duration::minutes(1);
const MAX_WAIT: Duration = Duration::hours(1);
/// A run hands back after this time.
const RUN_TIME: Period = Period::from_secs(10);
/// The first pause after the mail server let nobody in; doubled each time.
const SHORT_PAUSE: Period = Period::from_secs(5);
/// The longest.
const LONG_PAUSE: Period = Period::from_secs(300);
/// As much of a reason is kept.
const REASON_LENGTH: usize = 500;

/// Sends what was posted, or says in the log that it waits where there is no mail server.
pub struct Mailer {
    db: Db,
    encryptor: Encryptor,
    smtp: Option<Smtp>,
    public_url: Arc<str>,
    rest: Mutex<Rest>,
}

/// The pause after the mail server let nobody in, so that it is not pestered.
#[derive(Default)]
struct Rest {
    until: Option<Instant>,
    pause: Period,
}

impl Mailer {
    /// That of an installation.
    #[must_use]
    pub fn new(config: &Config, db: Db) -> Self {
        Self {
            db,
            encryptor: Encryptor::new(&config.secret_key),
            smtp: config.smtp.clone(),
            public_url: config.public_url.as_str().into(),
            rest: Mutex::default(),
        }
    }

    /// Sends what is due, for some seconds at the most; answers how many letters were tried.
    pub fn send_due(&self) -> AppResult<usize> {
        self.send_due_until(&Stop::default())
    }

    /// [`Mailer::send_due`], which ends after the letter at hand once `stop` is asked.
    pub(crate) fn send_due_until(&self, stop: &Stop) -> AppResult<usize> {
        let Some(smtp) = &self.smtp else { return self.announce() };
        if self.rests() {
            return Ok(0);
        }
        let host = host_of(&self.public_url);
        let mut line = Line::new(smtp, host);
        let (began, mut tried) = (Instant::now(), 0);
        while began.elapsed() < RUN_TIME && !stop.is_asked() {
            let Some(email) = self.lease(clock::now())? else { break };
            tried += 1;
            let send = || Ok(self.try_to_send(&email, &mut line, smtp, host));
            // One that Vouch fails on counts as tried, and holds up no other.
            let outcome = contained(send)
                .unwrap_or_else(|_| Outcome::Later("Vouch failed on it; see the log.".to_owned()));
            let (word, is_unreachable) = (outcome.word(), outcome.is_unreachable());
            self.note(&email, outcome, clock::now())?;
            counters::email(word);
            self.pause(is_unreachable);
            if is_unreachable {
                break;
            }
        }
        Ok(tried)
    }

    fn rests(&self) -> bool {
        let rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        rest.until.is_some_and(|until| Instant::now() < until)
    }

    fn pause(&self, is_unreachable: bool) {
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_unreachable {
            *rest = Rest::default();
            return;
        }
        rest.pause = (rest.pause * 2).clamp(SHORT_PAUSE, LONG_PAUSE);
        rest.until = Some(Instant::now() + rest.pause);
    }

    fn lease(&self, now: DateTime<Utc>) -> AppResult<Option<LeasedEmail>> {
        self.db.run_blocking(Scope::Instance, |conn| {
            let due: Option<i64> = emails::table
                .filter(emails::delivered_at.is_null().and(emails::failed_at.is_null()))
                .filter(emails::available_at.le(now))
                .filter(emails::leased_until.is_null().or(emails::leased_until.lt(now)))
                .order((emails::is_urgent.desc(), emails::available_at, emails::id))
                .for_update()
                .skip_locked()
                .select(emails::id)
                .first(conn)
                .optional()?;
            let Some(id) = due else { return QueryResult::Ok(None) };
            diesel::update(emails::table.find(id))
                .set((
                    emails::leased_until.eq(now + LEASE),
                    emails::lease.eq(emails::lease + 1),
                    emails::attempts.eq(emails::attempts + 1),
                ))
                .returning(LeasedEmail::as_returning())
                .get_result(conn)
                .map(Some)
        })
    }

    fn try_to_send(
        &self,
        email: &LeasedEmail,
        line: &mut Line<'_>,
        smtp: &Smtp,
        host: &str,
    ) -> Outcome {
        if clock::now() - email.created_at > TOO_OLD {
            let last = email.last_error.as_deref().unwrap_or("there was no mail server");
            return Outcome::Refused(format!("It could not be sent for two days: {last}"));
        }
        let url = match email.url(&self.encryptor, &self.public_url) {
            Ok(url) => url,
            Err(reason) => return Outcome::Refused(reason),
        };
        let paragraphs = email.paragraphs();
        let words = Words {
            subject: &email.subject,
            program: &email.program,
            paragraphs: &paragraphs,
            link: url.as_deref().map(|url| (email.label(), url)),
        };
        match message(email, &words, &smtp.from, host) {
            Ok(message) => line.send(&message),
            Err(error) => Outcome::Refused(format!("It cannot be written: {error}")),
        }
    }

    /// Writes down what became of a try, unless another worker has the letter by now.
    fn note(&self, email: &LeasedEmail, outcome: Outcome, now: DateTime<Utc>) -> AppResult<()> {
        let (id, attempts) = (email.id, email.attempts);
        let mine = || emails::table.find(id).filter(emails::lease.eq(email.lease));
        self.db.run_blocking(Scope::Instance, |conn| {
            if outcome == Outcome::Delivered {
                // The words were for the recipient only.
                return diesel::update(mine())
                    .set((
                        emails::delivered_at.eq(now),
                        emails::paragraphs.eq(None::<serde_json::Value>),
                        emails::link_encrypted.eq(None::<Vec<u8>>),
                        emails::last_error.eq(None::<String>),
                        emails::leased_until.eq(None::<DateTime<Utc>>),
                    ))
                    .execute(conn)
                    .map(drop);
            }
            let (reason, attempts, pause, is_given_up) = match outcome {
                Outcome::Refused(reason) => (reason, attempts, Duration::zero(), true),
                Outcome::Unreachable(reason) => (reason, attempts - 1, Duration::zero(), false),
                Outcome::Later(reason) => (
                    reason,
                    attempts,
                    backoff(FIRST_WAIT, MAX_WAIT, attempts),
                    attempts >= MAX_ATTEMPTS,
                ),
                Outcome::Delivered => return Ok(()),
            };
            tracing::warn!(id, attempts, is_given_up, cause = %reason, "a letter was not taken");
            let reason: String = reason.chars().take(REASON_LENGTH).collect();
            diesel::update(mine())
                .set((
                    emails::attempts.eq(attempts),
                    emails::available_at.eq(now + pause),
                    emails::leased_until.eq(None::<DateTime<Utc>>),
                    emails::last_error.eq(reason),
                    emails::failed_at.eq(is_given_up.then_some(now)),
                ))
                .execute(conn)
                .map(drop)
        })
    }

    /// Without a mail server: each email once in the log, by its number alone, since a link or a
    /// recipient in a log would let its readers in. `vouch email show` prints it, and it goes out should
    /// there be a mail server before it is too old.
    fn announce(&self) -> AppResult<usize> {
        let now = clock::now();
        let new: Vec<LeasedEmail> = self.db.run_blocking(Scope::Instance, |conn| {
            let waiting = emails::table
                .filter(emails::announced_at.is_null().and(emails::delivered_at.is_null()))
                .filter(emails::failed_at.is_null())
                .order(emails::id)
                .limit(100)
                .for_update()
                .skip_locked()
                .select(emails::id)
                .load::<i64>(conn)?;
            diesel::update(emails::table.filter(emails::id.eq_any(waiting)))
                .set(emails::announced_at.eq(now))
                .returning(LeasedEmail::as_returning())
                .get_results(conn)
        })?;
        for email in &new {
            tracing::warn!(email_id = email.id, "email_waits_for_mail_server");
        }
        Ok(new.len())
    }
}

/// Forgets the words of letters that are too old to be sent. They're deleted with the end of their
/// retention period: see `privacy::retention`.
pub fn sweep(db: &Db, now: DateTime<Utc>) -> AppResult<usize> {
    db.run_blocking(Scope::Instance, |conn| {
        diesel::update(emails::table)
            .filter(emails::created_at.lt(now - TOO_OLD))
            .filter(emails::paragraphs.is_not_null())
            .filter(emails::leased_until.is_null().or(emails::leased_until.lt(now)))
            .set((
                emails::paragraphs.eq(None::<serde_json::Value>),
                emails::link_encrypted.eq(None::<Vec<u8>>),
                emails::failed_at.eq(diesel::dsl::sql::<
                    diesel::sql_types::Nullable<diesel::sql_types::Timestamptz>,
                >("coalesce(failed_at, now())")),
                emails::last_error.eq(diesel::dsl::sql::<
                    diesel::sql_types::Nullable<diesel::sql_types::Text>,
                >(
                    "coalesce(last_error, 'It could not be sent for two days.')",
                )),
            ))
            .execute(conn)
    })
}
