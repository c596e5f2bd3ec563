use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;

use crate::features::auth::pages::MerchantPage;
use crate::features::imports;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::urls;
use crate::kit::web::csv::{self, Cell};
use crate::kit::web::form::FormErrors;
use crate::kit::web::memory::Memory;
use crate::kit::web::upload::CsrfUpload;
use crate::kit::web::{ok, rejected, see_other};

/// The columns of the template.
const COLUMNS: [&str; 3] = ["Affiliate", "Type", "Code"];
/// Example rows of the template.
const EXAMPLES: [[&str; 3]; 4] = [
    ["a3y7", "Coupon Code", "SUMMER10"],
    ["name@example.com", "Coupon Code", "AUTUMN10"],
    ["a3y7", "Customer Email", "customer@example.com"],
    ["a3y7", "SKU", "TEA-GREEN-100"],
];

#[derive(Template)]
#[template(path = "imports/new.html")]
struct NewPage {
    page: MerchantPage,
    errors: FormErrors,
}

/// `GET /triggers/imports/new`
pub(crate) async fn new(page: MerchantPage) -> AppResult<HttpResponse> {
    ok(&NewPage { page, errors: FormErrors::new() })
}

/// `GET /triggers/imports/template.csv`
pub(crate) async fn template(_page: MerchantPage) -> AppResult<HttpResponse> {
    let rows = EXAMPLES.iter().map(|row| row.iter().copied().map(Cell::text).collect());
    csv::template("conversion-triggers-template.csv", &COLUMNS, rows.collect())
}

/// `POST /triggers/imports`: stores the rows for review but creates no triggers.
pub(crate) async fn create(
    db: Data<Db>,
    page: MerchantPage,
    memory: Data<Memory>,
    sent: CsrfUpload,
) -> AppResult<HttpResponse> {
    let _permit = memory.file_permit().await?;
    let name = sent.file_name.clone();
    let file = match sent.read_file(imports::read).await? {
        Ok(file) => file,
        Err(error) => {
            return rejected(&NewPage { page, errors: FormErrors::one("file", error.to_string()) });
        }
    };
    let actor = page.actor();
    let id = db
        .merchant(actor.merchant_id, move |conn| imports::open(conn, &actor, &name, &file))
        .await?;
    Ok(see_other(&urls::import(id)))
}
