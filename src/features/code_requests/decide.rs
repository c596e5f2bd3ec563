//! Further codes that affiliates ask for in the portal: approval, denial, and the way back.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::denial::Denial;
use super::emails;
use super::request::{
    Reversal, approve_requested, deny_requested, reverse, take_decided, take_waiting,
};
use crate::features::affiliates::{Affiliate, AffiliateStatus};
use crate::features::applications::CodeRequest;
use crate::features::auth::Merchant;
use crate::kit::audit::Actor;

/// What a decision about further codes did.
#[derive(Debug, Default)]
pub struct DecidedCodes {
    /// The requests that are approved or denied now, with the names of who asked.
    pub decided: Vec<(CodeRequest, String)>,
    /// Codes that wait on, because who asked for them is not Active.
    pub inactive: Vec<(String, String)>,
    /// Codes that are somebody else’s by now.
    pub lost: Vec<(String, String)>,
}

/// Makes triggers of further codes, queues them for the stores, and writes to whom they belong. Of
/// two members at once, one finds nothing left to do.
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

/// Frees further codes that were asked for. Who asked reads the reason in the portal, and in a
/// letter where `sends_email`.
pub fn deny_codes(
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

/// What taking decisions about further codes back did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ReversedCodes {
    /// Codes that wait for a decision again.
    pub waiting: Vec<String>,
    /// Codes that had become triggers, which are retired now.
    pub retired: Vec<String>,
    /// How many stayed as they are: decided anew, withdrawn, or somebody else’s by now.
    pub left: usize,
}

/// Takes decisions back that were made at `decided_at`. Nobody is written to. Of two members at
/// once, one finds nothing left to do.
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
            Reversal::Waits => outcome.waiting.push(request.code),
            Reversal::Retired => outcome.retired.push(request.code),
            Reversal::Stays => {}
        }
    }
    outcome.left = request_ids.len() - outcome.waiting.len() - outcome.retired.len();
    Ok(outcome)
}

/// The requests that still wait, by who asked.
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
