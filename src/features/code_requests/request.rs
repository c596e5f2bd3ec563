//! Further codes: asked for in the portal, and decided one by one.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::model::{approve_one, close, note, open, reopen_one};
use super::reserve::check;
use crate::features::affiliates::{Affiliate, AffiliateStatus};
use crate::features::applications::{CodeRequest, CodeRequestOrigin, CodeRequestStatus, waiting};
use crate::features::availability::{Refused, lock_codes_exclusive};
use crate::features::triggers::{Trigger, retire};
use crate::kit::audit::Actor;
use crate::kit::db::schema::{affiliates, code_requests};
use crate::kit::web::paginate::{Cursor, Listing, PAGE_SIZE};

/// An affiliate can have so many further codes waiting at once.
pub const MAX_WAITING: usize = 3;

/// What became of a question for a further code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestOutcome {
    /// It waits, and its code is reserved.
    Waits(CodeRequest),
    /// The code cannot be had.
    Refused(Refused),
    /// Too many of theirs wait already.
    TooMany,
    /// The affiliate does not take part at the moment.
    NotActive,
}

/// Reserves a further code for an affiliate until a member decides. Whether the program allows that
/// is the caller's to know.
///
/// # Errors
/// The database's; `NotFound` when the merchant has no such affiliate.
pub fn ask(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate_id: i64,
    typed: &str,
) -> QueryResult<RequestOutcome> {
    let merchant_id = actor.merchant_id;
    // Alone from here on: what is free now, stays free until the end.
    lock_codes_exclusive(conn, merchant_id)?;
    let affiliate = Affiliate::find(conn, merchant_id, affiliate_id)?;
    if affiliate.status != AffiliateStatus::Active {
        return Ok(RequestOutcome::NotActive);
    }
    let waiting: i64 = waiting(merchant_id)
        .filter(code_requests::affiliate_id.eq(affiliate_id))
        .count()
        .get_result(conn)?;
    if waiting >= MAX_WAITING as i64 {
        return Ok(RequestOutcome::TooMany);
    }
    match check(conn, merchant_id, typed, &affiliate.name, actor.now)? {
        Ok(code) => {
            let origin = CodeRequestOrigin::Portal;
            open(conn, actor, &affiliate, &code, origin).map(RequestOutcome::Waits)
        }
        Err(refused) => Ok(RequestOutcome::Refused(refused)),
    }
}

/// Takes back what an affiliate asked for: the code is free again. `None` if that was decided
/// meanwhile.
///
/// # Errors
/// `NotFound` when the affiliate never asked for it.
pub fn withdraw(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate_id: i64,
    request_id: i64,
) -> QueryResult<Option<CodeRequest>> {
    lock_codes_exclusive(conn, actor.merchant_id)?;
    let request: CodeRequest = code_requests::table
        .find((actor.merchant_id, request_id))
        .filter(code_requests::affiliate_id.eq(affiliate_id))
        .filter(code_requests::origin.eq(CodeRequestOrigin::Portal))
        .select(CodeRequest::as_select())
        .for_update()
        .first(conn)?;
    if request.status != CodeRequestStatus::Pending {
        return Ok(None);
    }
    close(conn, actor, &request, CodeRequestStatus::Withdrawn, "")?;
    let summary = format!("{} no longer asks for the code {}.", actor.name, request.code);
    note(conn, actor, "code_request.withdrawn", affiliate_id, summary)?;
    Ok(Some(request))
}

/// Those among `request_ids` that still wait, kept from others until the end of the transaction;
/// the ones that were decided, or are not the merchant's, are left out.
pub fn take_waiting(
    conn: &mut PgConnection,
    merchant_id: i64,
    request_ids: &[i64],
) -> QueryResult<Vec<CodeRequest>> {
    lock_codes_exclusive(conn, merchant_id)?;
    waiting(merchant_id)
        .filter(code_requests::id.eq_any(request_ids))
        .order(code_requests::id)
        .select(CodeRequest::as_select())
        .for_update()
        .load(conn)
}

