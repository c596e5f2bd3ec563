use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;

use crate::features::auth::pages::MerchantPage;
use crate::features::offers::read::{self, OfferRow};
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::urls;
use crate::kit::web::ok;

#[derive(Template)]
#[template(path = "offers/index.html")]
struct IndexPage {
    page: MerchantPage,
    offers: Vec<OfferRow>,
}

impl IndexPage {
    fn url(&self, row: &OfferRow) -> String {
        urls::offer(row.offer.id)
    }

    fn affiliates_url(&self, row: &OfferRow) -> String {
        urls::with_query("/affiliates", &[("offer", &row.offer.id.to_string())])
    }
}

/// `GET /offers`
pub(crate) async fn index(db: Data<Db>, page: MerchantPage) -> AppResult<HttpResponse> {
    let merchant_id = page.merchant_id();
    let offers = db.merchant(merchant_id, move |conn| read::list(conn, merchant_id)).await?;
    ok(&IndexPage { page, offers })
}
