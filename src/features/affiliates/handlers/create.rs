use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;
use diesel::QueryResult;

use crate::features::affiliates::forms::{AffiliateForm, refusal};
use crate::features::affiliates::model;
use crate::features::affiliates::status::AffiliateStatus;
use crate::features::affiliates::text;
use crate::features::auth::pages::MerchantPage;
use crate::features::offers;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::urls;
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::{ok, rejected, see_other};

#[derive(Template)]
#[template(path = "affiliates/new.html")]
struct NewPage {
    page: MerchantPage,
    offers: Vec<(String, String)>,
    form: AffiliateForm,
    errors: FormErrors,
}

impl NewPage {
    /// The statuses that a new affiliate can have.
    fn statuses(&self) -> [(&'static str, &'static str); 2] {
        [
            (AffiliateStatus::Active.as_str(), "Active"),
            (AffiliateStatus::Pending.as_str(), "Pending"),
        ]
    }
}

/// `GET /affiliates/new`
pub(crate) async fn new(db: Data<Db>, page: MerchantPage) -> AppResult<HttpResponse> {
    let merchant_id = page.merchant_id();
    let offers = db.merchant(merchant_id, move |conn| offers::options(conn, merchant_id)).await?;
    let form = AffiliateForm {
        status: AffiliateStatus::Active.as_str().to_owned(),
        // The default offer comes first.
        offer_id: offers.first().map(|(id, _)| id.clone()).unwrap_or_default(),
        ..AffiliateForm::default()
    };
    ok(&NewPage { page, offers, form, errors: FormErrors::new() })
}

/// `POST /affiliates`
pub(crate) async fn create(
    db: Data<Db>,
    page: MerchantPage,
    CsrfForm(form): CsrfForm<AffiliateForm>,
) -> AppResult<HttpResponse> {
    let (actor, new) = (page.actor(), form.for_creation());
    let outcome = db
        .merchant(actor.merchant_id, move |conn| {
            let errors = match new {
                Ok(new) => match model::create(conn, &actor, &new) {
                    Ok(affiliate) => return Ok(Ok(affiliate)),
                    Err(error) => refusal(error)?,
                },
                Err(errors) => errors,
            };
            QueryResult::Ok(Err((offers::options(conn, actor.merchant_id)?, errors)))
        })
        .await?;
    match outcome {
        Ok(affiliate) => {
            page.done(text::added(&affiliate.name, &affiliate.public_id))?;
            Ok(see_other(&urls::affiliate_triggers(affiliate.id)))
        }
        Err((offers, errors)) => rejected(&NewPage { page, offers, form, errors }),
    }
}
