//! What support staff do to users of a program. Each event is in the program's audit log.

use diesel::prelude::*;

use crate::features::auth::{Viewing, end_sessions_of};
use crate::kit::audit::{Act, Actor, SubjectKind, record};
use crate::kit::email;

/// Ends every session of the user.
pub(super) fn end_sessions(
    conn: &mut PgConnection,
    actor: &Actor,
    (user_id, name): (i64, &str),
) -> QueryResult<()> {
    end_sessions_of(conn, user_id)?;
    let summary = format!("Ended every session of {name}.");
    record(conn, actor, act("member.signed_out", user_id, summary))
}

pub(super) fn record_view_began(
    conn: &mut PgConnection,
    actor: &Actor,
    viewing: &Viewing,
) -> QueryResult<()> {
    let summary = format!("Began to look at the program as {}, to read alone.", viewing.name);
    record(conn, actor, act("support.view_began", viewing.user_id, summary))
}

pub(super) fn record_view_ended(
    conn: &mut PgConnection,
    actor: &Actor,
    viewing: &Viewing,
) -> QueryResult<()> {
    let summary = format!("Stopped looking at the program as {}.", viewing.name);
    record(conn, actor, act("support.view_ended", viewing.user_id, summary))
}

/// Has an email that failed sent again. Fails with `NotFound` if there's none, or its text is gone.
/// Within `Scope::Instance`.
pub(super) fn retry_email(conn: &mut PgConnection, by: &Actor, email_id: i64) -> QueryResult<()> {
    let Some(merchant_id) = email::retry(conn, email_id, by.now)? else { return Ok(()) };
    let actor = Actor { merchant_id, ..by.clone() };
    let summary = "Had an email sent again that had failed.".to_owned();
    record(conn, &actor, Act::new("email.retried", SubjectKind::Email, Some(email_id), summary))
}

fn act(action: &'static str, user_id: i64, summary: String) -> Act<'static> {
    Act::new(action, SubjectKind::Member, Some(user_id), summary)
}
