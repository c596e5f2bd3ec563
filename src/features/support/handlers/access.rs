use actix_web::HttpResponse;
use actix_web::web::{Data, Path};

use super::feature::reason_error;
use super::show::{FeatureForm, SupportMerchantPage};
use crate::features::accounts::{self, AccessChange};
use crate::features::auth::Merchant;
use crate::features::auth::pages::PersonPage;
use crate::features::support::text;
use crate::kit::db::{Db, Scope};
use crate::kit::error::AppResult;
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::{CsrfForm, FormErrors};
use crate::kit::web::{rejected, see_other};

/// `POST /support/merchants/{merchant_id}/access`: closes a merchant or reopens it.
pub(crate) async fn set_access(
    db: Data<Db>,
    page: PersonPage,
    merchant_id: Path<i64>,
    CsrfForm(form): CsrfForm<FeatureForm>,
) -> AppResult<HttpResponse> {
    let id = *merchant_id;
    if let Some(why) = reason_error(&form.reason) {
        let mut shown = SupportMerchantPage::read(&db, page, id).await?;
        shown.errors = FormErrors::one("access_reason", why);
        shown.form = form;
        return rejected(&shown);
    }
    let (by, opens) = (AccessChange::support(&page.support_actor(id), &form.reason), form.enabled);
    let (flash, words) = db
        .run(Scope::Instance, move |conn| {
            let merchant = Merchant::find(conn, id)?.name;
            if opens {
                return accounts::reopen(conn, &by, id).map(|changed| match changed {
                    true => (FlashKind::Success, text::reopened(&merchant)),
                    false => (FlashKind::Info, text::not_closed(&merchant)),
                });
            }
            accounts::close(conn, &by, id).map(|ended| match ended {
                Some(ended) => (FlashKind::Success, text::closed(&merchant, &ended.words())),
                None => (FlashKind::Info, text::already_closed(&merchant)),
            })
        })
        .await?;
    page.leave(flash, words)?;
    Ok(see_other(&format!("/support/merchants/{id}")))
}
