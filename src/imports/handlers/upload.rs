use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;
use askama::Template;

use crate::db::Db;
use crate::error::AppResult;
use crate::imports;
use crate::urls;
use crate::web::form::FormErrors;
use crate::web::page::MerchantPage;
use crate::web::upload::CsrfUpload;
use crate::web::{ok, rejected, see_other};

/// What the file looks like that one begins with.
const TEMPLATE: &str = "Affiliate,Type,Code\n\
    a3y7,Coupon Code,SUMMER10\n\
    name@example.com,Coupon Code,AUTUMN10\n\
    a3y7,Customer Email,customer@example.com\n\
    a3y7,SKU,TEA-GREEN-100\n";

#[derive(Template)]
#[template(path = "imports/new.html")]
struct NewPage {
    page: MerchantPage,
    errors: FormErrors,
}

/// `GET /triggers/imports/new`
pub async fn new(page: MerchantPage) -> AppResult<HttpResponse> {
    ok(&NewPage { page, errors: FormErrors::new() })
}

/// `GET /triggers/imports/template.csv`
pub async fn template(_page: MerchantPage) -> AppResult<HttpResponse> {
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"conversion-triggers-template.csv\"",
        ))
        .body(TEMPLATE))
}

/// `POST /triggers/imports`: keeps the rows to be looked at; creates nothing.
pub async fn create(db: Data<Db>, page: MerchantPage, sent: CsrfUpload) -> AppResult<HttpResponse> {
    let rows = match imports::read(&sent.file) {
        Ok(rows) => rows,
        Err(error) => {
            return rejected(&NewPage { page, errors: FormErrors::one("file", error.to_string()) });
        }
    };
    let actor = page.actor();
    let id = db
        .merchant(actor.merchant_id, move |conn| {
            imports::open(conn, &actor, &sent.file_name, &rows)
        })
        .await?;
    Ok(see_other(&urls::import(id)))
}
