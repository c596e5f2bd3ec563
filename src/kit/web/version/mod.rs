//! Detects conflicting edits. An edit form contains a version: a hash of the values that it showed.
//! If the stored values changed meanwhile, nothing is saved, and a page (409) shows both versions.

mod page;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use vouch_core::calendar::{Calendar, DateFormat};

pub(super) use self::page::SentForm;
pub(crate) use self::page::conflict_page;
use crate::kit::audit::SubjectKind;
use crate::kit::db::advisory::LockKind;
use crate::kit::db::schema::{audit_log, merchants};
use crate::kit::error::{AppError, AppResult, SavedBy, StoredVersion, VersionRow};

/// The form field with the version.
const FIELD: &str = "version";

/// A hash of the values that a form showed. Render it with the macro `version`. It's empty for a
/// form that creates something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Version(String);

impl Version {
    /// The version of a form with the stored values. The form must not serialize its own version.
    pub(crate) fn of(form: &impl Serialize) -> Self {
        let json = serde_json::to_vec(form).unwrap_or_default();
        Self(hex::encode(&Sha256::digest(json)[..16]))
    }

    /// The version as the form sends it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The edited record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    pub(crate) merchant_id: i64,
    /// The kind in the audit log.
    pub(crate) kind: SubjectKind,
    /// `None` if a merchant has only one of these.
    pub(crate) id: Option<i64>,
    /// The audit log's name for this form's change. `None` if the user may not see who made it.
    pub(crate) action: Option<&'static str>,
}

/// The fields of a form: label and value, in the order of the page.
pub(crate) type Labeled = Vec<(&'static str, String)>;

/// A form that edits a stored record.
pub(crate) trait Edits: Serialize {
    /// The version of the values that it showed.
    fn version(&self) -> &Version;

    /// The values of its fields, as the page shows them.
    fn labeled(&self, conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Labeled>;

    /// Locks the record until the end of the transaction, and rejects the form if `stored` differs
    /// from the values that it showed. If the stored values equal the input, nothing is lost and
    /// the form is accepted.
    ///
    /// Fails with `Conflict`.
    fn check_version(
        &self,
        conn: &mut PgConnection,
        record: Record,
        stored: impl FnOnce(&mut PgConnection) -> QueryResult<Self>,
    ) -> AppResult<()>
    where
        Self: Sized,
    {
        if self.version().0.is_empty() {
            return Ok(());
        }
        hold(conn, record)?;
        let stored = stored(conn)?;
        let version = Version::of(&stored);
        if version == *self.version() {
            return Ok(());
        }
        let stored = stored.labeled(conn, record.merchant_id)?;
        let rows = differences(stored, self.labeled(conn, record.merchant_id)?);
        if rows.is_empty() {
            return Ok(());
        }
        let by = last_change(conn, record)?;
        let Version(version) = version;
        Err(AppError::Conflict(Box::new(StoredVersion { rows, version, by })))
    }
}

/// Only one transaction at a time saves a record.
fn hold(conn: &mut PgConnection, record: Record) -> QueryResult<()> {
    let Record { merchant_id, kind, id, action } = record;
    let name = format!("{merchant_id} {kind:?} {id:?} {action:?}");
    LockKind::Edits.lock_name(conn, &name)
}

/// The label of the chosen option.
pub(crate) fn chosen<L: Into<String>>(
    options: impl IntoIterator<Item = (impl AsRef<str>, L)>,
    value: &str,
) -> String {
    let option = options.into_iter().find(|(option, _)| option.as_ref() == value);
    option.map_or_else(|| value.to_owned(), |(_, label)| label.into())
}

/// The text for a checkbox.
pub(crate) fn ticked(is_ticked: bool) -> String {
    if is_ticked { "Yes" } else { "No" }.to_owned()
}

fn differences(stored: Labeled, typed: Labeled) -> Vec<VersionRow> {
    let text = |value: String| value.replace("\r\n", "\n").trim().to_owned();
    let rows = stored.into_iter().zip(typed);
    let rows = rows.map(|((label, stored), (_, typed))| VersionRow {
        label,
        stored: text(stored),
        typed: text(typed),
    });
    rows.filter(|row| row.stored != row.typed).collect()
}

fn last_change(conn: &mut PgConnection, record: Record) -> QueryResult<Option<SavedBy>> {
    let Some(action) = record.action else { return Ok(None) };
    let found: Option<(String, DateTime<Utc>)> = audit_log::table
        .filter(audit_log::merchant_id.eq(record.merchant_id))
        .filter(audit_log::subject_kind.eq(record.kind))
        .filter(audit_log::subject_id.is_not_distinct_from(record.id))
        .filter(audit_log::action.eq(action))
        .order(audit_log::id.desc())
        .select((audit_log::actor_name, audit_log::at))
        .first(conn)
        .optional()?;
    let Some((name, at)) = found else { return Ok(None) };
    let (zone, format): (String, DateFormat) = merchants::table
        .find(record.merchant_id)
        .select((merchants::time_zone, merchants::date_format))
        .first(conn)?;
    let calendar = Calendar { zone: zone.parse().unwrap_or(Tz::UTC), format };
    Ok(Some(SavedBy { name, at, calendar }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Form {
        name: &'static str,
        is_open: bool,
    }

    #[test]
    fn a_version_is_that_of_the_values() {
        let form = |name, is_open| Form { name, is_open };
        assert_eq!(Version::of(&form("x", true)), Version::of(&form("x", true)));
        assert_ne!(Version::of(&form("x", true)), Version::of(&form("x", false)));
    }

    #[test]
    fn only_fields_that_read_differently_differ() {
        let labeled = |note: &str, open| vec![("Note", note.to_owned()), ("Open", ticked(open))];
        assert_eq!(differences(labeled("a\nb", true), labeled("a\r\nb ", true)), []);
        let rows = differences(labeled("a", true), labeled("a", false));
        let stored_typed = |row: &VersionRow| (row.label, row.stored.clone(), row.typed.clone());
        assert_eq!(
            rows.iter().map(stored_typed).collect::<Vec<_>>(),
            [("Open", "Yes".to_owned(), "No".to_owned())]
        );
        assert_eq!(chosen([("a", "First"), ("b", "Second")], "b"), "Second");
    }
}
