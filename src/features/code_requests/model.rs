use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::features::affiliates::Affiliate;
use crate::features::applications::{CodeRequest, CodeRequestOrigin, CodeRequestStatus};
use crate::features::audit::{Act, AuditEvent};
use crate::features::availability::{self, Unavailable};
use crate::features::triggers::{CreateTriggerError, Reach, TriggerValue, create_value};
use crate::kit::audit::{Actor, SubjectKind, record};
use crate::kit::db::schema::code_requests;

/// Reserves a code for an affiliate. The caller holds [`availability::lock_codes_exclusive`] and
/// has called [`super::check`]. Fails with a unique violation if the code is already reserved.
pub fn open(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate: &Affiliate,
    code: &TriggerValue,
    origin: CodeRequestOrigin,
) -> QueryResult<CodeRequest> {
    let request: CodeRequest = diesel::insert_into(code_requests::table)
        .values((
            code_requests::merchant_id.eq(actor.merchant_id),
            code_requests::affiliate_id.eq(affiliate.id),
            code_requests::code.eq(&code.value),
            code_requests::code_key.eq(&code.key),
            code_requests::status.eq(CodeRequestStatus::Pending),
            code_requests::requested_at.eq(actor.now),
            code_requests::origin.eq(origin),
        ))
        .returning(CodeRequest::as_returning())
        .get_result(conn)?;
    let event = AuditEvent::CodeRequested { code: request.code.clone(), is_again: false };
    note(conn, actor, affiliate.id, event)?;
    Ok(request)
}

pub(super) fn note(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate_id: i64,
    event: AuditEvent,
) -> QueryResult<()> {
    record(conn, actor, Act::new(event, SubjectKind::Affiliate, Some(affiliate_id)))
}

fn pending(
    conn: &mut PgConnection,
    merchant_id: i64,
    affiliate_id: i64,
) -> QueryResult<Vec<CodeRequest>> {
    code_requests::table
        .filter(code_requests::merchant_id.eq(merchant_id))
        .filter(code_requests::affiliate_id.eq(affiliate_id))
        .filter(code_requests::status.eq(CodeRequestStatus::Pending))
        .order(code_requests::id)
        .select(CodeRequest::as_select())
        .for_update()
        .load(conn)
}

fn newest_denied(
    conn: &mut PgConnection,
    merchant_id: i64,
    affiliate_id: i64,
) -> QueryResult<Option<CodeRequest>> {
    code_requests::table
        .filter(code_requests::merchant_id.eq(merchant_id))
        .filter(code_requests::affiliate_id.eq(affiliate_id))
        .filter(code_requests::origin.eq(CodeRequestOrigin::Application))
        .filter(code_requests::status.eq(CodeRequestStatus::Denied))
        .order(code_requests::id.desc())
        .select(CodeRequest::as_select())
        .for_update()
        .first(conn)
        .optional()
}

/// The result of approving an affiliate's codes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Approved {
    /// Codes that are triggers of the affiliate now.
    pub(crate) codes: Vec<String>,
    /// Codes that someone else got meanwhile, because a denial had released them.
    pub(crate) lost: Vec<String>,
}

/// Creates triggers for the codes an affiliate applied with. The caller holds
/// [`availability::lock_codes_exclusive`]. With `revive`, it also approves a code that was denied
/// together with its affiliate, unless someone else has it. Additional codes wait for their own
/// decision.
pub(crate) fn approve(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate_id: i64,
    revive: bool,
) -> QueryResult<Approved> {
    let mut requests = pending(conn, actor.merchant_id, affiliate_id)?;
    requests.retain(|request| request.origin == CodeRequestOrigin::Application);
    if requests.is_empty() && revive {
        requests.extend(newest_denied(conn, actor.merchant_id, affiliate_id)?);
    }
    let mut approved = Approved::default();
    for request in requests {
        match approve_one(conn, actor, &request)? {
            true => approved.codes.push(request.code),
            false => approved.lost.push(request.code),
        }
    }
    Ok(approved)
}

