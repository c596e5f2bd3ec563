use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;
use diesel::QueryResult;

use crate::affiliates::forms::{AffiliateForm, refusal};
use crate::affiliates::frame::{Frame, FrameItem};
use crate::affiliates::model;
use crate::affiliates::status::AffiliateStatus;
use crate::audit;
use crate::db::Db;
use crate::error::AppResult;
use crate::offers;
use crate::urls;
use crate::web::form::{CsrfForm, FormErrors};
use crate::web::page::MerchantPage;
use crate::web::{ok, rejected, see_other};

/// How many lines of its history a page shows.
const HISTORY_LINES: i64 = 20;

#[derive(Template)]
#[template(path = "affiliates/settings.html")]
struct SettingsPage {
    page: MerchantPage,
    frame: Frame,
    offers: Vec<(String, String)>,
    history: Vec<audit::Entry>,
    form: AffiliateForm,
    errors: FormErrors,
}

impl SettingsPage {
    /// What the status can become, with the words on the buttons.
    fn moves(&self) -> Vec<(AffiliateStatus, &'static str)> {
        use AffiliateStatus::{Active, Denied, Disabled, Pending};
        match self.frame.affiliate.status {
            Pending => vec![(Active, "Approve"), (Denied, "Deny")],
            Active => vec![(Disabled, "Disable")],
            Denied => vec![(Active, "Approve"), (Pending, "Back to Pending")],
            Disabled => vec![(Active, "Enable")],
        }
    }

    /// What the status means for orders.
    fn meaning(&self) -> &'static str {
        match self.frame.affiliate.status {
            AffiliateStatus::Pending => {
                "Waits for your decision. Orders placed until then earn nothing."
            }
            AffiliateStatus::Active => "Takes part: orders with its triggers are credited.",
            AffiliateStatus::Denied => {
                "Was not taken on. Orders placed meanwhile earn nothing; its codes stay reserved."
            }
            AffiliateStatus::Disabled => {
                "No longer takes part. Orders placed meanwhile earn nothing; its codes stay reserved."
            }
        }
    }

    fn when(&self, entry: &audit::Entry) -> String {
        entry.at.with_timezone(&self.page.merchant().tz()).format("%-d %B %Y, %H:%M").to_string()
    }
}

/// What the page shows besides the form.
struct Surroundings {
    frame: Frame,
    offers: Vec<(String, String)>,
    history: Vec<audit::Entry>,
}

impl Surroundings {
    fn load(
        conn: &mut diesel::PgConnection,
        merchant: &crate::auth::Merchant,
        now: chrono::DateTime<chrono::Utc>,
        affiliate_id: i64,
    ) -> QueryResult<Self> {
        let frame = Frame::load(conn, merchant, now, affiliate_id, FrameItem::Settings)?;
        let mut offers = offers::options(conn, merchant.id)?;
        let own = frame.affiliate.offer_id.to_string();
        // An archived offer is offered to nobody else.
        if !offers.iter().any(|(id, _)| *id == own) {
            offers.push((own, format!("{} (archived)", frame.offer_name)));
        }
        let history = audit::history(conn, merchant.id, "affiliate", affiliate_id, HISTORY_LINES)?;
        Ok(Self { frame, offers, history })
    }

    fn page(self, page: MerchantPage, form: AffiliateForm, errors: FormErrors) -> SettingsPage {
        let Self { frame, offers, history } = self;
        SettingsPage { page, frame, offers, history, form, errors }
    }
}

/// `GET /affiliates/{id}`
pub async fn settings(
    db: Data<Db>,
    page: MerchantPage,
    affiliate_id: Path<i64>,
) -> AppResult<HttpResponse> {
    let (merchant, now) = (page.merchant().clone(), page.actor().now);
    let around = db
        .merchant(merchant.id, move |conn| Surroundings::load(conn, &merchant, now, *affiliate_id))
        .await?;
    let form = AffiliateForm::of(&around.frame.affiliate);
    ok(&around.page(page, form, FormErrors::new()))
}

/// `POST /affiliates/{id}`
pub async fn update(
    db: Data<Db>,
    page: MerchantPage,
    affiliate_id: Path<i64>,
    CsrfForm(form): CsrfForm<AffiliateForm>,
) -> AppResult<HttpResponse> {
    let (merchant, actor) = (page.merchant().clone(), page.actor());
    let change = form.for_change();
    let outcome = db
        .merchant(merchant.id, move |conn| {
            let errors = match change {
                Ok(change) => match model::update(conn, &actor, *affiliate_id, &change) {
                    Ok(affiliate) => return Ok(Ok(affiliate)),
                    Err(error) => refusal(error)?,
                },
                Err(errors) => errors,
            };
            let around = Surroundings::load(conn, &merchant, actor.now, *affiliate_id)?;
            QueryResult::Ok(Err((around, errors)))
        })
        .await?;
    match outcome {
        Ok(affiliate) => {
            page.done(format!("The settings of {} are saved.", affiliate.name))?;
            Ok(see_other(&urls::affiliate(affiliate.id)))
        }
        Err((around, errors)) => rejected(&around.page(page, form, errors)),
    }
}
