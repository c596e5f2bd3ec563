//! Approves and denies additional codes that affiliates request in the portal, and reverses those
//! decisions.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::denial::Denial;
use super::emails;
use super::request::{
    ReversalOutcome, approve_requested, deny_requested, reverse, take_decided, take_waiting,
};
use crate::features::affiliates::{Affiliate, AffiliateStatus};
use crate::features::applications::CodeRequest;
use crate::features::auth::Merchant;
use crate::kit::audit::Actor;

/// The result of deciding requests for additional codes.
#[derive(Debug, Default)]
pub struct DecidedCodes {
    /// The requests that are now approved or denied, with the affiliates' names.
    pub decided: Vec<(CodeRequest, String)>,
    /// Codes that stay pending because their affiliate isn't active: (code, affiliate).
    pub inactive: Vec<(String, String)>,
    /// Codes that someone else has meanwhile.
    pub lost: Vec<(String, String)>,
}

/// Creates triggers for requested codes, queues them for the stores and emails the affiliates. If
/// two members approve at once, the second finds nothing left to do.
pub fn approve_codes(
    conn: &mut PgConnection,
    actor: &Actor,
    request_ids: &[i64],
) -> QueryResult<DecidedCodes> {
    let mut outcome = DecidedCodes::default();
    let merchant = Merchant::find(conn, actor.merchant_id)?;
    for (affiliate, requests) in taken(conn, actor, request_ids)? {
        let mut codes = Vec::new();
        for request in &requests {
            let name = affiliate.name.clone();
            if affiliate.status != AffiliateStatus::Active {
                outcome.inactive.push((request.code.clone(), name));
            } else if approve_requested(conn, actor, request)? {
                codes.push(request.code.as_str());
                outcome.decided.push((request.clone(), name));
            } else {
                outcome.lost.push((request.code.clone(), name));
            }
        }
        if !codes.is_empty() {
            emails::codes_approved(conn, &merchant, &affiliate, &codes)?;
        }
    }
    Ok(outcome)
}

/// Denies requests and releases their codes. The affiliate sees the reason in the portal, and in an
/// email if `sends_email`.
pub(crate) fn deny_codes(
    conn: &mut PgConnection,
    actor: &Actor,
    request_ids: &[i64],
    denial: &Denial,
    sends_email: bool,
) -> QueryResult<DecidedCodes> {
    let mut outcome = DecidedCodes::default();
    let merchant = Merchant::find(conn, actor.merchant_id)?;
    for (affiliate, requests) in taken(conn, actor, request_ids)? {
        for request in &requests {
            deny_requested(conn, actor, request, &denial.reason)?;
            outcome.decided.push((request.clone(), affiliate.name.clone()));
        }
        if sends_email {
            let codes: Vec<&str> = requests.iter().map(|request| request.code.as_str()).collect();
            emails::codes_denied(conn, &merchant, &affiliate, &codes, denial)?;
        }
    }
    Ok(outcome)
}

/// The result of reversing decisions.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ReversedCodes {
    /// Codes that are pending again.
    pub waiting: Vec<String>,
    /// Codes of triggers that are retired now.
    pub retired: Vec<String>,
    /// How many stayed unchanged: decided again, withdrawn, or held by someone else.
    pub left: usize,
}

/// Reverses decisions made at `decided_at`, without an email. If two members do it at once, the
/// second finds nothing left to do.
pub fn reverse_codes(
    conn: &mut PgConnection,
    actor: &Actor,
    request_ids: &[i64],
    decided_at: DateTime<Utc>,
) -> QueryResult<ReversedCodes> {
    let merchant_id = actor.merchant_id;
    let mut outcome = ReversedCodes::default();
    for request in take_decided(conn, merchant_id, request_ids, decided_at)? {
        match reverse(conn, actor, &request)? {
            ReversalOutcome::Waits => outcome.waiting.push(request.code),
            ReversalOutcome::Retired => outcome.retired.push(request.code),
            ReversalOutcome::Stays => {}
        }
    }
    outcome.left = request_ids.len() - outcome.waiting.len() - outcome.retired.len();
    Ok(outcome)
}

/// The pending requests, by affiliate.
fn taken(
    conn: &mut PgConnection,
    actor: &Actor,
    request_ids: &[i64],
) -> QueryResult<Vec<(Affiliate, Vec<CodeRequest>)>> {
    let mut by_affiliate: BTreeMap<i64, Vec<CodeRequest>> = BTreeMap::new();
    for request in take_waiting(conn, actor.merchant_id, request_ids)? {
        by_affiliate.entry(request.affiliate_id).or_default().push(request);
    }
    let of = |(id, requests)| Ok((Affiliate::find(conn, actor.merchant_id, id)?, requests));
    by_affiliate.into_iter().map(of).collect()
}
