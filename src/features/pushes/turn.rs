//! The work itself: look first, then create, so that an interrupted try is adopted and never done
//! twice.

use chrono::{DateTime, Duration, Utc};
use diesel::dsl::min;
use diesel::prelude::*;
use vouch_platforms::{CallError, Client, CodeState, Mark, NewCode, StoreCode};

use super::model::PushStatus;
use crate::features::store_workers::{Next, Turn, TurnError};
use crate::kit::counters;
use crate::kit::db::schema::{affiliates, pushes, triggers};

/// How many queued codes are read at once.
const BATCH: i64 = 50;
/// After so many tries without an answer a code is parked as failed.
const MAX_ATTEMPTS: i32 = 10;
/// The wait after the first of them; each further one doubles it.
const FIRST_WAIT: Duration = Duration::seconds(5);
/// So many codes in a row without an answer, and it is the store that does not answer.
const SILENCE: usize = 3;

/// Why a code isn't in the store, where Vouch failed on it.
const OWN_FAULT: &str = "Vouch could not process the store's answer.";

/// A queued code.
#[derive(Queryable)]
struct Queued {
    id: i64,
    trigger_id: i64,
    attempts: i32,
    code: String,
    retired_at: Option<DateTime<Utc>>,
    affiliate: String,
}

/// What became of one try.
enum Outcome {
    Settled {
        status: PushStatus,
        reason: String,
        found: Option<StoreCode>,
    },
    /// Nobody knows: looked for again later.
    Unknown(String),
}

/// Brings queued codes into the store, in order.
pub(crate) fn turn(turn: &mut Turn<'_>) -> Result<Next, TurnError> {
    if !turn.store.creates_codes {
        return Ok(Next::idle());
    }
    let mut client = turn.client()?;
    let mut silent = 0;
    while turn.goes_on() {
        let batch = due(turn)?;
        if batch.is_empty() {
            break;
        }
        for queued in batch {
            if !turn.goes_on() {
                break;
            }
            let outcome = match turn.call(|| try_one(&mut *client, turn, &queued)) {
                Ok(tried) => tried?,
                // Counts as a try, so that the codes behind it go on.
                Err(_) => Outcome::Unknown(OWN_FAULT.to_owned()),
            };
            silent = if let Outcome::Unknown(_) = outcome { silent + 1 } else { 0 };
            let reason = match keep(turn, &queued, outcome) {
                Err(error) if error.is_own_fault() => {
                    let (merchant_id, push) = (turn.store.merchant_id, queued.id);
                    tracing::error!(merchant_id, push, %error, "push_not_kept");
                    keep(turn, &queued, Outcome::Unknown(OWN_FAULT.to_owned()))?
                }
                kept => kept?,
            };
            if silent >= SILENCE {
                return Err(CallError::Unanswered(reason).into());
            }
        }
    }
    let next = turn.read(|conn| {
        in_state(turn.store.merchant_id, turn.store.id, PushStatus::Queued)
            .select(min(pushes::available_at))
            .first::<Option<DateTime<Utc>>>(conn)
    })?;
    Ok(next.map_or_else(Next::idle, Next::at))
}

#[diesel::dsl::auto_type(no_type_alias)]
fn in_state(merchant_id: i64, store_id: i64, status: PushStatus) -> _ {
    pushes::table
        .filter(pushes::merchant_id.eq(merchant_id))
        .filter(pushes::store_id.eq(store_id))
        .filter(pushes::status.eq(status))
}

fn due(turn: &Turn<'_>) -> Result<Vec<Queued>, TurnError> {
    let (store, now) = (&turn.store, turn.now());
    turn.read(|conn| {
        in_state(store.merchant_id, store.id, PushStatus::Queued)
            .filter(pushes::available_at.le(now))
            .inner_join(
                triggers::table.on(triggers::merchant_id
                    .eq(pushes::merchant_id)
                    .and(triggers::id.eq(pushes::trigger_id))),
            )
            .inner_join(
                affiliates::table.on(affiliates::merchant_id
                    .eq(pushes::merchant_id)
                    .and(affiliates::id.eq(triggers::affiliate_id))),
            )
            .order((pushes::available_at, pushes::id))
            .limit(BATCH)
            .select((
                pushes::id,
                pushes::trigger_id,
                pushes::attempts,
                triggers::value,
                triggers::retired_at,
                affiliates::name,
            ))
            .load(conn)
    })
}

