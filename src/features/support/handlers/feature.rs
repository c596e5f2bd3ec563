use actix_web::HttpResponse;
use actix_web::web::{Data, Path};

use super::show::{FeatureForm, SupportMerchantPage};
use crate::features::accounts::read_reason;
use crate::features::auth::pages::PersonPage;
use crate::features::exclusions;
use crate::features::support::text;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::{rejected, see_other};

/// `POST /support/merchants/{merchant_id}/coupon-exclusions`: enables or disables them for the merchant.
pub(crate) async fn set_exclusions(
    db: Data<Db>,
    page: PersonPage,
    merchant_id: Path<i64>,
    CsrfForm(form): CsrfForm<FeatureForm>,
) -> AppResult<HttpResponse> {
    if let Some(refusal) = reason_error(&form.reason) {
        let mut shown = SupportMerchantPage::read(&db, page, *merchant_id).await?;
        shown.errors = FormErrors::one("reason", refusal);
        shown.form = form;
        return rejected(&shown);
    }
    let (actor, on) = (page.support_actor(*merchant_id), form.enabled);
    let changed = db
        .merchant(*merchant_id, move |conn| exclusions::enable(conn, &actor, on, &form.reason))
        .await?;
    let words = match (changed, on) {
        (true, true) => text::EXCLUSIONS_ON,
        (true, false) => text::EXCLUSIONS_OFF,
        (false, true) => text::EXCLUSIONS_ALREADY_ON,
        (false, false) => text::EXCLUSIONS_ALREADY_OFF,
    };
    page.leave(if changed { FlashKind::Success } else { FlashKind::Info }, words)?;
    Ok(see_other(&format!("/support/merchants/{merchant_id}")))
}

/// The error of the reason for a support action.
pub(in crate::features::support) fn reason_error(typed: &str) -> Option<String> {
    match read_reason(typed) {
        Ok(reason) if reason.is_empty() => Some("Enter a reason.".to_owned()),
        Ok(_) => None,
        Err(error) => Some(error.to_string()),
    }
}
