use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use askama::Template;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use crate::audit::ActorKind;
use crate::audit::log::{self, Line, LogFilter, Place, SubjectKind};
use crate::db::Db;
use crate::error::AppResult;
use crate::urls::with_query;
use crate::web::csv::{self, Cell};
use crate::web::ok;
use crate::web::page::MerchantPage;
use crate::web::paginate::{Count, Cursor, Listing};
use crate::web::when::{When, read_day};

const HERE: &str = "/settings/audit-log";
const FILE: &str = "/settings/audit-log.csv";

/// What the log's address says. What it does not know it ignores, as an old bookmark may hold it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct LogQuery {
    /// The name of a [`SubjectKind`], or empty.
    about: String,
    /// The name of an [`ActorKind`], or empty.
    by: String,
    /// A day, or empty.
    from: String,
    /// A day, or empty.
    until: String,
    after: String,
    before: String,
}

impl LogQuery {
    fn filter(&self) -> LogFilter {
        LogFilter {
            subject: SubjectKind::parse(&self.about),
            actor: ActorKind::parse(&self.by),
            from: read_day(&self.from),
            until: read_day(&self.until),
        }
    }

    fn cursor(&self) -> Cursor<Place> {
        Cursor::read(&self.after, &self.before)
    }

    fn is_filtered(&self) -> bool {
        let LogFilter { subject, actor, from, until } = self.filter();
        subject.is_some() || actor.is_some() || from.is_some() || until.is_some()
    }

    fn address(&self, path: &str, direction: &str, key: &str) -> String {
        let parts = [
            ("about", self.about.as_str()),
            ("by", &self.by),
            ("from", &self.from),
            ("until", &self.until),
            (direction, key),
        ];
        with_query(path, &parts)
    }

    fn page(&self, direction: &str, key: &Option<String>) -> String {
        key.as_ref().map_or_else(String::new, |key| self.address(HERE, direction, key))
    }
}

#[derive(Template)]
#[template(path = "settings/audit_log.html")]
struct AuditLogPage {
    page: MerchantPage,
    query: LogQuery,
    listing: Listing<Line>,
    count: Count,
}

impl AuditLogPage {
    fn when(&self, at: &DateTime<Utc>) -> When {
        When::new(*at, self.page.merchant().tz())
    }

    fn subjects() -> Vec<(&'static str, &'static str)> {
        SubjectKind::ALL.iter().map(|kind| (kind.as_str(), kind.label())).collect()
    }

    fn actors() -> Vec<(&'static str, &'static str)> {
        ActorKind::ALL.iter().map(|kind| (kind.as_str(), kind.label())).collect()
    }

    fn changes(line: &Line) -> Vec<Change> {
        changes(line)
    }

    fn first(&self) -> String {
        let is_first = self.listing.previous.is_none();
        if is_first { String::new() } else { self.query.address(HERE, "", "") }
    }

    fn previous(&self) -> String {
        self.query.page("before", &self.listing.previous)
    }

    fn next(&self) -> String {
        self.query.page("after", &self.listing.next)
    }

    fn export(&self) -> String {
        self.query.address(FILE, "", "")
    }

    fn shown(&self) -> String {
        match self.count.exact() {
            Some(1) => "1 act".to_owned(),
            _ => format!("{} acts", self.count),
        }
    }
}

/// A field, as it was and as it became.
struct Change {
    field: String,
    before: String,
    after: String,
}

/// What an act changed, field by field.
fn changes(line: &Line) -> Vec<Change> {
    let fields = |value: &Option<Value>| match value {
        Some(Value::Object(fields)) => fields.clone(),
        _ => serde_json::Map::new(),
    };
    let (before, after) = (fields(&line.before), fields(&line.after));
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    let change = |name: &String| Change {
        field: name.replace('_', " "),
        before: words(before.get(name)),
        after: words(after.get(name)),
    };
    names.into_iter().map(change).filter(|change| change.before != change.after).collect()
}

fn words(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(yes)) => if *yes { "yes" } else { "no" }.to_owned(),
        Some(other) => other.to_string(),
    }
}

/// `GET /settings/audit-log`
pub async fn show(
    db: Data<Db>,
    page: MerchantPage,
    query: Query<LogQuery>,
) -> AppResult<HttpResponse> {
    let query = query.into_inner();
    let (filter, cursor) = (query.filter(), query.cursor());
    let (merchant_id, tz) = (page.merchant_id(), page.merchant().tz());
    let (listing, count) = db
        .merchant(merchant_id, move |conn| log::page(conn, merchant_id, &filter, tz, &cursor))
        .await?;
    ok(&AuditLogPage { page, query, listing, count })
}

const COLUMNS: [&str; 8] = ["Time", "Who", "As", "Action", "What", "From where", "Before", "After"];

/// `GET /settings/audit-log.csv`: what the page shows under the same address, all of it.
pub async fn export(
    db: Data<Db>,
    page: MerchantPage,
    query: Query<LogQuery>,
) -> AppResult<HttpResponse> {
    let (merchant_id, tz, filter) = (page.merchant_id(), page.merchant().tz(), query.filter());
    let download = csv::Download::begin(&db, &page, "audit-log.csv").await?;
    Ok(csv::stream(&download, &COLUMNS, move |cursor| {
        let (db, filter) = (db.clone(), filter.clone());
        let cursor = cursor.unwrap_or(Cursor::Start);
        async move {
            let (lines, next) = db
                .merchant(merchant_id, move |conn| {
                    log::piece(conn, merchant_id, &filter, tz, &cursor, csv::CHUNK)
                })
                .await?;
            let rows = lines.into_iter().map(|line| row(line, tz)).collect();
            Ok((rows, next))
        }
    }))
}

fn row(line: Line, tz: chrono_tz::Tz) -> Vec<Cell> {
    let json = |value: Option<Value>| value.map(|value| value.to_string()).unwrap_or_default();
    vec![
        Cell::plain(line.at.with_timezone(&tz).to_rfc3339()),
        Cell::text(line.actor_name),
        Cell::plain(line.actor_kind),
        Cell::plain(line.action),
        Cell::text(line.summary),
        Cell::plain(line.came_from.unwrap_or_default()),
        Cell::text(json(line.before)),
        Cell::text(json(line.after)),
    ]
}