/// Creates a trigger for one request. The caller holds [`availability::lock_codes_exclusive`].
/// Returns `false` if someone else has the code.
pub(super) fn approve_one(
    conn: &mut PgConnection,
    actor: &Actor,
    request: &CodeRequest,
) -> QueryResult<bool> {
    // The request must release its code first, because it would block the trigger too.
    let row = code_requests::table.find((actor.merchant_id, request.id));
    diesel::update(row)
        .set((
            code_requests::status.eq(CodeRequestStatus::Approved),
            code_requests::decided_at.eq(actor.now),
        ))
        .execute(conn)?;
    let (code, reach) = (TriggerValue::accepted_code(&request.code), Reach::Stores);
    // A member has decided, and saw which exclusions match the code.
    let created = create_value(conn, actor, request.affiliate_id, &code, reach, true);
    let trigger_id = match created {
        Ok(trigger) => trigger.id,
        Err(CreateTriggerError::Database(error)) => return Err(error),
        Err(CreateTriggerError::Refused(_)) => {
            diesel::update(row)
                .set(code_requests::status.eq(CodeRequestStatus::Denied))
                .execute(conn)?;
            return Ok(false);
        }
    };
    diesel::update(row).set(code_requests::trigger_id.eq(trigger_id)).execute(conn)?;
    Ok(true)
}

/// Ends a request without a trigger and releases its code.
pub(super) fn close(
    conn: &mut PgConnection,
    actor: &Actor,
    request: &CodeRequest,
    status: CodeRequestStatus,
    reason: &str,
) -> QueryResult<()> {
    diesel::update(code_requests::table.find((actor.merchant_id, request.id)))
        .set((
            code_requests::status.eq(status),
            code_requests::decided_at.eq(actor.now),
            code_requests::reason.eq(reason),
        ))
        .execute(conn)?;
    Ok(())
}

/// Denies an affiliate's pending requests and releases their codes. Returns the codes.
pub(crate) fn deny(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate_id: i64,
) -> QueryResult<Vec<String>> {
    let requests = pending(conn, actor.merchant_id, affiliate_id)?;
    for request in &requests {
        let denied = CodeRequestStatus::Denied;
        close(conn, actor, request, denied, "")?;
        let event = AuditEvent::CodeRequestDenied { code: request.code.clone() };
        note(conn, actor, affiliate_id, event)?;
    }
    Ok(requests.into_iter().map(|request| request.code).collect())
}

/// Reserves the code that was denied together with its affiliate again, unless someone else has it.
/// The caller holds [`availability::lock_codes_exclusive`].
pub(crate) fn reopen(conn: &mut PgConnection, actor: &Actor, affiliate_id: i64) -> QueryResult<()> {
    let merchant_id = actor.merchant_id;
    if let Some(request) = newest_denied(conn, merchant_id, affiliate_id)? {
        reopen_one(conn, actor, &request)?;
    }
    Ok(())
}

/// Reserves the codes that were denied together with an affiliate at `since` again, unless someone
/// else has them. The caller holds [`availability::lock_codes_exclusive`].
pub(crate) fn reopen_denied_at(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate_id: i64,
    since: DateTime<Utc>,
) -> QueryResult<()> {
    let denied: Vec<CodeRequest> = code_requests::table
        .filter(code_requests::merchant_id.eq(actor.merchant_id))
        .filter(code_requests::affiliate_id.eq(affiliate_id))
        .filter(code_requests::status.eq(CodeRequestStatus::Denied))
        .filter(code_requests::decided_at.eq(since))
        .order(code_requests::id)
        .select(CodeRequest::as_select())
        .for_update()
        .load(conn)?;
    for request in &denied {
        reopen_one(conn, actor, request)?;
    }
    Ok(())
}

/// Reverses the denial of one request, so its code is reserved again. The caller holds
/// [`availability::lock_codes_exclusive`]. Returns `false` if someone else has the code.
pub(super) fn reopen_one(
    conn: &mut PgConnection,
    actor: &Actor,
    request: &CodeRequest,
) -> QueryResult<bool> {
    let code = TriggerValue {
        key: request.code_key.clone(),
        ..TriggerValue::accepted_code(&request.code)
    };
    match availability::check(conn, actor.merchant_id, &code, actor.now)? {
        Ok(()) | Err(Unavailable::Excluded(_)) => {}
        Err(_) => return Ok(false),
    }
    diesel::update(code_requests::table.find((actor.merchant_id, request.id)))
        .set((
            code_requests::status.eq(CodeRequestStatus::Pending),
            code_requests::decided_at.eq(None::<DateTime<Utc>>),
            code_requests::reason.eq(""),
        ))
        .execute(conn)?;
    let event = AuditEvent::CodeRequested { code: request.code.clone(), is_again: true };
    note(conn, actor, request.affiliate_id, event)?;
    Ok(true)
}
