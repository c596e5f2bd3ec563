//! The worker that sends letters. A letter is taken under a lease, so that of several workers one
//! sends it; it is sent twice only where one died between sending and noting so, and then under the
//! same Message-ID.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration as Period, Instant};

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;

use super::delivery::{Line, Outcome, host_of};
use super::leased::Leased;
use super::render::{Words, message};
use crate::kit::clock;
use crate::kit::config::Config;
use crate::kit::config::Smtp;
use crate::kit::counters;
use crate::kit::db::schema::letters;
use crate::kit::db::{Db, Scope};
use crate::kit::error::AppResult;
use crate::kit::secrets::Sealer;
use crate::kit::supervise::Stop;

/// A worker that dies gives its letter back after this time; no try takes as long.
const LEASE: Duration = Duration::minutes(15);
/// After so many answers of "not now" a letter is given up.
const TRIES: i32 = 12;
/// After so long a letter is given up that nobody would take, and its words are forgotten.
const TOO_OLD: Duration = Duration::days(2);
/// A turn hands back after this time.
const TURN: Period = Period::from_secs(10);
/// The first pause after the mail server let nobody in; doubled each time.
const SHORT_PAUSE: Period = Period::from_secs(5);
/// The longest.
const LONG_PAUSE: Period = Period::from_secs(300);
/// As much of a reason is kept.
const REASON_LENGTH: usize = 500;

/// Sends what was posted, or says in the log that it waits where there is no mail server.
pub struct Office {
    db: Db,
    sealer: Sealer,
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

impl Office {
    /// That of an installation.
    #[must_use]
    pub fn new(config: &Config, db: Db) -> Self {
        Self {
            db,
            sealer: Sealer::new(&config.secret_key),
            smtp: config.smtp.clone(),
            public_url: config.public_url.as_str().into(),
            rest: Mutex::default(),
        }
    }

    /// Sends what is due, for some seconds at the most; answers how many letters were tried.
    ///
    /// # Errors
    /// The database's, when it is away. A letter that is not taken is kept for another try.
    pub fn turn(&self) -> AppResult<usize> {
        self.turn_until(&Stop::default())
    }

