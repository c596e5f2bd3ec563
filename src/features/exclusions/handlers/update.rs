use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;
use chrono::{DateTime, Utc};
use diesel::{PgConnection, QueryResult};

use super::affected::AffectedTriggers;
use super::create::{ExclusionOutcome, save_seen};
use super::enabled;
use crate::features::audit;
use crate::features::auth::pages::MerchantPage;
use crate::features::exclusions::forms::ExclusionForm;
use crate::features::exclusions::forms::SCOPES;
use crate::features::exclusions::{Exclusion, Pattern, change};
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

#[derive(Template)]
#[template(path = "exclusions/show.html")]
struct ShowPage {
    page: MerchantPage,
    exclusion: Exclusion,
    history: Vec<audit::AuditEntry>,
    /// The affiliates' codes that it matches.
    affected: Option<AffectedTriggers>,
    /// Whether they must be reviewed before saving.
    asks: bool,
    form: ExclusionForm,
    errors: FormErrors,
}

impl ShowPage {
    fn when(&self, at: &DateTime<Utc>) -> DisplayTime {
        DisplayTime::new(*at, self.page.merchant().calendar())
    }
}

async fn shown(db: &Db, page: MerchantPage, id: i64) -> AppResult<ShowPage> {
    let merchant_id = page.merchant_id();
    let (exclusion, history, affected) = db
        .merchant(merchant_id, move |conn| {
            let exclusion = Exclusion::find(conn, merchant_id, id)?;
            let history =
                audit::history(conn, merchant_id, SubjectKind::Exclusion, id, HISTORY_LINES)?;
            let affected = match Pattern::parse(&exclusion.value) {
                Ok(pattern) => Some(AffectedTriggers::by(conn, merchant_id, pattern)?),
                Err(_) => None,
            };
            QueryResult::Ok((exclusion, history, affected))
        })
        .await?;
    let form = ExclusionForm::of(&exclusion);
    let errors = FormErrors::new();
    Ok(ShowPage { page, exclusion, history, affected, asks: false, form, errors })
}

/// `GET /settings/coupon-exclusions/{exclusion_id}`
pub(crate) async fn show(
    db: Data<Db>,
    page: MerchantPage,
    id: Path<i64>,
) -> AppResult<HttpResponse> {
    enabled(&page)?;
    ok(&shown(&db, page, *id).await?)
}

/// `POST /settings/coupon-exclusions/{exclusion_id}`
pub(crate) async fn update(
    db: Data<Db>,
    page: MerchantPage,
    id: Path<i64>,
    CsrfForm(form): CsrfForm<ExclusionForm>,
) -> AppResult<HttpResponse> {
    enabled(&page)?;
    let (actor, read, id) = (page.actor(), form.read(page.merchant().tz()), *id);
    let (seen, typed) = (form.seen.clone(), form.clone());
    let outcome = match read {
        Err(errors) => ExclusionOutcome::Refused(errors),
        Ok(new) => {
            db.merchant(actor.merchant_id, move |conn| {
                let merchant_id = actor.merchant_id;
                let action = Some("exclusion.changed");
                let record =
                    Record { merchant_id, kind: SubjectKind::Exclusion, id: Some(id), action };
                typed.check_version(conn, record, |conn| {
                    Exclusion::find(conn, merchant_id, id).map(|it| ExclusionForm::of(&it))
                })?;
                // Codes that it already matches need no review.
                let known = Exclusion::find(conn, actor.merchant_id, id)?.key;
                let seen = if known == new.pattern.key() { known } else { seen };
                let save = |conn: &mut PgConnection| change(conn, &actor, id, &new);
                AppResult::Ok(save_seen(conn, &actor, &seen, &new, save)?)
            })
            .await?
        }
    };
    match outcome {
        ExclusionOutcome::Saved(exclusion) => {
            page.done(format!("{} is saved.", exclusion.value))?;
            Ok(see_other(&urls::exclusions()))
        }
        ExclusionOutcome::Touches(affected) => {
            let shown = shown(&db, page, id).await?;
            ok(&ShowPage { affected: Some(affected), asks: true, form, ..shown })
        }
        ExclusionOutcome::Refused(errors) => {
            let shown = shown(&db, page, id).await?;
            rejected(&ShowPage { form, errors, ..shown })
        }
    }
}
