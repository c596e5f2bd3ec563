use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::json;

use super::by::{AccessChange, tell};
use super::text;
use crate::features::audit::AuditEvent;
use crate::features::emails::RevealedEmail;
use crate::kit::audit::SubjectKind;
use crate::kit::db::schema::instance_log;
use crate::kit::security::{self, Kind};

/// An entry of the instance log.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = instance_log)]
pub(crate) struct InstanceEntry {
    pub(crate) at: DateTime<Utc>,
    /// The name at that time.
    pub(crate) actor_name: String,
    /// Format: noun.verb.
    pub(crate) action: String,
    /// The reason as typed, and counts.
    pub(crate) details: serde_json::Value,
}

impl InstanceEntry {
    /// The reason, or an empty text.
    pub(crate) fn reason(&self) -> &str {
        self.details["reason"].as_str().unwrap_or_default()
    }

    /// Whether it closed a merchant.
    pub(crate) fn is_closing(&self) -> bool {
        self.action == "merchant.closed"
    }

    /// The action and its reason in one sentence.
    pub(crate) fn text(&self) -> String {
        text::instance_event(&self.action, self.reason())
    }
}

/// Appends an entry to the instance log. `details` gets the reason, if there is one.
pub(super) fn note(
    conn: &mut PgConnection,
    by: &AccessChange,
    action: &str,
    subject_id: i64,
    mut details: serde_json::Value,
) -> QueryResult<()> {
    if !by.reason.is_empty() {
        details["reason"] = by.reason.clone().into();
    }
    diesel::insert_into(instance_log::table)
        .values((
            instance_log::at.eq(by.now),
            instance_log::actor_kind.eq(by.kind),
            instance_log::actor_user_id.eq(by.user_id),
            instance_log::actor_name.eq(&by.name),
            instance_log::came_from.eq(&by.came_from),
            instance_log::action.eq(action),
            instance_log::subject_id.eq(subject_id),
            instance_log::details.eq(details),
        ))
        .execute(conn)?;
    if let Some(kind) = kind(action) {
        let noun = action.split('.').next().unwrap_or_default();
        security::note(kind.about(noun, subject_id));
    }
    Ok(())
}

/// The security event for an action.
fn kind(action: &str) -> Option<Kind> {
    Some(match action {
        "user.disabled" => Kind::UserDisabled,
        "user.enabled" => Kind::UserEnabled,
        "user.support_removed" | "user.support_added" => Kind::SupportRightsChanged,
        "merchant.closed" => Kind::MerchantClosed,
        "merchant.reopened" => Kind::MerchantReopened,
        "email.revealed" => Kind::EmailRevealed,
        _ => return None,
    })
}

/// What was done to one user or merchant, the newest first. `noun` is the prefix of the actions:
/// `user` or `merchant`.
pub(crate) fn of_subject(
    conn: &mut PgConnection,
    noun: &str,
    subject_id: i64,
    limit: i64,
) -> QueryResult<Vec<InstanceEntry>> {
    instance_log::table
        .filter(instance_log::action.like(format!("{noun}.%")))
        .filter(instance_log::subject_id.eq(subject_id))
        .order(instance_log::id.desc())
        .limit(limit)
        .select(InstanceEntry::as_select())
        .load(conn)
}

/// Records that the text of an email was shown, in the audit log of the sending merchant and in the
/// instance log.
pub fn note_revealed(
    conn: &mut PgConnection,
    by: &AccessChange,
    email: &RevealedEmail,
) -> QueryResult<()> {
    if let Some(merchant_id) = email.merchant_id {
        let event = AuditEvent::EmailViewed {
            subject: email.subject.clone(),
            recipient: email.recipient.clone(),
        };
        tell(conn, by, merchant_id, (SubjectKind::Email, email.id), event)?;
    }
    note(conn, by, "email.revealed", email.id, json!({ "merchant_id": email.merchant_id }))
}
