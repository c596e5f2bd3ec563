//! Additional codes, which affiliates request in the portal and members decide one by one.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::model::{approve_one, close, note, open, reopen_one};
use super::reserve::check;
use crate::features::affiliates::{Affiliate, AffiliateStatus};
use crate::features::applications::{CodeRequest, CodeRequestOrigin, CodeRequestStatus, waiting};
use crate::features::audit::AuditEvent;
use crate::features::availability::{UnavailableValue, lock_codes_exclusive};
use crate::features::triggers::{Trigger, retire};
use crate::kit::audit::Actor;
use crate::kit::db::schema::{affiliates, code_requests};
use crate::kit::lists::{ColumnType, Listing, Range, SortOrder};

/// The maximum number of pending additional codes per affiliate.
pub(crate) const MAX_WAITING: usize = 3;

/// The result of a request for an additional code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestOutcome {
    /// The request is pending, and its code is reserved.
    Waits(CodeRequest),
    /// The code isn't available.
    Refused(UnavailableValue),
    /// The affiliate already has too many pending requests.
    TooMany,
    /// The affiliate isn't active.
    NotActive,
}

/// Reserves an additional code for an affiliate until a member decides. The caller checks whether
/// the program allows requests. Fails with `NotFound` if the merchant has no such affiliate.
pub fn ask(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate_id: i64,
    typed: &str,
) -> QueryResult<RequestOutcome> {
    let merchant_id = actor.merchant_id;
    // With this lock, an available code stays available until the end of the transaction.
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

/// Withdraws an affiliate's request and releases its code. Returns `None` if it was decided
/// meanwhile. Fails with `NotFound` if the affiliate has no such request.
pub(crate) fn withdraw(
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
    let event = AuditEvent::CodeRequestWithdrawn { code: request.code.clone() };
    note(conn, actor, affiliate_id, event)?;
    Ok(Some(request))
}

/// Locks those of `request_ids` that are still pending until the end of the transaction. Skips
/// requests that were decided or belong to another merchant.
pub(crate) fn take_waiting(
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

/// Creates a trigger for a request from [`take_waiting`]. Returns `false` if someone else has the
/// code.
pub(crate) fn approve_requested(
    conn: &mut PgConnection,
    actor: &Actor,
    request: &CodeRequest,
) -> QueryResult<bool> {
    let approved = approve_one(conn, actor, request)?;
    if approved {
        let event = AuditEvent::CodeRequestApproved { code: request.code.clone() };
        note(conn, actor, request.affiliate_id, event)?;
    }
    Ok(approved)
}

/// Denies a request from [`take_waiting`] and releases its code. Its affiliate sees the reason.
pub(crate) fn deny_requested(
    conn: &mut PgConnection,
    actor: &Actor,
    request: &CodeRequest,
    reason: &str,
) -> QueryResult<()> {
    close(conn, actor, request, CodeRequestStatus::Denied, reason)?;
    let event = AuditEvent::CodeRequestDenied { code: request.code.clone() };
    note(conn, actor, request.affiliate_id, event)
}

/// Locks those of `request_ids` that were approved or denied at `decided_at` until the end of the
/// transaction.
pub(crate) fn take_decided(
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

/// The result of reversing a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReversalOutcome {
    /// The denied code is pending again.
    Waits,
    /// The approved code's trigger is retired. The code stays the affiliate's permanently.
    Retired,
    /// Nothing changed: someone else has the denied code, or the approved one is no longer the
    /// affiliate's to retire.
    Stays,
}

/// Reverses the decision on a request from [`take_decided`], as far as possible.
pub(crate) fn reverse(
    conn: &mut PgConnection,
    actor: &Actor,
    request: &CodeRequest,
) -> QueryResult<ReversalOutcome> {
    let Some(trigger_id) = request.trigger_id else {
        let waits = reopen_one(conn, actor, request)?;
        return Ok(if waits { ReversalOutcome::Waits } else { ReversalOutcome::Stays });
    };
    let trigger = Trigger::find(conn, actor.merchant_id, trigger_id)?;
    let retired = trigger.affiliate_id == request.affiliate_id && retire(conn, actor, &trigger)?;
    Ok(if retired { ReversalOutcome::Retired } else { ReversalOutcome::Stays })
}

/// The oldest first.
pub(super) const OLDEST: SortOrder =
    SortOrder::ascending(&[("code_requests.id", ColumnType::Number)]);

/// Some of the further codes that wait, with who asks for them.
pub(super) fn waiting_rows(
    conn: &mut PgConnection,
    merchant_id: i64,
    range: &Range,
) -> QueryResult<Listing<(CodeRequest, Affiliate)>> {
    let of_affiliate = affiliates::merchant_id
        .eq(code_requests::merchant_id)
        .and(affiliates::id.eq(code_requests::affiliate_id));
    let query = waiting(merchant_id)
        .inner_join(affiliates::table.on(of_affiliate))
        .select((CodeRequest::as_select(), Affiliate::as_select()))
        .into_boxed();
    let found: Vec<(CodeRequest, Affiliate)> = range.walk(query).load(conn)?;
    Ok(range.listing(found, |(request, _)| (request.id,)))
}