/// Makes a trigger of a request from [`take_waiting`]; `false` if its code is another's.
pub fn approve_requested(
    conn: &mut PgConnection,
    actor: &Actor,
    request: &CodeRequest,
) -> QueryResult<bool> {
    let approved = approve_one(conn, actor, request)?;
    if approved {
        let summary = format!("{} is approved.", request.code);
        note(conn, actor, "code_request.approved", request.affiliate_id, summary)?;
    }
    Ok(approved)
}

/// Frees the code of a request from [`take_waiting`]; its affiliate reads the reason.
pub fn deny_requested(
    conn: &mut PgConnection,
    actor: &Actor,
    request: &CodeRequest,
    reason: &str,
) -> QueryResult<()> {
    close(conn, actor, request, CodeRequestStatus::Denied, reason)?;
    let summary = format!("{} is denied, and free again.", request.code);
    note(conn, actor, "code_request.denied", request.affiliate_id, summary)
}

/// Those among `request_ids` that were approved or denied at `decided_at`, kept from others until
/// the end of the transaction.
pub fn take_decided(
    conn: &mut PgConnection,
    merchant_id: i64,
    request_ids: &[i64],
    decided_at: DateTime<Utc>,
) -> QueryResult<Vec<CodeRequest>> {
    lock_codes_exclusive(conn, merchant_id)?;
    code_requests::table
        .filter(code_requests::merchant_id.eq(merchant_id))
        .filter(code_requests::id.eq_any(request_ids))
        .filter(code_requests::origin.eq(CodeRequestOrigin::Portal))
        .filter(code_requests::decided_at.eq(decided_at))
        .filter(code_requests::status.ne(CodeRequestStatus::Withdrawn))
        .order(code_requests::id)
        .select(CodeRequest::as_select())
        .for_update()
        .load(conn)
}

/// What taking a decision back came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reversal {
    /// The denied code waits for a decision again.
    Waits,
    /// The approved code is a trigger, and its code its affiliate's for ever: the trigger is retired.
    Retired,
    /// The denied code is somebody else's by now, or the approved one is no longer theirs to retire.
    Stays,
}

/// Takes the decision about a request from [`take_decided`] back, as far as that can be done.
pub fn reverse(
    conn: &mut PgConnection,
    actor: &Actor,
    request: &CodeRequest,
) -> QueryResult<Reversal> {
    let Some(trigger_id) = request.trigger_id else {
        let waits = reopen_one(conn, actor, request)?;
        return Ok(if waits { Reversal::Waits } else { Reversal::Stays });
    };
    let trigger = Trigger::find(conn, actor.merchant_id, trigger_id)?;
    let retired = trigger.affiliate_id == request.affiliate_id && retire(conn, actor, &trigger)?;
    Ok(if retired { Reversal::Retired } else { Reversal::Stays })
}

/// Further codes that wait, with who asks for them, the oldest first.
pub fn waiting_page(
    conn: &mut PgConnection,
    merchant_id: i64,
    cursor: &Cursor<i64>,
) -> QueryResult<Listing<(CodeRequest, Affiliate)>> {
    let of_affiliate = affiliates::merchant_id
        .eq(code_requests::merchant_id)
        .and(affiliates::id.eq(code_requests::affiliate_id));
    let mut query = waiting(merchant_id)
        .inner_join(affiliates::table.on(of_affiliate))
        .select((CodeRequest::as_select(), Affiliate::as_select()))
        .limit(i64::try_from(PAGE_SIZE + 1).unwrap_or(i64::MAX))
        .into_boxed();
    query = match cursor {
        Cursor::Start => query.order(code_requests::id.asc()),
        Cursor::After(id) => query.filter(code_requests::id.gt(*id)).order(code_requests::id.asc()),
        Cursor::Before(id) => {
            query.filter(code_requests::id.lt(*id)).order(code_requests::id.desc())
        }
    };
    Ok(Listing::new(query.load(conn)?, cursor, |(request, _)| request.id))
}
