//! Whether a code can be had, and how it is kept for one affiliate.
//!
//! Triggers keep their codes by a unique key of their table, pending requests theirs by one of
//! `code_requests`. What keeps the two apart is a lock per merchant: whoever makes a trigger shares
//! it and then looks for a request; whoever makes a request has it alone and then looks for a
//! trigger. So of both at once, the second finds the first, and many triggers can be made side by
//! side as before.

use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;
use vouch_core::code::CodeError;

use crate::features::applications::CodeRequestStatus;
use crate::features::exclusions::{self, Pattern};
use crate::features::triggers::{CouponCode, TriggerKind, free_codes};
use crate::kit::db::schema::{affiliates, code_requests, triggers};

/// Nobody leaves more applications than these undecided.
const MOST_WAITING: i64 = 10_000;

/// Names the lock among the advisory ones, beside the merchant.
const ALONE: &str = "select pg_advisory_xact_lock(7022116, hashint8($1))";
const SHARED: &str = "select pg_advisory_xact_lock_shared(7022116, hashint8($1))";

/// Until the end of the transaction, nobody else makes a request or a trigger of the merchant. It
/// comes first of all locks, and never after [`hold_against_requests`] of the same transaction.
///
/// # Errors
/// The database's.
pub fn hold_all(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<()> {
    sql_query(ALONE).bind::<BigInt, _>(merchant_id).execute(conn)?;
    Ok(())
}

/// Until the end of the transaction, nobody makes a request of the merchant.
///
/// # Errors
/// The database's.
pub fn hold_against_requests(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<()> {
    sql_query(SHARED).bind::<BigInt, _>(merchant_id).execute(conn)?;
    Ok(())
}

/// The affiliate for whom a key is reserved, if it is.
///
/// # Errors
/// The database's.
pub fn reserved_for(
    conn: &mut PgConnection,
    merchant_id: i64,
    key: &str,
) -> QueryResult<Option<i64>> {
    code_requests::table
        .filter(code_requests::merchant_id.eq(merchant_id))
        .filter(code_requests::code_key.eq(key))
        .filter(code_requests::status.eq(CodeRequestStatus::Pending))
        .select(code_requests::affiliate_id)
        .first(conn)
        .optional()
}

/// Those among `keys` that are reserved.
///
/// # Errors
/// The database's.
pub fn reserved_keys(
    conn: &mut PgConnection,
    merchant_id: i64,
    keys: &[&str],
) -> QueryResult<Vec<String>> {
    code_requests::table
        .filter(code_requests::merchant_id.eq(merchant_id))
        .filter(code_requests::code_key.eq_any(keys))
        .filter(code_requests::status.eq(CodeRequestStatus::Pending))
        .select(code_requests::code_key)
        .load(conn)
}

/// Those among `keys` that are reserved, each with who asked for it.
///
/// # Errors
/// The database's.
pub fn reservations(
    conn: &mut PgConnection,
    merchant_id: i64,
    keys: &[&str],
) -> QueryResult<Vec<(String, i64, String)>> {
    code_requests::table
        .inner_join(
            affiliates::table.on(affiliates::merchant_id
                .eq(code_requests::merchant_id)
                .and(affiliates::id.eq(code_requests::affiliate_id))),
        )
        .filter(code_requests::merchant_id.eq(merchant_id))
        .filter(code_requests::code_key.eq_any(keys))
        .filter(code_requests::status.eq(CodeRequestStatus::Pending))
        .select((code_requests::code_key, affiliates::id, affiliates::name))
        .load(conn)
}

/// A code that somebody waits for.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// As typed.
    pub code: String,
    /// Who asked for it.
    pub affiliate_id: i64,
    /// Their name.
    pub affiliate: String,
    code_key: String,
}

impl Waiting {
    /// Whether an exclusion would have stopped it.
    pub fn is_like(&self, pattern: &Pattern) -> bool {
        pattern.stops(&self.code_key)
    }
}

/// The codes of the merchant that somebody waits for, the oldest request first.
///
/// # Errors
/// The database's.
pub fn waiting(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Vec<Waiting>> {
    let found: Vec<(String, String, i64, String)> = code_requests::table
        .inner_join(
            affiliates::table.on(affiliates::merchant_id
                .eq(code_requests::merchant_id)
                .and(affiliates::id.eq(code_requests::affiliate_id))),
        )
        .filter(code_requests::merchant_id.eq(merchant_id))
        .filter(code_requests::status.eq(CodeRequestStatus::Pending))
        .order(code_requests::id)
        .limit(MOST_WAITING)
        .select((
            code_requests::code,
            code_requests::code_key,
            code_requests::affiliate_id,
            affiliates::name,
        ))
        .load(conn)?;
    let waiting = found.into_iter().map(|(code, code_key, affiliate_id, affiliate)| Waiting {
        code,
        affiliate_id,
        affiliate,
        code_key,
    });
    Ok(waiting.collect())
}

/// Whether some trigger has the key, in force or retired, or a request reserves it.
pub(super) fn is_taken(conn: &mut PgConnection, merchant_id: i64, key: &str) -> QueryResult<bool> {
    let held: bool = diesel::select(exists(
        triggers::table
            .filter(triggers::merchant_id.eq(merchant_id))
            .filter(triggers::kind.eq(TriggerKind::CouponCode))
            .filter(triggers::key.eq(key)),
    ))
    .get_result(conn)?;
    Ok(held || reserved_for(conn, merchant_id, key)?.is_some())
}

/// Why a code cannot be had by an affiliate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotToBeHad {
    /// It breaks a rule of codes.
    Invalid(CodeError),
    /// Somebody has it, had it, or asked for it: who, is not for an affiliate to know.
    Taken(String),
    /// The program gives out no such codes: the sentence that says so.
    Excluded(String),
}

impl NotToBeHad {
    /// In words for the field.
    pub fn words(&self) -> String {
        match self {
            Self::Invalid(reason) => reason.to_string(),
            Self::Taken(code) => format!("{code} is taken. Choose another code."),
            Self::Excluded(sentence) => sentence.clone(),
        }
    }
}

/// A code that cannot be had, with free ones in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub why: NotToBeHad,
    /// Codes that were free a moment ago; none for a code that breaks the rules.
    pub free: Vec<String>,
}

