mod fields;
mod log;

use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use askama::Template;
use chrono::{DateTime, SecondsFormat, Utc};
use diesel::QueryResult;
use vouch_core::TextEnum;
use vouch_core::calendar::Calendar;

use self::fields::{FieldChange, Names, changes};
use self::log::{AuditLine, LogFilter};
use crate::features::auth::pages::MerchantPage;
use crate::kit::audit::{ActorKind, SubjectKind};
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::lists::{ListPage, Params, export as export_list};
use crate::kit::web::csv::Cell;
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::ok;

const HERE: &str = "/settings/audit-log";
const FILE: &str = "/settings/audit-log.csv";

#[derive(Template)]
#[template(path = "settings/audit_log.html")]
struct AuditLogPage {
    page: MerchantPage,
    list: ListPage<AuditLine>,
    names: Names,
}

impl AuditLogPage {
    fn when(&self, at: &DateTime<Utc>) -> DisplayTime {
        DisplayTime::new(*at, self.page.merchant().calendar())
    }

    fn changes(&self, line: &AuditLine) -> Vec<FieldChange> {
        changes(line, &self.names, self.page.merchant().calendar())
    }

    fn export(&self) -> String {
        self.list.address.export_url(FILE)
    }
}

/// `GET /settings/audit-log`
pub(crate) async fn show(
    db: Data<Db>,
    page: MerchantPage,
    params: Query<Params>,
) -> AppResult<HttpResponse> {
    let mut address = params.into_inner().at(HERE);
    let (filter, range) = (LogFilter::read(&mut address), address.page(log::NEWEST));
    let (merchant_id, tz) = (page.merchant_id(), page.merchant().tz());
    let (listing, names, count) = db
        .merchant(merchant_id, move |conn| {
            let listing = log::rows(conn, merchant_id, &filter, tz, &range)?;
            let names = Names::of(conn, merchant_id, &listing.rows)?;
            QueryResult::Ok((listing, names, log::count(conn, merchant_id, &filter, tz)?))
        })
        .await?;
    ok(&AuditLogPage { page, list: ListPage::new(address, listing, Some(count)), names })
}

const COLUMNS: [&str; 8] =
    ["Time", "User", "User type", "Action", "Event", "IP address", "Before", "After"];

/// `GET /settings/audit-log.csv`: all pages of the list that has the same parameters.
pub(crate) async fn export(
    db: Data<Db>,
    page: MerchantPage,
    params: Query<Params>,
) -> AppResult<HttpResponse> {
    let (merchant_id, calendar) = (page.merchant_id(), page.merchant().calendar());
    let filter = LogFilter::read(&mut params.into_inner().at(FILE));
    let file = ("audit-log.csv", &COLUMNS[..]);
    export_list(db, page.actor(), file, log::NEWEST, move |conn, range| {
        let found = log::rows(conn, merchant_id, &filter, calendar.zone, range)?;
        let names = Names::of(conn, merchant_id, &found.rows)?;
        Ok(found.map(|line| row(line, &names, calendar)))
    })
    .await
}

fn row(line: AuditLine, names: &Names, calendar: Calendar) -> Vec<Cell> {
    let changes = changes(&line, names, calendar);
    let side = |words: fn(&FieldChange) -> &String| {
        let filled = changes.iter().filter(|change| !words(change).is_empty());
        let parts: Vec<String> =
            filled.map(|change| format!("{}: {}", change.field, words(change))).collect();
        parts.join("; ")
    };
    vec![
        Cell::plain(
            line.at.with_timezone(&calendar.zone).to_rfc3339_opts(SecondsFormat::Secs, false),
        ),
        Cell::text(&line.actor_name),
        Cell::plain(line.actor_kind),
        Cell::plain(line.event.label()),
        Cell::text(line.event.text(calendar)),
        Cell::plain(line.came_from.clone().unwrap_or_default()),
        Cell::text(side(|change| &change.before)),
        Cell::text(side(|change| &change.after)),
    ]
}
