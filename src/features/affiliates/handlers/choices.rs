use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use askama::Template;
use serde::Deserialize;

use crate::features::affiliates::list;
use crate::features::affiliates::model::Affiliate;
use crate::features::auth::pages::MerchantPage;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::web::ok;

/// How many options are shown. Typing more narrows them down.
const OFFERED: usize = 20;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ChoicesQuery {
    q: String,
}

#[derive(Template)]
#[template(path = "affiliates/_choices.html")]
struct Choices {
    choices: Vec<Affiliate>,
}

/// `GET /affiliates/choices`: the options of a combobox named `affiliate_id`.
pub(crate) async fn choices(
    db: Data<Db>,
    page: MerchantPage,
    query: Query<ChoicesQuery>,
) -> AppResult<HttpResponse> {
    let (merchant_id, typed) = (page.merchant_id(), query.into_inner().q);
    let choices = db
        .merchant(merchant_id, move |conn| list::choices(conn, merchant_id, &typed, OFFERED))
        .await?;
    ok(&Choices { choices })
}
