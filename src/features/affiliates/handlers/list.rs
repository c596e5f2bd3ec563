use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use askama::Template;
use diesel::QueryResult;
use vouch_core::TextEnum;

use crate::features::affiliates::list::{
    self, AffiliateFilter, AffiliateRow, AffiliateSort, since,
};
use crate::features::affiliates::status::AffiliateStatus;
use crate::features::applications::CodeRequest;
use crate::features::auth::pages::MerchantPage;
use crate::features::offers;
use crate::features::rollups::amounts;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::lists::{Count, ListPage, Params, Sort};
use crate::kit::urls;
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::numbers::thousands;
use crate::kit::web::ok;

/// Everything in `#results`, and the filters above it.
struct AffiliateList {
    page: ListPage<AffiliateRow>,
    offers: Vec<(String, String)>,
}

impl AffiliateList {
    /// The list as it stands, as a file.
    fn export(&self) -> String {
        self.page.address.export_url("/affiliates.csv")
    }
}

#[derive(Template)]
#[template(path = "affiliates/index.html")]
struct IndexPage {
    page: MerchantPage,
    list: AffiliateList,
    /// How many code requests are pending.
    codes_waiting: Count,
}

impl IndexPage {
    /// How many code requests are pending.
    fn waiting_words(&self) -> String {
        self.codes_waiting.words("code request", "code requests")
    }
}

#[derive(Template)]
#[template(path = "affiliates/_list.html")]
struct ListPart {
    page: MerchantPage,
    list: AffiliateList,
}

/// What rows are written with.
trait RowWords {
    fn page(&self) -> &MerchantPage;

    fn url(&self, row: &AffiliateRow) -> String {
        urls::affiliate(row.affiliate.id)
    }

    fn joined(&self, row: &AffiliateRow) -> DisplayTime {
        DisplayTime::day(row.affiliate.created_at, self.page().merchant().calendar())
    }

    fn conversions(&self, row: &AffiliateRow) -> String {
        thousands(row.rollups.iter().map(|rollups| rollups.conversions).sum::<i64>())
    }

    fn commission(&self, row: &AffiliateRow) -> Vec<String> {
        let own = self.page().merchant().currency;
        amounts(&row.rollups, own, |rollups| rollups.commission_minor)
    }
}

impl RowWords for IndexPage {
    fn page(&self) -> &MerchantPage {
        &self.page
    }
}

impl RowWords for ListPart {
    fn page(&self) -> &MerchantPage {
        &self.page
    }
}

/// `GET /affiliates`
pub(crate) async fn index(
    db: Data<Db>,
    page: MerchantPage,
    params: Query<Params>,
) -> AppResult<HttpResponse> {
    let mut address = params.into_inner().at("/affiliates");
    let filter = AffiliateFilter::read(&mut address);
    let sort = AffiliateSort::read(&mut address, &filter.search);
    let range = address.page(sort.order());
    let (merchant_id, since) = (page.merchant_id(), since(page.actor().now, page.merchant()));
    let is_fragment = page.is_fragment();
    let ((listing, count), offers, codes_waiting) = db
        .merchant(merchant_id, move |conn| {
            let found = list::page(conn, merchant_id, (&filter, sort), &range, since)?;
            let codes_waiting = if is_fragment {
                Count::all(0)
            } else {
                CodeRequest::count_waiting(conn, merchant_id)?
            };
            QueryResult::Ok((found, offers::all_options(conn, merchant_id)?, codes_waiting))
        })
        .await?;
    if let Some((_, name)) = offers.iter().find(|(id, _)| id == address.value("offer")) {
        address.name("offer", name);
    }
    let list = AffiliateList { page: ListPage::new(address, listing, Some(count)), offers };
    if is_fragment {
        return ok(&ListPart { page, list });
    }
    ok(&IndexPage { page, list, codes_waiting })
}
