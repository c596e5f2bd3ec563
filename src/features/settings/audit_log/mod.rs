mod fields;
/// The log as a merchant reads it.
mod log;

use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use askama::Template;
use chrono::{DateTime, SecondsFormat, Utc};
use diesel::QueryResult;
use serde::Deserialize;

use self::fields::{Change, Names, changes};
use self::log::{Line, LogFilter, Place, SubjectKind};
use crate::features::auth::pages::MerchantPage;
use crate::kit::audit::ActorKind;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::urls::with_query;
use crate::kit::web::csv::{self, Cell};
use crate::kit::web::display_time::{DisplayTime, read_day};
use crate::kit::web::ok;
use crate::kit::web::paginate::{Count, Cursor, Listing};

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
    names: Names,
    count: Count,
}

impl AuditLogPage {
    fn when(&self, at: &DateTime<Utc>) -> DisplayTime {
        DisplayTime::new(*at, self.page.merchant().tz())
    }

    fn subjects() -> Vec<(&'static str, &'static str)> {
        SubjectKind::ALL.iter().map(|kind| (kind.as_str(), kind.label())).collect()
    }

    fn actors() -> Vec<(&'static str, &'static str)> {
        ActorKind::ALL.iter().map(|kind| (kind.as_str(), kind.label())).collect()
    }

    fn changes(&self, line: &Line) -> Vec<Change> {
        changes(line, &self.names, self.page.merchant().tz())
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

/// `GET /settings/audit-log`
pub async fn show(
    db: Data<Db>,
    page: MerchantPage,
    query: Query<LogQuery>,
) -> AppResult<HttpResponse> {
    let query = query.into_inner();
    let (filter, cursor) = (query.filter(), query.cursor());
    let (merchant_id, tz) = (page.merchant_id(), page.merchant().tz());
    let (listing, names, count) = db
        .merchant(merchant_id, move |conn| {
            let (listing, count) = log::page(conn, merchant_id, &filter, tz, &cursor)?;
            let names = Names::of(conn, merchant_id, &listing.rows)?;
            QueryResult::Ok((listing, names, count))
        })
        .await?;
    ok(&AuditLogPage { page, query, listing, names, count })
}

const COLUMNS: [&str; 8] = ["Time", "Who", "As", "Action", "What", "From where", "Before", "After"];

/// `GET /settings/audit-log.csv`: what the page shows under the same address, all of it.
pub async fn export(
    db: Data<Db>,
    page: MerchantPage,
    query: Query<LogQuery>,
) -> AppResult<HttpResponse> {
    let (merchant_id, tz, filter) = (page.merchant_id(), page.merchant().tz(), query.filter());
    let download = csv::Download::begin(&db, page.actor(), "audit-log.csv").await?;
    Ok(csv::stream(&download, &COLUMNS, move |cursor| {
        let (db, filter) = (db.clone(), filter.clone());
        let cursor = cursor.unwrap_or(Cursor::Start);
        async move {
            let (lines, names, next) = db
                .merchant(merchant_id, move |conn| {
                    let (lines, next) =
                        log::piece(conn, merchant_id, &filter, tz, &cursor, csv::CHUNK)?;
                    let names = Names::of(conn, merchant_id, &lines)?;
                    QueryResult::Ok((lines, names, next))
                })
                .await?;
            let rows = lines.into_iter().map(|line| row(line, &names, tz)).collect();
            Ok((rows, next))
        }
    }))
}

fn row(line: Line, names: &Names, tz: chrono_tz::Tz) -> Vec<Cell> {
    let changes = changes(&line, names, tz);
    let side = |words: fn(&Change) -> &String| {
        let filled = changes.iter().filter(|change| !words(change).is_empty());
        let parts: Vec<String> =
            filled.map(|change| format!("{}: {}", change.field, words(change))).collect();
        parts.join("; ")
    };
    vec![
        Cell::plain(line.at.with_timezone(&tz).to_rfc3339_opts(SecondsFormat::Secs, false)),
        Cell::text(&line.actor_name),
        Cell::plain(line.actor_kind),
        Cell::plain(in_words(&line.action)),
        Cell::text(&line.summary),
        Cell::plain(line.came_from.clone().unwrap_or_default()),
        Cell::text(side(|change| &change.before)),
        Cell::text(side(|change| &change.after)),
    ]
}

/// `api_key.revoked` as “API key revoked”.
fn in_words(action: &str) -> String {
    let words = action.replace(['.', '_'], " ").replace("api ", "API ");
    let mut characters = words.chars();
    let first = characters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    first + characters.as_str()
}

#[cfg(test)]
mod tests {
    #[test]
    fn actions_are_read_as_words() {
        let words = ["api_key.revoked", "trigger.created", "member.two_factor_changed", ""]
            .map(super::in_words);
        assert_eq!(words, ["API key revoked", "Trigger created", "Member two factor changed", ""]);
    }
}
