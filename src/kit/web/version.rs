//! Two tabs on one record. A form that edits carries a version: a hash of what it showed. Where something else is
//! stored by the time it's sent, nothing is changed, and one page (409) shows both.

use actix_web::HttpRequest;
use actix_web::http::header;
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Text};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::retype::{SECRETS, label_of};
use super::when::When;
use crate::kit::db::prepared;
use crate::kit::db::schema::audit_log;
use crate::kit::error::{AppError, AppResult, StoredVersion};

/// The lock of a record that is edited, among the advisory ones.
const LOCK: i32 = 7_022_119;
/// The field of a form that carries it.
const FIELD: &str = "version";

/// What a form showed, as a hash. Show it with the macro `version`. Empty for a form of anything new.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Version(String);

/// What is edited, as the audit log names it.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    pub merchant_id: i64,
    pub kind: &'static str,
    /// `None` for what a merchant has one of.
    pub id: Option<i64>,
}

impl Version {
    /// That of a form that shows what is stored. The form doesn't serialize its own version.
    pub fn of(form: &impl Serialize) -> Self {
        let json = serde_json::to_vec(form).unwrap_or_default();
        Self(hex::encode(&Sha256::digest(json)[..16]))
    }

    /// As the form sends it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Holds the record until the end of the transaction, and refuses a form that showed something else
    /// than `stored` has now.
    ///
    /// # Errors
    /// `Conflict`; the database's.
    pub fn check<F: Serialize>(
        &self,
        conn: &mut PgConnection,
        record: Record,
        stored: impl FnOnce(&mut PgConnection) -> QueryResult<F>,
    ) -> AppResult<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let name = format!("{} {} {:?}", record.merchant_id, record.kind, record.id);
        prepared::<()>("SELECT pg_advisory_xact_lock(?, hashtext(?))")
            .bind::<Integer, _>(LOCK)
            .bind::<Text, _>(name)
            .execute(conn)?;
        let stored = stored(conn)?;
        let version = Self::of(&stored);
        if version == *self {
            return Ok(());
        }
        let by = last_change(conn, record)?;
        let Self(version) = version;
        Err(AppError::Conflict(Box::new(StoredVersion { fields: fields_of(&stored), version, by })))
    }
}

fn fields_of(form: &impl Serialize) -> Vec<(String, Vec<String>)> {
    let Ok(Value::Object(fields)) = serde_json::to_value(form) else { return Vec::new() };
    fields.into_iter().map(|(name, value)| (name, values_of(value))).collect()
}

fn values_of(value: Value) -> Vec<String> {
    match value {
        Value::Null | Value::Bool(false) => Vec::new(),
        Value::String(text) if text.is_empty() => Vec::new(),
        Value::String(text) => vec![text],
        Value::Array(values) => values.into_iter().flat_map(values_of).collect(),
        other => vec![other.to_string()],
    }
}

/// Who changed it last, and when.
fn last_change(
    conn: &mut PgConnection,
    record: Record,
) -> QueryResult<Option<(String, DateTime<Utc>)>> {
    let of_kind = audit_log::table
        .filter(audit_log::merchant_id.eq(record.merchant_id))
        .filter(audit_log::subject_kind.eq(record.kind))
        .filter(audit_log::subject_id.is_not_distinct_from(record.id))
        .order(audit_log::id.desc())
        .select((audit_log::actor_name, audit_log::at));
    of_kind.first(conn).optional()
}

/// A form as it was sent: left with the request by the reader of forms where it has a version.
#[derive(Clone, Debug)]
pub(super) struct SentForm(Vec<(String, String)>);

impl SentForm {
    pub(super) fn of(body: &[u8]) -> Option<Self> {
        let fields = url::form_urlencoded::parse(body).into_owned();
        let fields: Vec<(String, String)> =
            fields.filter(|(name, _)| !SECRETS.contains(&name.as_str())).collect();
        let has_version = fields.iter().any(|(name, value)| name == FIELD && !value.is_empty());
        has_version.then_some(Self(fields))
    }

    fn values(&self, name: &str) -> Vec<String> {
        let of_name = self.0.iter().filter(|(sent, value)| sent == name && !value.is_empty());
        of_name.map(|(_, value)| value.clone()).collect()
    }
}

/// Both versions.
#[derive(Template)]
#[template(path = "conflict.html")]
struct ConflictPage<'a> {
    action: String,
    /// The form that is looked at to keep what is stored.
    back: String,
    by: Option<(&'a str, When)>,
    rows: Vec<Row>,
    /// What is sent again, but for the version.
    typed: Vec<&'a (String, String)>,
    version: Version,
}

struct Row {
    label: String,
    stored: String,
    typed: String,
}

/// The page that shows both, for the request that was refused.
pub(crate) fn conflict_page(req: &HttpRequest, stored: &StoredVersion) -> Option<String> {
    use actix_web::HttpMessage as _;
    let extensions = req.extensions();
    let sent = extensions.get::<SentForm>()?;
    let shown = |values: Vec<String>| values.join("\n").replace("\r\n", "\n");
    let rows = stored.fields.iter().filter_map(|(name, values)| {
        let (stored, typed) = (shown(values.clone()), shown(sent.values(name)));
        (stored.trim() != typed.trim()).then(|| Row { label: label_of(name), stored, typed })
    });
    let page = ConflictPage {
        action: req.uri().path_and_query().map_or("/", |action| action.as_str()).to_owned(),
        back: back_of(req),
        by: stored.by.as_ref().map(|(name, at)| (name.as_str(), When::new(*at, Tz::UTC))),
        rows: rows.collect(),
        typed: sent.0.iter().filter(|(name, _)| name != FIELD).collect(),
        version: Version(stored.version.clone()),
    };
    page.render().ok()
}

/// The page that the form was on.
fn back_of(req: &HttpRequest) -> String {
    let referer = req.headers().get(header::REFERER).and_then(|value| value.to_str().ok());
    let page = referer.and_then(|referer| url::Url::parse(referer).ok());
    page.map_or_else(|| req.path().to_owned(), |page| page.path().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Form {
        name: &'static str,
        is_open: bool,
        list: Vec<&'static str>,
        limit: Option<u32>,
    }

    #[test]
    fn a_version_is_that_of_the_values() {
        let form = |name, is_open| Form { name, is_open, list: vec!["a", "b"], limit: None };
        assert_eq!(Version::of(&form("x", true)), Version::of(&form("x", true)));
        assert_ne!(Version::of(&form("x", true)), Version::of(&form("x", false)));
        let fields = fields_of(&form("x", true));
        let of = |name: &str| fields.iter().find(|(known, _)| known == name).unwrap().1.join(",");
        assert_eq!([of("name"), of("is_open"), of("list"), of("limit")], ["x", "true", "a,b", ""]);
    }
}