/// Whether an affiliate of that name can have the code that was typed. For certain only under
/// [`hold_all`]; before that, a good guess.
///
/// # Errors
/// The database's.
pub fn check(
    conn: &mut PgConnection,
    merchant_id: i64,
    typed: &str,
    affiliate_name: &str,
    now: DateTime<Utc>,
) -> QueryResult<Result<CouponCode, Refused>> {
    let code = match CouponCode::parse(typed) {
        Ok(code) => code,
        Err(reason) => {
            return Ok(Err(Refused { why: NotToBeHad::Invalid(reason), free: Vec::new() }));
        }
    };
    if is_taken(conn, merchant_id, code.key())? {
        let why = NotToBeHad::Taken(code.value().to_owned());
        let free = free_codes(conn, merchant_id, &code, affiliate_name, now)?;
        return Ok(Err(Refused { why, free }));
    }
    if let Some(excluded) = exclusions::verdict(conn, merchant_id, &code, now)? {
        let why = NotToBeHad::Excluded(excluded.refusal());
        let free = unlike(conn, merchant_id, &code, affiliate_name, now)?;
        return Ok(Err(Refused { why, free }));
    }
    Ok(Ok(code))
}

/// As many are offered in place of a code that cannot be had.
const OFFERED: usize = 3;

/// Free codes in place of an excluded one: what is like it mostly is excluded as well, so that the
/// affiliate's own name comes first.
fn unlike(
    conn: &mut PgConnection,
    merchant_id: i64,
    code: &CouponCode,
    affiliate_name: &str,
    now: DateTime<Utc>,
) -> QueryResult<Vec<String>> {
    let word = affiliate_name.split_whitespace().next().unwrap_or_default();
    let own: String = word.chars().filter(|c| c.is_alphanumeric()).collect();
    let mut free: Vec<String> = Vec::with_capacity(OFFERED);
    for seed in [own.to_uppercase().as_str(), code.key(), "FRIEND"] {
        let Ok(seed) = CouponCode::parse(seed) else { continue };
        for candidate in free_codes(conn, merchant_id, &seed, affiliate_name, now)? {
            if free.len() < OFFERED && !free.contains(&candidate) {
                free.push(candidate);
            }
        }
        if free.len() == OFFERED {
            break;
        }
    }
    Ok(free)
}
