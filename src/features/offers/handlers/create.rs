use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;
use diesel::QueryResult;
use vouch_core::attribution::CommissionKind;

use super::currency;
use crate::features::auth::pages::MerchantPage;
use crate::features::offers::forms::PAYS;
use crate::features::offers::forms::{OfferForm, refusal};
use crate::features::offers::model;
use crate::features::offers::text;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::urls;
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::{ok, rejected, see_other};

#[derive(Template)]
#[template(path = "offers/new.html")]
struct NewPage {
    page: MerchantPage,
    form: OfferForm,
    errors: FormErrors,
}

/// `GET /offers/new`
pub(crate) async fn new(page: MerchantPage) -> AppResult<HttpResponse> {
    let form =
        OfferForm { pays: CommissionKind::Percent.as_str().to_owned(), ..OfferForm::default() };
    ok(&NewPage { page, form, errors: FormErrors::new() })
}

/// `POST /offers`
pub(crate) async fn create(
    db: Data<Db>,
    page: MerchantPage,
    CsrfForm(form): CsrfForm<OfferForm>,
) -> AppResult<HttpResponse> {
    let (actor, read) = (page.actor(), form.read(currency(&page)));
    let outcome = match read {
        Err(errors) => Err(errors),
        Ok(new) => {
            db.merchant(actor.merchant_id, move |conn| match model::create(conn, &actor, &new) {
                Ok(offer) => QueryResult::Ok(Ok(offer)),
                Err(error) => Ok(Err(refusal(error)?)),
            })
            .await?
        }
    };
    match outcome {
        Ok(offer) => {
            page.done(text::created(&offer.name))?;
            Ok(see_other(&urls::offer(offer.id)))
        }
        Err(errors) => rejected(&NewPage { page, form, errors }),
    }
}
