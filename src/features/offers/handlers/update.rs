use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;
use chrono::{DateTime, Utc};
use diesel::result::Error;
use diesel::{PgConnection, QueryResult};

use super::currency;
use crate::features::audit;
use crate::features::auth::pages::MerchantPage;
use crate::features::offers::forms::PAYS;
use crate::features::offers::forms::{OfferForm, refusal};
use crate::features::offers::model;
use crate::features::offers::read::{self, Offer, OfferTerms};
use crate::features::offers::text;
use crate::kit::audit::SubjectKind;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::urls;
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::version::{Edits as _, Record};
use crate::kit::web::{ok, rejected, see_other};

/// How many history entries a page shows.
const HISTORY_LINES: i64 = 20;

/// The data for an offer's page.
struct PageData {
    offer: Offer,
    /// The active terms come first.
    terms: Vec<OfferTerms>,
    history: Vec<audit::AuditEntry>,
}

impl PageData {
    fn load(conn: &mut PgConnection, merchant_id: i64, offer_id: i64) -> QueryResult<Self> {
        let offer = Offer::find(conn, merchant_id, offer_id)?;
        let terms = read::history(conn, merchant_id, offer_id)?;
        let history =
            audit::history(conn, merchant_id, SubjectKind::Offer, offer_id, HISTORY_LINES)?;
        // Every offer has active terms. One without them would be our bug.
        if terms.is_empty() {
            return Err(Error::NotFound);
        }
        Ok(Self { offer, terms, history })
    }
}

#[derive(Template)]
#[template(path = "offers/show.html")]
struct ShowPage {
    page: MerchantPage,
    shown: PageData,
    form: OfferForm,
    errors: FormErrors,
}

impl ShowPage {
    fn when(&self, at: &DateTime<Utc>) -> DisplayTime {
        DisplayTime::new(*at, self.page.merchant().calendar())
    }

    fn is_from_the_beginning(&self, terms: &OfferTerms) -> bool {
        terms.valid_from == DateTime::UNIX_EPOCH
    }
}

/// `GET /offers/{offer_id}`
pub(crate) async fn show(
    db: Data<Db>,
    page: MerchantPage,
    offer_id: Path<i64>,
) -> AppResult<HttpResponse> {
    let merchant_id = page.merchant_id();
    let shown =
        db.merchant(merchant_id, move |conn| PageData::load(conn, merchant_id, *offer_id)).await?;
    let form = OfferForm::of(&shown.offer, &shown.terms[0], currency(&page));
    ok(&ShowPage { page, shown, form, errors: FormErrors::new() })
}

/// `POST /offers/{offer_id}`
pub(crate) async fn update(
    db: Data<Db>,
    page: MerchantPage,
    offer_id: Path<i64>,
    CsrfForm(form): CsrfForm<OfferForm>,
) -> AppResult<HttpResponse> {
    let (actor, currency) = (page.actor(), currency(&page));
    let (read, mut typed) = (form.read(currency), form.clone());
    let outcome = db
        .merchant(actor.merchant_id, move |conn| {
            let record = Record {
                merchant_id: actor.merchant_id,
                kind: SubjectKind::Offer,
                id: Some(*offer_id),
                action: Some("offer.changed"),
            };
            typed.keep_default(&Offer::find(conn, actor.merchant_id, *offer_id)?);
            typed.check_version(conn, record, |conn| {
                let PageData { offer, terms, .. } =
                    PageData::load(conn, actor.merchant_id, *offer_id)?;
                Ok(OfferForm::of(&offer, &terms[0], currency))
            })?;
            let errors = match read {
                Ok(change) => match model::update(conn, &actor, *offer_id, &change) {
                    Ok(offer) => return Ok(Ok(offer)),
                    Err(error) => refusal(error)?,
                },
                Err(errors) => errors,
            };
            AppResult::Ok(Err((PageData::load(conn, actor.merchant_id, *offer_id)?, errors)))
        })
        .await?;
    match outcome {
        Ok(offer) => {
            page.done(text::saved(&offer.name))?;
            Ok(see_other(&urls::offer(offer.id)))
        }
        Err((shown, errors)) => rejected(&ShowPage { page, shown, form, errors }),
    }
}
