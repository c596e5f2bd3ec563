use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use vouch_core::calendar::Calendar;

use crate::features::affiliates::{self, Affiliate};
use crate::features::auth::account::{self, PasswordForm};
use crate::features::auth::devices::handlers::ended_others;
use crate::features::auth::devices::{self, Device};
use crate::features::auth::pages::AffiliatePage;
use crate::features::auth::text::{DEVICE_SIGNED_OUT, PASSWORD_CHANGED};
use crate::features::auth::{AttemptLimits, Hashing};
use crate::features::portal::emails;
use crate::features::portal::forms::ProfileForm;
use crate::features::portal::text::PROFILE_SAVED;
use crate::kit::audit::SubjectKind;
use crate::kit::clock;
use crate::kit::db::{Db, Scope};
use crate::kit::error::AppResult;
use crate::kit::security::{self, Kind};
use crate::kit::urls;
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::{CsrfForm, FormErrors, Nothing};
use crate::kit::web::version::{Edits as _, Record};
use crate::kit::web::{ok, rejected, see_other};

/// The page with the list of sessions.
const SESSIONS: &str = "/portal/settings/sessions";

#[derive(Template)]
#[template(path = "portal/settings.html")]
struct SettingsPage {
    page: AffiliatePage,
    affiliate: Affiliate,
    devices: Vec<Device>,
    base: &'static str,
    form: ProfileForm,
    profile_errors: FormErrors,
    /// For the password.
    errors: FormErrors,
}

impl SettingsPage {
    /// The page with current data. Support staff don't see the sessions.
    async fn load(db: &Db, page: AffiliatePage) -> AppResult<Self> {
        let (merchant_id, affiliate_id) = (page.merchant_id(), page.affiliate_context.affiliate_id);
        let affiliate = db
            .merchant(merchant_id, move |conn| Affiliate::find(conn, merchant_id, affiliate_id))
            .await?;
        let (user_id, this) = (page.affiliate_context.person.id, devices::name_of(page.session())?);
        let devices = if page.may_write() {
            db.run(Scope::Unowned, move |conn| devices::devices(conn, user_id, &this, clock::now()))
                .await?
        } else {
            Vec::new()
        };
        let form = ProfileForm::of(&affiliate);
        let (profile_errors, errors) = (FormErrors::new(), FormErrors::new());
        Ok(Self { page, affiliate, devices, base: SESSIONS, form, profile_errors, errors })
    }

    /// Since when sign-in needs a code.
    fn two_factor(&self) -> Option<DisplayTime> {
        let since = self.page.affiliate_context.person.two_factor_at?;
        Some(DisplayTime::new(since, self.calendar()))
    }

    fn calendar(&self) -> Calendar {
        self.page.merchant().calendar()
    }
}

/// `GET /portal/settings`
pub(crate) async fn settings(db: Data<Db>, page: AffiliatePage) -> AppResult<HttpResponse> {
    ok(&SettingsPage::load(&db, page).await?)
}

/// `POST /portal/settings`: name and payout details.
pub(crate) async fn update(
    db: Data<Db>,
    page: AffiliatePage,
    CsrfForm(form): CsrfForm<ProfileForm>,
) -> AppResult<HttpResponse> {
    let change = match form.read(&page.affiliate_context.affiliate_name) {
        Ok(change) => change,
        Err(errors) => {
            let shown = SettingsPage::load(&db, page).await?;
            return rejected(&SettingsPage { form, profile_errors: errors, ..shown });
        }
    };
    let (actor, merchant) = (page.actor(), page.merchant().clone());
    let affiliate_id = page.affiliate_context.affiliate_id;
    db.merchant(merchant.id, move |conn| {
        // Affiliates don't see which member made a change.
        let (merchant_id, id) = (merchant.id, Some(affiliate_id));
        let record = Record { merchant_id, kind: SubjectKind::Affiliate, id, action: None };
        form.check_version(conn, record, |conn| {
            Affiliate::find(conn, merchant.id, affiliate_id).map(|it| ProfileForm::of(&it))
        })?;
        let (before, after) = affiliates::update_own(conn, &actor, affiliate_id, &change)?;
        if before.payout_details != after.payout_details {
            emails::payout_details_changed(conn, &merchant, &after)?;
        }
        AppResult::Ok(())
    })
    .await?;
    page.leave(FlashKind::Success, PROFILE_SAVED)?;
    Ok(see_other(&urls::portal_settings()))
}

/// `POST /portal/settings/password`
pub(crate) async fn change_password(
    db: Data<Db>,
    hashing: Data<Hashing>,
    attempts: Data<AttemptLimits>,
    req: HttpRequest,
    page: AffiliatePage,
    CsrfForm(form): CsrfForm<PasswordForm>,
) -> AppResult<HttpResponse> {
    let person = &page.affiliate_context.person;
    match account::change(&db, &hashing, &attempts, &req, person, page.session(), form).await? {
        Ok(()) => {
            page.leave(FlashKind::Success, PASSWORD_CHANGED)?;
            Ok(see_other(&urls::portal_settings()))
        }
        Err(errors) => {
            let shown = SettingsPage::load(&db, page).await?;
            rejected(&SettingsPage { errors, ..shown })
        }
    }
}

/// `POST /portal/settings/sessions/{session_id}/removal`
pub(crate) async fn end_session(
    db: Data<Db>,
    page: AffiliatePage,
    session_id: Path<String>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let user_id = page.affiliate_context.person.id;
    db.run(Scope::Unowned, move |conn| devices::end(conn, user_id, &session_id, clock::now()))
        .await?;
    security::note(Kind::SessionsEnded);
    page.leave(FlashKind::Success, DEVICE_SIGNED_OUT)?;
    Ok(see_other(&urls::portal_settings()))
}

/// `POST /portal/settings/sessions/others/removal`
pub(crate) async fn end_other_sessions(
    db: Data<Db>,
    page: AffiliatePage,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let (user_id, this) = (page.affiliate_context.person.id, devices::name_of(page.session())?);
    let ended = db
        .run(Scope::Unowned, move |conn| devices::end_others(conn, user_id, &this, clock::now()))
        .await?;
    security::note(Kind::SessionsEnded);
    page.leave(FlashKind::Success, ended_others(ended))?;
    Ok(see_other(&urls::portal_settings()))
}
