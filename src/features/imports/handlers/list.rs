use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use askama::Template;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::features::auth::pages::MerchantPage;
use crate::features::imports::{self, Import};
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::urls;
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::ok;
use crate::kit::web::paginate::{Cursor, Listing, thousands};

/// What the list's address says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    after: String,
    before: String,
}

#[derive(Template)]
#[template(path = "imports/index.html")]
struct ImportsPage {
    page: MerchantPage,
    listing: Listing<Import>,
}

impl ImportsPage {
    fn when(&self, at: &DateTime<Utc>) -> DisplayTime {
        DisplayTime::new(*at, self.page.merchant().tz())
    }

    fn number(count: i32) -> String {
        thousands(i64::from(count))
    }

    fn first(&self) -> String {
        if self.listing.previous.is_some() { urls::imports() } else { String::new() }
    }

    fn next(&self) -> String {
        neighbour("after", &self.listing.next)
    }

    fn previous(&self) -> String {
        neighbour("before", &self.listing.previous)
    }
}

fn neighbour(direction: &str, key: &Option<String>) -> String {
    let address = |key: &String| urls::with_query(&urls::imports(), &[(direction, key)]);
    key.as_ref().map(address).unwrap_or_default()
}

/// `GET /triggers/imports`
pub async fn index(
    db: Data<Db>,
    page: MerchantPage,
    query: Query<ListQuery>,
) -> AppResult<HttpResponse> {
    let merchant_id = page.merchant_id();
    let cursor = Cursor::read(&query.after, &query.before);
    let listing =
        db.merchant(merchant_id, move |conn| imports::page(conn, merchant_id, &cursor)).await?;
    ok(&ImportsPage { page, listing })
}
