//! Further codes that affiliates ask for in the portal: approval and denial.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::decide::Denial;
use super::letters;
use crate::affiliates::{Affiliate, AffiliateStatus};
use crate::audit::Actor;
use crate::auth::Merchant;
use crate::code_requests::{self, CodeRequest};

/// What a decision about further codes did.
#[derive(Debug, Default)]
pub struct DecidedCodes {
    /// Codes that are approved or denied now, with the names of who asked for them.
    pub decided: Vec<(String, String)>,
    /// Codes that wait on, because who asked for them is not Active.
    pub inactive: Vec<(String, String)>,
    /// Codes that are somebody else’s by now.
    pub lost: Vec<(String, String)>,
}

/// Makes triggers of further codes, queues them for the stores, and writes to whom they belong. Of
/// two members at once, one finds nothing left to do.
///
/// # Errors
/// The database's.
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
            let named = (request.code.clone(), affiliate.name.clone());
            if affiliate.status != AffiliateStatus::Active {
                outcome.inactive.push(named);
            } else if code_requests::approve_further(conn, actor, request)? {
                codes.push(request.code.as_str());
                outcome.decided.push(named);
            } else {
                outcome.lost.push(named);
            }
        }
        if !codes.is_empty() {
            letters::codes_approved(conn, &merchant, &affiliate, &codes)?;
        }
    }
    Ok(outcome)
}

/// Frees further codes that were asked for. Who asked reads the reason in the portal, and in a
/// letter where `sends_letter`.
///
/// # Errors
/// The database's.
pub fn deny_codes(
    conn: &mut PgConnection,
    actor: &Actor,
    request_ids: &[i64],
    denial: &Denial,
    sends_letter: bool,
) -> QueryResult<DecidedCodes> {
    let mut outcome = DecidedCodes::default();
    let merchant = Merchant::find(conn, actor.merchant_id)?;
    for (affiliate, requests) in taken(conn, actor, request_ids)? {
        for request in &requests {
            code_requests::deny_further(conn, actor, request, &denial.reason)?;
            outcome.decided.push((request.code.clone(), affiliate.name.clone()));
        }
        if sends_letter {
            let codes: Vec<&str> = requests.iter().map(|request| request.code.as_str()).collect();
            letters::codes_denied(conn, &merchant, &affiliate, &codes, denial)?;
        }
    }
    Ok(outcome)
}

/// The requests that still wait, by who asked.
fn taken(
    conn: &mut PgConnection,
    actor: &Actor,
    request_ids: &[i64],
) -> QueryResult<Vec<(Affiliate, Vec<CodeRequest>)>> {
    let mut by_affiliate: BTreeMap<i64, Vec<CodeRequest>> = BTreeMap::new();
    for request in code_requests::take_waiting(conn, actor.merchant_id, request_ids)? {
        by_affiliate.entry(request.affiliate_id).or_default().push(request);
    }
    let of = |(id, requests)| Ok((Affiliate::find(conn, actor.merchant_id, id)?, requests));
    by_affiliate.into_iter().map(of).collect()
}