    /// [`Office::turn`], which ends after the letter at hand once `stop` is asked.
    ///
    /// # Errors
    /// As [`Office::turn`].
    pub fn turn_until(&self, stop: &Stop) -> AppResult<usize> {
        let Some(smtp) = &self.smtp else { return self.announce() };
        if self.rests() {
            return Ok(0);
        }
        let host = host_of(&self.public_url);
        let mut line = Line::new(smtp, host);
        let (began, mut tried) = (Instant::now(), 0);
        while began.elapsed() < TURN && !stop.is_asked() {
            let Some(letter) = self.lease(clock::now())? else { break };
            tried += 1;
            let send = || self.try_to_send(&letter, &mut line, smtp, host);
            // One that Vouch fails on counts as tried, and holds up no other.
            let outcome = catch_unwind(AssertUnwindSafe(send))
                .unwrap_or_else(|_| Outcome::Later("Vouch failed on it; see the log.".to_owned()));
            let (word, is_unreachable) = (outcome.word(), outcome.is_unreachable());
            self.note(&letter, outcome, clock::now())?;
            counters::letter(word);
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

    fn lease(&self, now: DateTime<Utc>) -> AppResult<Option<Leased>> {
        self.db.run_blocking(Scope::Installation, |conn| {
            let due: Option<i64> = letters::table
                .filter(letters::delivered_at.is_null().and(letters::parked_at.is_null()))
                .filter(letters::available_at.le(now))
                .filter(letters::leased_until.is_null().or(letters::leased_until.lt(now)))
                .order((letters::is_urgent.desc(), letters::available_at, letters::id))
                .for_update()
                .skip_locked()
                .select(letters::id)
                .first(conn)
                .optional()?;
            let Some(id) = due else { return QueryResult::Ok(None) };
            diesel::update(letters::table.find(id))
                .set((
                    letters::leased_until.eq(now + LEASE),
                    letters::lease.eq(letters::lease + 1),
                    letters::attempts.eq(letters::attempts + 1),
                ))
                .returning(Leased::as_returning())
                .get_result(conn)
                .map(Some)
        })
    }

    fn try_to_send(
        &self,
        letter: &Leased,
        line: &mut Line<'_>,
        smtp: &Smtp,
        host: &str,
    ) -> Outcome {
        if clock::now() - letter.created_at > TOO_OLD {
            let last = letter.last_error.as_deref().unwrap_or("there was no mail server");
            return Outcome::Refused(format!("It could not be sent for two days: {last}"));
        }
        let url = match letter.url(&self.sealer, &self.public_url) {
            Ok(url) => url,
            Err(reason) => return Outcome::Refused(reason),
        };
        let paragraphs = letter.paragraphs();
        let words = Words {
            subject: &letter.subject,
            program: &letter.program,
            paragraphs: &paragraphs,
            link: url.as_deref().map(|url| (letter.label(), url)),
        };
        match message(letter, &words, &smtp.from, host) {
            Ok(message) => line.send(&message),
            Err(error) => Outcome::Refused(format!("It cannot be written: {error}")),
        }
    }

    /// Writes down what became of a try, unless another worker has the letter by now.
    fn note(&self, letter: &Leased, outcome: Outcome, now: DateTime<Utc>) -> AppResult<()> {
        let (id, attempts) = (letter.id, letter.attempts);
        let mine = || letters::table.find(id).filter(letters::lease.eq(letter.lease));
        self.db.run_blocking(Scope::Installation, |conn| {
            if outcome == Outcome::Delivered {
                // The words were for the recipient only.
                return diesel::update(mine())
                    .set((
                        letters::delivered_at.eq(now),
                        letters::paragraphs.eq(None::<serde_json::Value>),
                        letters::link_sealed.eq(None::<Vec<u8>>),
                        letters::last_error.eq(None::<String>),
                        letters::leased_until.eq(None::<DateTime<Utc>>),
                    ))
                    .execute(conn)
                    .map(drop);
            }
            let (reason, attempts, pause, is_given_up) = match outcome {
                Outcome::Refused(reason) => (reason, attempts, Duration::zero(), true),
                Outcome::Unreachable(reason) => (reason, attempts - 1, Duration::zero(), false),
                Outcome::Later(reason) => (reason, attempts, after(attempts), attempts >= TRIES),
                Outcome::Delivered => return Ok(()),
            };
            tracing::warn!(id, attempts, is_given_up, cause = %reason, "a letter was not taken");
            let reason: String = reason.chars().take(REASON_LENGTH).collect();
            diesel::update(mine())
                .set((
                    letters::attempts.eq(attempts),
                    letters::available_at.eq(now + pause),
                    letters::leased_until.eq(None::<DateTime<Utc>>),
                    letters::last_error.eq(reason),
                    letters::parked_at.eq(is_given_up.then_some(now)),
                ))
                .execute(conn)
                .map(drop)
        })
    }

    /// Without a mail server: each email once in the log, by its number alone, since a link or a
    /// recipient in a log would let its readers in. `vouch mail show` prints it, and it goes out should
    /// there be a mail server before it is too old.
    fn announce(&self) -> AppResult<usize> {
        let now = clock::now();
        let new: Vec<Leased> = self.db.run_blocking(Scope::Installation, |conn| {
            let waiting = letters::table
                .filter(letters::announced_at.is_null().and(letters::delivered_at.is_null()))
                .filter(letters::parked_at.is_null())
                .order(letters::id)
                .limit(100)
                .for_update()
                .skip_locked()
                .select(letters::id)
                .load::<i64>(conn)?;
            diesel::update(letters::table.filter(letters::id.eq_any(waiting)))
                .set(letters::announced_at.eq(now))
                .returning(Leased::as_returning())
                .get_results(conn)
        })?;
        for letter in &new {
            tracing::warn!(email_id = letter.id, "email_waits_for_mail_server");
        }
        Ok(new.len())
    }
}

/// One minute, doubled up to an hour.
fn after(attempts: i32) -> Duration {
    Duration::minutes(1 << attempts.saturating_sub(1).clamp(0, 6)).min(Duration::hours(1))
}

/// Forgets the words of letters that are too old to be sent. They're deleted with the end of their
/// retention period: see `privacy::retention`.
///
/// # Errors
/// The database's.
pub fn sweep(db: &Db, now: DateTime<Utc>) -> AppResult<usize> {
    db.run_blocking(Scope::Installation, |conn| {
        diesel::update(letters::table)
            .filter(letters::created_at.lt(now - TOO_OLD))
            .filter(letters::paragraphs.is_not_null())
            .filter(letters::leased_until.is_null().or(letters::leased_until.lt(now)))
            .set((
                letters::paragraphs.eq(None::<serde_json::Value>),
                letters::link_sealed.eq(None::<Vec<u8>>),
                letters::parked_at.eq(diesel::dsl::sql::<
                    diesel::sql_types::Nullable<diesel::sql_types::Timestamptz>,
                >("coalesce(parked_at, now())")),
                letters::last_error.eq(diesel::dsl::sql::<
                    diesel::sql_types::Nullable<diesel::sql_types::Text>,
                >(
                    "coalesce(last_error, 'It could not be sent for two days.')",
                )),
            ))
            .execute(conn)
    })
}
