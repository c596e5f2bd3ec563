use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::features::audit::{Act, AuditEvent};
use crate::kit::audit::{Actor, ActorKind, SubjectKind, record};

/// Who ends or restores access, and why.
#[derive(Clone, Debug)]
pub struct AccessChange {
    pub(super) kind: ActorKind,
    pub(super) user_id: Option<i64>,
    pub(super) name: String,
    pub(super) came_from: Option<String>,
    /// As typed; may be empty.
    pub(super) reason: String,
    pub(super) now: DateTime<Utc>,
}

impl AccessChange {
    /// The operator at the server's command line.
    pub fn command_line(reason: &str, now: DateTime<Utc>) -> Self {
        Self {
            kind: ActorKind::System,
            user_id: None,
            name: "Command line".to_owned(),
            came_from: None,
            reason: reason.trim().to_owned(),
            now,
        }
    }

    /// Support staff. The merchant of `actor` doesn't matter.
    pub(crate) fn support(actor: &Actor, reason: &str) -> Self {
        Self {
            kind: actor.kind,
            user_id: actor.user_id,
            name: actor.name.clone(),
            came_from: actor.came_from.clone(),
            reason: reason.trim().to_owned(),
            now: actor.now,
        }
    }

    /// The same actor within one merchant. It carries no IP address, because merchants don't learn
    /// where support staff sit.
    pub(super) fn within(&self, merchant_id: i64) -> Actor {
        Actor {
            merchant_id,
            kind: self.kind,
            user_id: self.user_id,
            name: self.name.clone(),
            came_from: None,
            now: self.now,
        }
    }
}

/// Writes an event to a merchant's audit log, without the reason.
pub(super) fn tell(
    conn: &mut PgConnection,
    by: &AccessChange,
    merchant_id: i64,
    (subject_kind, subject_id): (SubjectKind, i64),
    event: AuditEvent,
) -> QueryResult<()> {
    let act = Act::new(event, subject_kind, Some(subject_id));
    record(conn, &by.within(merchant_id), act)
}
