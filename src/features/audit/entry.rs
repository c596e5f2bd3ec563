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
#[derive(Clone, Debug, Queryable, Selectable, Deserialize)]
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

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vouch_core::calendar::DateFormat;
    use vouch_core::trigger::TriggerKind;

    use super::*;
    use crate::features::audit::{RetriedWork, TriggerName};

    fn row(action: &str, params: Option<Value>, summary: Option<&str>) -> StoredEvent {
        StoredEvent { action: action.to_owned(), params, summary: summary.map(str::to_owned) }
    }

    fn stored(event: &AuditEvent) -> StoredEvent {
        let mut params = serde_json::to_value(event).unwrap();
        let action = params.as_object_mut().unwrap().remove("action").unwrap();
        row(action.as_str().unwrap(), Some(params), None)
    }

    #[test]
    fn what_is_stored_is_rendered() {
        let at = DateTime::<Utc>::UNIX_EPOCH;
        let trigger = TriggerName { kind: TriggerKind::Sku, value: "TEA".to_owned() };
        let (from, to) = ("Ana".to_owned(), "Ben".to_owned());
        let events = [
            AuditEvent::PersonErased,
            AuditEvent::JobRetried(RetriedWork::ReadRefunds),
            AuditEvent::JobRetried(RetriedWork::FetchOrder { order: "7".to_owned() }),
            AuditEvent::ReassignmentScheduled { trigger, from, to, at },
        ];
        let calendar = Calendar { zone: chrono_tz::Tz::Asia__Tokyo, format: DateFormat::YearFirst };
        for event in &events {
            let stored = stored(event);
            assert!(stored.known().is_some(), "{event:?}");
            assert_eq!(stored.text(calendar), event.text(calendar));
        }
        assert!(events[3].text(calendar).contains(&calendar.moment(at)));
    }

    /// The function erase_from_records and `kit::web::csv` record these.
    #[test]
    fn events_of_other_places_are_known() {
        let file = row("export.downloaded", Some(json!({ "file": "orders.csv" })), None);
        assert!(file.text(Calendar::UTC).contains("orders.csv"));
        assert!(row("audit_log.erased", Some(json!({})), None).known().is_some());
    }

    #[test]
    fn rows_of_other_versions_are_shown() {
        let text = |action, params, summary| row(action, params, summary).text(Calendar::UTC);
        assert_eq!(text("trigger.created", None, Some("Created X.")), "Created X.");
        let label = StoredEvent::of("trigger.retired").label();
        for (action, params) in [("trigger.retired", json!({ "later": 1 })), ("x.y", json!({}))] {
            let text = text(action, Some(params), None);
            assert!(!text.is_empty() && !text.contains(['{', '_', '"']), "{text}");
        }
        assert!(text("trigger.retired", None, Some("")).starts_with(&label), "after an erasure");
    }
}
