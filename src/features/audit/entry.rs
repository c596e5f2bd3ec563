use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use vouch_core::calendar::Calendar;

use super::event::AuditEvent;
use super::text;
use crate::kit::audit::SubjectKind;
use crate::kit::db::schema::audit_log;

/// What a row of the audit log says.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = audit_log)]
pub(crate) struct StoredEvent {
    /// As noun.verb.
    pub(crate) action: String,
    /// `None` in rows of earlier versions, and after an erasure.
    params: Option<Value>,
    /// The sentence of an earlier version. It's empty after an erasure.
    summary: Option<String>,
}

impl StoredEvent {
    /// The event in one sentence, with moments in the merchant's time zone.
    pub(crate) fn text(&self, calendar: Calendar) -> String {
        if let Some(event) = self.known() {
            return event.text(calendar);
        }
        match (&self.params, self.summary.as_deref().unwrap_or_default()) {
            (Some(_), _) => text::unknown(&self.action),
            (None, "") => text::erased(&self.action),
            (None, summary) => summary.to_owned(),
        }
    }

    #[cfg(test)]
    pub(crate) fn of(action: &str) -> Self {
        Self { action: action.to_owned(), params: Some(Value::default()), summary: None }
    }

    /// A label of its kind, such as “Trigger created”.
    pub(crate) fn label(&self) -> String {
        text::label(&self.action)
    }

    /// `None` in rows of other versions, and if an erasure changed what isn't text.
    fn known(&self) -> Option<AuditEvent> {
        let mut params = self.params.clone()?;
        params.as_object_mut()?.insert("action".to_owned(), self.action.clone().into());
        AuditEvent::deserialize(params).ok()
    }
}

/// An entry of the log, as pages show it.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = audit_log)]
pub(crate) struct AuditEntry {
    pub(crate) at: DateTime<Utc>,
    pub(crate) actor_name: String,
    #[diesel(embed)]
    pub(crate) event: StoredEvent,
}

impl AuditEntry {
    /// See [`StoredEvent::text`].
    pub(crate) fn text(&self, calendar: Calendar) -> String {
        self.event.text(calendar)
    }
}

/// The events of one subject, newest first.
pub(crate) fn history(
    conn: &mut PgConnection,
    merchant_id: i64,
    subject_kind: SubjectKind,
    subject_id: i64,
    limit: i64,
) -> QueryResult<Vec<AuditEntry>> {
    audit_log::table
        .filter(audit_log::merchant_id.eq(merchant_id))
        .filter(audit_log::subject_kind.eq(subject_kind))
        .filter(audit_log::subject_id.eq(subject_id))
        .order(audit_log::id.desc())
        .limit(limit)
        .select(AuditEntry::as_select())
        .load(conn)
}
