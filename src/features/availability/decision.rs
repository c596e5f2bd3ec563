use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use vouch_core::trigger::{TriggerKind, TriggerValue, ValueError};

use super::excluded::{Excluded, exclusions_of};
use crate::features::applications::CodeRequestStatus;
use crate::kit::db::schema::{affiliates, code_requests, triggers};

/// Why a coupon code, customer email or SKU can't become a trigger. The first reason that applies
/// wins.
///
/// Reasons that can't change come first: a held value is taken permanently, a request waits for a
/// member's decision, an exclusion can be overridden by a member. The store's own codes will come
/// before exclusions, once Vouch knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unavailable {
    Malformed(ValueError),
    Held(HeldTrigger),
    Requested(PendingRequest),
    Excluded(Excluded),
}

/// The trigger that has a value, active or retired, and its affiliate.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct HeldTrigger {
    pub trigger_id: i64,
    /// As typed.
    pub value: String,
    pub affiliate_id: i64,
    pub affiliate: String,
    pub retired_at: Option<DateTime<Utc>>,
}

/// The affiliate whose request for the code is pending.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct PendingRequest {
    pub affiliate_id: i64,
    pub affiliate: String,
}

impl HeldTrigger {
    pub(crate) fn is_retired(&self) -> bool {
        self.retired_at.is_some()
    }
}

/// [`check_all`] for one value.
pub fn check(
    conn: &mut PgConnection,
    merchant_id: i64,
    wanted: &TriggerValue,
    now: DateTime<Utc>,
) -> QueryResult<Result<(), Unavailable>> {
    Ok(check_all(conn, merchant_id, &[wanted], now)?.pop().unwrap_or(Ok(())))
}

/// Whether each value can become a trigger of the merchant, in the given order.
///
/// Under [`super::lock_codes_exclusive`] the result holds until the end of the transaction. Under
/// [`super::lock_codes_shared`] a concurrent trigger can still win, which violates
/// `triggers_key_unique`. A second call then returns its holder.
pub(crate) fn check_all(
    conn: &mut PgConnection,
    merchant_id: i64,
    wanted: &[&TriggerValue],
    now: DateTime<Utc>,
) -> QueryResult<Vec<Result<(), Unavailable>>> {
    let keys: Vec<&str> = wanted.iter().map(|one| one.key.as_str()).collect();
    let codes = wanted.iter().filter(|one| one.is_code());
    let codes: Vec<&str> = codes.map(|one| one.key.as_str()).collect();
    let held = held(conn, merchant_id, &keys)?;
    let requested = requested(conn, merchant_id, &codes)?;
    let mut excluded = exclusions_of(conn, merchant_id, &codes, now)?.into_iter();
    let answers = wanted.iter().map(|one| {
        let excluded = if one.is_code() { excluded.next().flatten() } else { None };
        if let Some(held) = held.get(&(one.kind, one.key.clone())) {
            return Err(Unavailable::Held(held.clone()));
        }
        if let Some(requested) = requested.get(&one.key).filter(|_| one.is_code()) {
            return Err(Unavailable::Requested(requested.clone()));
        }
        excluded.map_or(Ok(()), |excluded| Err(Unavailable::Excluded(excluded)))
    });
    Ok(answers.collect())
}

fn held(
    conn: &mut PgConnection,
    merchant_id: i64,
    keys: &[&str],
) -> QueryResult<HashMap<(TriggerKind, String), HeldTrigger>> {
    let of_affiliate = affiliates::merchant_id
        .eq(triggers::merchant_id)
        .and(affiliates::id.eq(triggers::affiliate_id));
    let rows: Vec<(TriggerKind, String, HeldTrigger)> = triggers::table
        .inner_join(affiliates::table.on(of_affiliate))
        .filter(triggers::merchant_id.eq(merchant_id))
        .filter(triggers::key.eq_any(keys))
        .select((
            triggers::kind,
            triggers::key,
            (
                triggers::id,
                triggers::value,
                triggers::affiliate_id,
                affiliates::name,
                triggers::retired_at,
            ),
        ))
        .load(conn)?;
    Ok(rows.into_iter().map(|(kind, key, held)| ((kind, key), held)).collect())
}

fn requested(
    conn: &mut PgConnection,
    merchant_id: i64,
    keys: &[&str],
) -> QueryResult<HashMap<String, PendingRequest>> {
    let of_affiliate = affiliates::merchant_id
        .eq(code_requests::merchant_id)
        .and(affiliates::id.eq(code_requests::affiliate_id));
    let rows: Vec<(String, PendingRequest)> = code_requests::table
        .inner_join(affiliates::table.on(of_affiliate))
        .filter(code_requests::merchant_id.eq(merchant_id))
        .filter(code_requests::code_key.eq_any(keys))
        .filter(code_requests::status.eq(CodeRequestStatus::Pending))
        .select((code_requests::code_key, (affiliates::id, affiliates::name)))
        .load(conn)?;
    Ok(rows.into_iter().collect())
}
