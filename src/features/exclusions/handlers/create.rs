use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use askama::Template;
use diesel::prelude::*;
use serde::Deserialize;

use super::affected::AffectedTriggers;
use super::enabled;
use crate::features::auth::pages::MerchantPage;
use crate::features::exclusions::forms::SCOPES;
use crate::features::exclusions::forms::{ExclusionForm, refusal};
use crate::features::exclusions::text;
use crate::features::exclusions::{Exclusion, NewExclusion, add};
use crate::kit::audit::Actor;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::urls;
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::{ok, rejected, see_other};

#[derive(Template)]
#[template(path = "exclusions/new.html")]
struct NewPage {
    page: MerchantPage,
    form: ExclusionForm,
    errors: FormErrors,
    /// The affiliates' codes to review before saving, if any.
    affected: Option<AffectedTriggers>,
}

/// The initial values of the form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NewExclusionQuery {
    code: String,
}

/// `GET /settings/coupon-exclusions/new`
pub(crate) async fn new(
    page: MerchantPage,
    query: Query<NewExclusionQuery>,
) -> AppResult<HttpResponse> {
    enabled(&page)?;
    let code = query.into_inner().code.chars().take(100).collect();
    let form = ExclusionForm { code, ..ExclusionForm::default() };
    ok(&NewPage { page, form, errors: FormErrors::new(), affected: None })
}

/// The result of a submitted form.
pub(super) enum ExclusionOutcome {
    Saved(Exclusion),
    /// Affiliates have matching codes, which must be reviewed first.
    Touches(AffectedTriggers),
    Refused(FormErrors),
}

/// Saves `new` with `save`, unless affiliates have matching codes that weren't reviewed yet.
pub(super) fn save_seen(
    conn: &mut PgConnection,
    actor: &Actor,
    seen: &str,
    new: &NewExclusion,
    save: impl FnOnce(&mut PgConnection) -> Result<Exclusion, crate::features::exclusions::SaveError>,
) -> QueryResult<ExclusionOutcome> {
    if seen != new.pattern.key() {
        let affected = AffectedTriggers::by(conn, actor.merchant_id, new.pattern.clone())?;
        if !affected.is_empty() {
            return Ok(ExclusionOutcome::Touches(affected));
        }
    }
    match save(conn) {
        Ok(exclusion) => Ok(ExclusionOutcome::Saved(exclusion)),
        Err(error) => Ok(ExclusionOutcome::Refused(refusal(error)?)),
    }
}

/// `POST /settings/coupon-exclusions`
pub(crate) async fn create(
    db: Data<Db>,
    page: MerchantPage,
    CsrfForm(form): CsrfForm<ExclusionForm>,
) -> AppResult<HttpResponse> {
    enabled(&page)?;
    let new = match form.read(page.merchant().tz()) {
        Ok(new) => new,
        Err(errors) => return rejected(&NewPage { page, form, errors, affected: None }),
    };
    let (actor, seen) = (page.actor(), form.seen.clone());
    let outcome = db
        .merchant(actor.merchant_id, move |conn| {
            save_seen(conn, &actor, &seen, &new, |conn| add(conn, &actor, &new))
        })
        .await?;
    match outcome {
        ExclusionOutcome::Saved(exclusion) => {
            page.done_undoable(
                text::added(&exclusion.value),
                urls::exclusion_removal(exclusion.id),
            )?;
            Ok(see_other(&urls::exclusions()))
        }
        ExclusionOutcome::Touches(affected) => {
            let errors = FormErrors::new();
            ok(&NewPage { page, form, errors, affected: Some(affected) })
        }
        ExclusionOutcome::Refused(errors) => {
            rejected(&NewPage { page, form, errors, affected: None })
        }
    }
}
