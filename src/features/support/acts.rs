//! What support staff do to users of a program. Each event is in the program's audit log.

use diesel::prelude::*;

use crate::features::audit::{Act, AuditEvent};
use crate::features::auth::{Viewing, end_sessions_of};
use crate::features::emails;
use crate::kit::audit::{Actor, SubjectKind, record};

/// Ends every session of the user.
pub(super) fn end_sessions(
    conn: &mut PgConnection,
    actor: &Actor,
    (user_id, name): (i64, &str),
) -> QueryResult<()> {
    end_sessions_of(conn, user_id)?;
    let event = AuditEvent::MemberSignedOut { name: name.to_owned() };
    record(conn, actor, act(event, user_id))
}

pub(super) fn record_view_began(
    conn: &mut PgConnection,
    actor: &Actor,
    viewing: &Viewing,
) -> QueryResult<()> {
    let event = AuditEvent::ViewStarted { name: viewing.name.clone() };
    record(conn, actor, act(event, viewing.user_id))
}

pub(super) fn record_view_ended(
    conn: &mut PgConnection,
    actor: &Actor,
    viewing: &Viewing,
) -> QueryResult<()> {
    let event = AuditEvent::ViewStopped { name: viewing.name.clone() };
    record(conn, actor, act(event, viewing.user_id))
}

/// Has an email that failed sent again. Fails with `NotFound` if there's none, or its text is gone.
/// Within `Scope::Instance`.
pub(super) fn retry_email(conn: &mut PgConnection, by: &Actor, email_id: i64) -> QueryResult<()> {
    let Some(merchant_id) = emails::retry(conn, email_id, by.now)? else { return Ok(()) };
    let actor = Actor { merchant_id, ..by.clone() };
    record(conn, &actor, Act::new(AuditEvent::EmailRetried, SubjectKind::Email, Some(email_id)))
}

fn act(event: AuditEvent, user_id: i64) -> Act {
    Act::new(event, SubjectKind::Member, Some(user_id))
}
