use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use vouch_core::code::suggestions;
use vouch_core::trigger::{Reach, TriggerKind, TriggerValue, ValueError};

use super::decision::{Unavailable, check, check_all};

/// How many available codes are suggested instead of an unavailable one.
const OFFERED: usize = 3;
/// How many candidates are checked at once, which is nearly always enough.
const CANDIDATES: usize = 16;

/// A value that isn't available.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnavailableValue {
    /// As typed, trimmed.
    pub wanted: String,
    pub why: Unavailable,
    /// Suggested codes, available at the time of the check.
    pub free: Vec<String>,
}

/// The requested code: the chosen suggestion, or else the typed code.
pub(crate) fn requested<'a>(suggestion: &'a str, typed: &'a str) -> &'a str {
    let suggestion = suggestion.trim();
    if suggestion.is_empty() { typed.trim() } else { suggestion }
}

/// Whether a typed value is available to an affiliate with that name. It's [`check`], plus
/// suggestions if the value is unavailable.
pub fn look_up(
    conn: &mut PgConnection,
    merchant_id: i64,
    (kind, typed, reach): (TriggerKind, &str, Reach),
    affiliate: &str,
    now: DateTime<Utc>,
) -> QueryResult<Result<TriggerValue, UnavailableValue>> {
    let wanted = match TriggerValue::parse(kind, typed, reach) {
        Ok(wanted) => wanted,
        Err(error) => return Ok(Err(UnavailableValue::malformed(typed, error))),
    };
    match check(conn, merchant_id, &wanted, now)? {
        Ok(()) => Ok(Ok(wanted)),
        Err(why) => refused(conn, merchant_id, &wanted, why, affiliate, now).map(Err),
    }
}

/// Adds available codes for an affiliate with that name.
pub(crate) fn refused(
    conn: &mut PgConnection,
    merchant_id: i64,
    wanted: &TriggerValue,
    why: Unavailable,
    affiliate: &str,
    now: DateTime<Utc>,
) -> QueryResult<UnavailableValue> {
    let mut seeds = vec![wanted.key.clone()];
    if matches!(why, Unavailable::Excluded(_)) {
        // Codes similar to an excluded code are mostly excluded too.
        let word = affiliate.split_whitespace().next().unwrap_or_default();
        let own: String = word.chars().filter(|c| c.is_alphanumeric()).collect();
        seeds = vec![own.to_uppercase(), wanted.key.clone(), "FRIEND".to_owned()];
    }
    seeds.retain(|seed| wanted.is_code() && !seed.is_empty());
    let mut seen = HashSet::new();
    let mut candidates = seeds
        .iter()
        .flat_map(|seed| suggestions(seed, affiliate))
        .filter(|code| seen.insert(code.key().to_owned()))
        .map(TriggerValue::from);
    let mut free = Vec::with_capacity(OFFERED);
    while free.len() < OFFERED {
        let some: Vec<TriggerValue> = candidates.by_ref().take(CANDIDATES).collect();
        if some.is_empty() {
            break;
        }
        let answers = check_all(conn, merchant_id, &some.iter().collect::<Vec<_>>(), now)?;
        let available = some.into_iter().zip(answers).filter(|(_, answer)| answer.is_ok());
        free.extend(available.map(|(code, _)| code.value).take(OFFERED - free.len()));
    }
    Ok(UnavailableValue { wanted: wanted.value.clone(), why, free })
}

impl UnavailableValue {
    pub(crate) fn malformed(typed: &str, error: ValueError) -> Self {
        let why = Unavailable::Malformed(error);
        Self { wanted: typed.trim().to_owned(), why, free: Vec::new() }
    }

    /// The reason code that anyone may see. It doesn't tell a held code from a requested one.
    pub(crate) fn public_reason(&self) -> &'static str {
        match self.why {
            Unavailable::Malformed(_) => "malformed",
            Unavailable::Held(_) | Unavailable::Requested(_) => "taken",
            Unavailable::Excluded(_) => "excluded",
        }
    }
}
