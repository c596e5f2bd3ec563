use actix_web::HttpResponse;
use askama::Template;

use super::status_form::StatusForm;
use crate::features::affiliates::Affiliate;
use crate::features::auth::pages::MerchantPage;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::web::form::FormErrors;
use crate::kit::web::rejected;

/// A denial with an invalid reason, as typed.
#[derive(Template)]
#[template(path = "affiliates/denial.html")]
struct DenialPage {
    page: MerchantPage,
    chosen: Vec<Affiliate>,
    form: StatusForm,
    errors: FormErrors,
}

impl DenialPage {
    fn heading(&self) -> String {
        match self.chosen.as_slice() {
            [only] => format!("Deny {}", only.name),
            several => format!("Deny {} affiliates", several.len()),
        }
    }

    fn names(&self) -> String {
        let names: Vec<&str> = self.chosen.iter().map(|one| one.name.as_str()).collect();
        names.join(", ")
    }
}

/// Shows the form again because the reason is invalid. No one was denied.
pub(super) async fn ask_again(
    db: &Db,
    page: MerchantPage,
    form: StatusForm,
    problem: String,
) -> AppResult<HttpResponse> {
    let (merchant_id, ids) = (page.merchant_id(), form.ids.clone());
    let chosen = db
        .merchant(merchant_id, move |conn| {
            ids.iter().map(|id| Affiliate::find(conn, merchant_id, *id)).collect()
        })
        .await?;
    let errors = FormErrors::one("reason", problem);
    rejected(&DenialPage { page, chosen, form, errors })
}