/// # Errors
/// What stops the whole turn: a pause, no access.
fn try_one(
    client: &mut dyn Client,
    turn: &Turn<'_>,
    queued: &Queued,
) -> Result<Outcome, CallError> {
    if queued.retired_at.is_some() {
        let reason = "The code was retired before it was sent to the store.".to_owned();
        return Ok(Outcome::Settled { status: PushStatus::Failed, reason, found: None });
    }
    let mark = Mark { merchant_id: turn.store.merchant_id, trigger_id: queued.trigger_id };
    let code = NewCode {
        mark,
        code: queued.code.clone(),
        affiliate: queued.affiliate.clone(),
        now: turn.now(),
    };
    match look_then_create(client, &code) {
        Ok(found) => Ok(judge(found, mark)),
        Err(CallError::Refused(reason)) => {
            Ok(Outcome::Settled { status: PushStatus::Failed, reason, found: None })
        }
        Err(CallError::Unanswered(reason)) => Ok(Outcome::Unknown(reason)),
        Err(error @ CallError::Taken) => Ok(Outcome::Unknown(error.to_string())),
        Err(error @ (CallError::Throttled { .. } | CallError::Denied(_))) => Err(error),
    }
}

fn look_then_create(client: &mut dyn Client, code: &NewCode) -> Result<StoreCode, CallError> {
    if let Some(found) = client.find_code(&code.code)? {
        return Ok(found);
    }
    match client.create_code(code) {
        // Somebody was quicker, perhaps an earlier try of our own.
        Err(CallError::Taken) => client.find_code(&code.code)?.ok_or_else(|| {
            CallError::Unanswered(
                "The store says that it has this code already, but does not show it.".to_owned(),
            )
        }),
        created => created,
    }
}

/// Whose the code is that the store has.
fn judge(found: StoreCode, mark: Mark) -> Outcome {
    let (status, reason) = if found.mark == Some(mark) {
        (PushStatus::Pushed, String::new())
    } else {
        (PushStatus::InStore, described(&found))
    };
    Outcome::Settled { status, reason, found: Some(found) }
}

/// What the store has, for whoever must say whether that is the code that was meant.
fn described(found: &StoreCode) -> String {
    let state = match found.state {
        CodeState::Live => "",
        CodeState::Scheduled => " It is not in force yet.",
        CodeState::Expired => " It has ended: shoppers cannot use it.",
        CodeState::Disabled => " It is switched off: shoppers cannot use it.",
    };
    let rules = found.rules.trim().trim_end_matches('.');
    let gets = if rules.is_empty() { String::new() } else { format!(": {rules}") };
    format!("The store has a code {} that Vouch did not make{gets}.{state}", found.code)
}

/// Writes what became of a try, unless somebody decided otherwise meanwhile; answers the reason.
fn keep(turn: &Turn<'_>, queued: &Queued, outcome: Outcome) -> Result<String, TurnError> {
    let now = turn.now();
    let attempts = queued.attempts.saturating_add(1);
    let (status, reason, found, available_at) = match outcome {
        Outcome::Settled { status, reason, found } => (status, reason, found, now),
        Outcome::Unknown(reason) if attempts >= MAX_ATTEMPTS => {
            let reason = format!("{reason} Vouch gave up after {MAX_ATTEMPTS} tries.");
            (PushStatus::Failed, reason, None, now)
        }
        Outcome::Unknown(reason) => {
            let wait = FIRST_WAIT * (1 << (attempts - 1).clamp(0, 10));
            (PushStatus::Queued, reason, None, now + wait)
        }
    };
    let (remote_ref, admin_url) =
        found.map_or((None, None), |found| (Some(found.remote_ref), found.admin_url));
    let settled_at = (status != PushStatus::Queued).then_some(now);
    turn.write(|conn| {
        diesel::update(pushes::table.find((turn.store.merchant_id, queued.id)))
            .filter(pushes::status.eq(PushStatus::Queued))
            .set((
                pushes::status.eq(status),
                pushes::reason.eq(&reason),
                pushes::remote_ref.eq(remote_ref),
                pushes::admin_url.eq(admin_url),
                pushes::attempts.eq(attempts),
                pushes::available_at.eq(available_at),
                pushes::settled_at.eq(settled_at),
            ))
            .execute(conn)
    })?;
    // One that is still queued has had no answer.
    let outcome = if status == PushStatus::Queued { "unanswered" } else { status.as_str() };
    counters::push(turn.store.platform.as_str(), outcome);
    Ok(reason)
}
