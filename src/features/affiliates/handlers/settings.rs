use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;
use diesel::QueryResult;

use crate::features::affiliates::change;
use crate::features::affiliates::forms::{AffiliateForm, refusal};
use crate::features::affiliates::frame::{Frame, FrameItem};
use crate::features::affiliates::model::Affiliate;
use crate::features::affiliates::status::AffiliateStatus;
use crate::features::affiliates::text;
use crate::features::applications::{
    Application, CodeRequest, CodeRequestOrigin, CodeRequestStatus,
};
use crate::features::audit;
use crate::features::auth::pages::MerchantPage;
use crate::features::offers;
use crate::kit::audit::SubjectKind;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::urls;
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::version::{Edits as _, Record};
use crate::kit::web::{ok, rejected, see_other};

/// How many lines of its history a page shows.
const HISTORY_LINES: i64 = 20;
/// How many code requests are loaded.
const REQUESTS: i64 = 50;
/// How many of the denied requests are shown.
const DENIED_SHOWN: usize = 5;

#[derive(Template)]
#[template(path = "affiliates/settings.html")]
struct SettingsPage {
    page: MerchantPage,
    frame: Frame,
    offers: Vec<(String, String)>,
    history: Vec<audit::AuditEntry>,
    application: Option<Application>,
    requests: Vec<CodeRequest>,
    form: AffiliateForm,
    errors: FormErrors,
}

impl SettingsPage {
    /// When the application was sent.
    fn applied(&self, application: &Application) -> DisplayTime {
        DisplayTime::new(application.sent_at, self.page.merchant().calendar())
    }

    /// The status of a code that was requested in the application.
    fn code_status(&self, code: &str) -> Option<CodeRequestStatus> {
        let applied = |request: &&CodeRequest| {
            request.code == code && request.origin == CodeRequestOrigin::Application
        };
        let request = self.requests.iter().find(applied)?;
        Some(request.status)
    }

    /// Requests for additional codes that wait for a decision.
    fn further(&self) -> Vec<&CodeRequest> {
        self.requests.iter().filter(|request| request.is_requested()).collect()
    }

    /// Denied requests for additional codes that can still be reversed, each with the URL for that.
    fn denied(&self) -> Vec<(&CodeRequest, String)> {
        let id = self.frame.affiliate.id;
        if self.frame.affiliate.status == AffiliateStatus::Denied {
            return Vec::new();
        }
        let denied = self.requests.iter().filter(|request| request.is_denied_request());
        let with_way_back = denied.filter_map(|request| {
            let decided_at = request.decided_at?;
            Some((request, urls::code_request_reversals(decided_at, &[request.id], Some(id))))
        });
        with_way_back.take(DENIED_SHOWN).collect()
    }

    fn asked_at(&self, request: &CodeRequest) -> DisplayTime {
        DisplayTime::new(request.requested_at, self.page.merchant().calendar())
    }

    /// The possible new statuses, with their button labels.
    fn moves(&self) -> Vec<(AffiliateStatus, &'static str)> {
        use AffiliateStatus::{Active, Denied, Disabled, Pending};
        match self.frame.affiliate.status {
            Pending => vec![(Active, "Approve affiliate"), (Denied, "Deny affiliate")],
            Active => vec![(Disabled, "Disable affiliate")],
            Denied => vec![(Active, "Approve affiliate"), (Pending, "Set affiliate to pending")],
            Disabled => vec![(Active, "Enable affiliate")],
        }
    }

    fn disable_question(&self) -> String {
        text::disable_question(&self.frame.affiliate.name)
    }

    /// The status's effect on orders.
    fn meaning(&self) -> &'static str {
        text::meaning(self.frame.affiliate.status)
    }

    fn when(&self, entry: &audit::AuditEntry) -> String {
        self.page.merchant().calendar().moment(entry.at)
    }
}

/// The page's data besides the form.
struct Surroundings {
    frame: Frame,
    offers: Vec<(String, String)>,
    history: Vec<audit::AuditEntry>,
    application: Option<Application>,
    requests: Vec<CodeRequest>,
}

impl Surroundings {
    fn load(
        conn: &mut diesel::PgConnection,
        merchant: &crate::features::auth::Merchant,
        now: chrono::DateTime<chrono::Utc>,
        affiliate_id: i64,
    ) -> QueryResult<Self> {
        let frame = Frame::load(conn, merchant, now, affiliate_id, FrameItem::Settings)?;
        let mut offers = offers::options(conn, merchant.id)?;
        let own = frame.affiliate.offer_id.to_string();
        // An archived offer is only available to affiliates that already have it.
        if !offers.iter().any(|(id, _)| *id == own) {
            offers.push((own, format!("{} (archived)", frame.offer_name)));
        }
        let history =
            audit::history(conn, merchant.id, SubjectKind::Affiliate, affiliate_id, HISTORY_LINES)?;
        Ok(Self {
            application: Application::of_affiliate(conn, merchant.id, affiliate_id)?,
            requests: CodeRequest::of_affiliate(conn, merchant.id, affiliate_id, REQUESTS)?,
            frame,
            offers,
            history,
        })
    }

    fn page(self, page: MerchantPage, form: AffiliateForm, errors: FormErrors) -> SettingsPage {
        let Self { frame, offers, history, application, requests } = self;
        SettingsPage { page, frame, offers, history, application, requests, form, errors }
    }
}

/// `GET /affiliates/{affiliate_id}`
pub(crate) async fn settings(
    db: Data<Db>,
    page: MerchantPage,
    affiliate_id: Path<i64>,
) -> AppResult<HttpResponse> {
    let (merchant, now) = (page.merchant().clone(), page.actor().now);
    let surroundings = db
        .merchant(merchant.id, move |conn| Surroundings::load(conn, &merchant, now, *affiliate_id))
        .await?;
    let form = AffiliateForm::of(&surroundings.frame.affiliate);
    ok(&surroundings.page(page, form, FormErrors::new()))
}

/// `POST /affiliates/{affiliate_id}`
pub(crate) async fn update(
    db: Data<Db>,
    page: MerchantPage,
    affiliate_id: Path<i64>,
    CsrfForm(form): CsrfForm<AffiliateForm>,
) -> AppResult<HttpResponse> {
    let (merchant, actor) = (page.merchant().clone(), page.actor());
    let typed = form.clone();
    let outcome = db
        .merchant(merchant.id, move |conn| {
            let current = Affiliate::find(conn, merchant.id, *affiliate_id)?;
            let record = Record {
                merchant_id: merchant.id,
                kind: SubjectKind::Affiliate,
                id: Some(*affiliate_id),
                action: Some("affiliate.changed"),
            };
            typed.check_version(conn, record, |conn| {
                Affiliate::find(conn, merchant.id, *affiliate_id).map(|it| AffiliateForm::of(&it))
            })?;
            let errors = match typed.for_change(&current.name) {
                Ok(change) => match change::update(conn, &actor, *affiliate_id, &change) {
                    Ok(affiliate) => return Ok(Ok(affiliate)),
                    Err(error) => refusal(error)?,
                },
                Err(errors) => errors,
            };
            let surroundings = Surroundings::load(conn, &merchant, actor.now, *affiliate_id)?;
            AppResult::Ok(Err((surroundings, errors)))
        })
        .await?;
    match outcome {
        Ok(affiliate) => {
            page.done(text::saved(&affiliate.name))?;
            Ok(see_other(&urls::affiliate(affiliate.id)))
        }
        Err((surroundings, errors)) => rejected(&surroundings.page(page, form, errors)),
    }
}
