use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use askama::Template;
use serde::Deserialize;

use crate::db::Db;
use crate::error::AppResult;
use crate::figures::Figures;
use crate::money::{Currency, format_money};
use crate::portal::model::{Code, codes};
use crate::web::ok;
use crate::web::page::AffiliatePage;
use crate::web::paginate::{Cursor, Listing, thousands};

/// Where the list begins.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CodesQuery {
    after: String,
    before: String,
}

#[derive(Template)]
#[template(path = "portal/codes.html")]
struct CodesPage {
    page: AffiliatePage,
    codes: Listing<Code>,
}

impl CodesPage {
    fn first(&self) -> String {
        self.codes.previous.as_ref().map_or_else(String::new, |_| "/portal".to_owned())
    }

    fn previous(&self) -> String {
        self.codes.previous.as_ref().map_or_else(String::new, |key| format!("/portal?before={key}"))
    }

    fn next(&self) -> String {
        self.codes.next.as_ref().map_or_else(String::new, |key| format!("/portal?after={key}"))
    }

    fn orders(code: &Code) -> String {
        thousands(code.figures.iter().map(|figures| figures.conversions).sum())
    }

    fn revenue(&self, code: &Code) -> Vec<String> {
        self.amounts(code, |figures| figures.revenue_minor)
    }

    fn commission(&self, code: &Code) -> Vec<String> {
        self.amounts(code, |figures| figures.commission_minor)
    }

    /// One per currency; nothing at all is nothing in the program's own.
    fn amounts(&self, code: &Code, of: impl Fn(&Figures) -> i64) -> Vec<String> {
        let amounts: Vec<String> = code
            .figures
            .iter()
            .filter_map(|figures| Some((of(figures), figures.currency.parse::<Currency>().ok()?)))
            .map(|(minor, currency)| format_money(minor, currency))
            .collect();
        if !amounts.is_empty() {
            return amounts;
        }
        let own = self.page.merchant().currency.parse::<Currency>();
        own.map(|currency| vec![format_money(0, currency)]).unwrap_or_default()
    }
}

/// `GET /portal`: **My Codes**
pub async fn index(
    db: Data<Db>,
    page: AffiliatePage,
    query: Query<CodesQuery>,
) -> AppResult<HttpResponse> {
    let (merchant_id, affiliate_id) = (page.merchant_id(), page.seat.affiliate_id);
    let codes = db
        .merchant(merchant_id, move |conn| {
            let cursor = Cursor::read(&query.after, &query.before);
            codes(conn, merchant_id, affiliate_id, &cursor)
        })
        .await?;
    ok(&CodesPage { page, codes })
}
