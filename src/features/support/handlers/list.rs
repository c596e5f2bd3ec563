use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use askama::Template;
use chrono_tz::Tz;
use serde::Deserialize;

use crate::features::auth::pages::PersonPage;
use crate::features::support::model::{MerchantRow, MerchantsList, merchants};
use crate::kit::db::{Db, Scope};
use crate::kit::error::AppResult;
use crate::kit::urls::encode;
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::ok;
use crate::kit::web::paginate::{Cursor, Listing, count_label, thousands};

const HERE: &str = "/support/merchants";

/// Search, and where the list begins.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct MerchantsQuery {
    q: String,
    after: String,
    before: String,
}

#[derive(Template)]
#[template(path = "support/merchants.html")]
struct MerchantsPage {
    page: PersonPage,
    list: MerchantsList,
    rows: Listing<MerchantRow>,
}

impl MerchantsPage {
    fn count(number: i64) -> String {
        thousands(number)
    }

    fn failed(row: &MerchantRow) -> String {
        count_label(row.failed_deliveries)
    }

    /// Staff look at many programs at once: one zone for all.
    fn last_order(row: &MerchantRow) -> Option<DisplayTime> {
        row.last_order_at.map(|at| DisplayTime::new(at, Tz::UTC))
    }

    fn when(at: &chrono::DateTime<chrono::Utc>) -> DisplayTime {
        DisplayTime::new(*at, Tz::UTC)
    }

    fn first(&self) -> String {
        self.rows.previous.as_ref().map_or_else(String::new, |_| self.at(""))
    }

    fn previous(&self) -> String {
        let at = |key: &String| self.at(&format!("before={key}"));
        self.rows.previous.as_ref().map_or_else(String::new, at)
    }

    fn next(&self) -> String {
        let at = |key: &String| self.at(&format!("after={key}"));
        self.rows.next.as_ref().map_or_else(String::new, at)
    }

    /// This list, beginning elsewhere.
    fn at(&self, cursor: &str) -> String {
        match (self.list.search.as_str(), cursor) {
            ("", "") => HERE.to_owned(),
            ("", cursor) => format!("{HERE}?{cursor}"),
            (search, "") => format!("{HERE}?q={}", encode(search)),
            (search, cursor) => format!("{HERE}?q={}&{cursor}", encode(search)),
        }
    }
}

/// `GET /support/merchants`
pub async fn index(
    db: Data<Db>,
    page: PersonPage,
    query: Query<MerchantsQuery>,
) -> AppResult<HttpResponse> {
    let list = MerchantsList { search: query.q.trim().to_owned() };
    let (list, rows) = db
        .run(Scope::Support, move |conn| {
            let cursor = Cursor::read(&query.after, &query.before);
            merchants(conn, &list, &cursor).map(|rows| (list, rows))
        })
        .await?;
    ok(&MerchantsPage { page, list, rows })
}
