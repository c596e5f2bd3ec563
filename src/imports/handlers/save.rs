use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde::Deserialize;

use super::show::ImportPage;
use crate::db::Db;
use crate::error::AppResult;
use crate::imports::{self, Choice, Completed, Import, Judged};
use crate::pushes;
use crate::triggers::Reach;
use crate::urls;
use crate::web::form::{CsrfForm, FormErrors};
use crate::web::page::{FlashKind, MerchantPage};
use crate::web::paginate::thousands;
use crate::web::{rejected, see_other};

/// What was decided by who has looked at the rows.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct CompletionForm {
    /// How many were fine then.
    fine: usize,
    /// How many were excluded.
    excluded: usize,
    override_exclusions: bool,
    only_in_vouch: bool,
}

impl CompletionForm {
    fn choice(self) -> Choice {
        Choice {
            override_exclusions: self.override_exclusions,
            reach: if self.only_in_vouch { Reach::VouchOnly } else { Reach::Stores },
            seen: (self.fine, self.excluded),
        }
    }
}

/// `POST /triggers/imports/{id}/completion`: creates what can be created, all of it or nothing.
pub async fn complete(
    db: Data<Db>,
    page: MerchantPage,
    id: Path<i64>,
    CsrfForm(form): CsrfForm<CompletionForm>,
) -> AppResult<HttpResponse> {
    let actor = page.actor();
    let (completed, stores) = db
        .merchant(actor.merchant_id, move |conn| {
            let completed = imports::complete(conn, &actor, *id, form.choice())?;
            diesel::QueryResult::Ok((completed, pushes::destinations(conn, actor.merchant_id)?))
        })
        .await?;
    match completed {
        Completed::Done(import) => {
            page.done(done_words(&import, form, &stores))?;
            Ok(see_other(&urls::import(import.id)))
        }
        Completed::Already(import) => {
            page.leave(FlashKind::Info, "This file was saved already. Nothing was done twice.")?;
            Ok(see_other(&urls::import(import.id)))
        }
        Completed::Changed(import, judged) => {
            let why = "Something has changed since you looked: nothing was created. The rows below \
                       are as things stand now.";
            refuse(page, import, judged, (stores, form), why)
        }
        Completed::Nothing(import, judged) => {
            let why = "Nothing can be created from this file as it is: nothing was changed.";
            refuse(page, import, judged, (stores, form), why)
        }
    }
}

fn refuse(
    page: MerchantPage,
    import: Import,
    judged: Vec<Judged>,
    (stores, form): (Vec<String>, CompletionForm),
    why: &str,
) -> AppResult<HttpResponse> {
    rejected(&ImportPage {
        page,
        import,
        judged,
        refused: Vec::new(),
        stores,
        errors: FormErrors::one("", why),
        override_exclusions: form.override_exclusions,
        only_in_vouch: form.only_in_vouch,
    })
}

fn done_words(import: &Import, form: CompletionForm, stores: &[String]) -> String {
    let created = match import.created_count {
        1 => "1 conversion trigger was created.".to_owned(),
        count => format!("{} conversion triggers were created.", thousands(i64::from(count))),
    };
    let reach = if stores.is_empty() || form.only_in_vouch {
        " Create the same discount codes in your store, if it has none yet, so that they are \
         accepted during checkout."
            .to_owned()
    } else {
        format!(
            " The codes are on their way to {}. You’ll need to add expiration dates there, if they \
             should have any.",
            stores.join(", ")
        )
    };
    format!("{created}{reach}")
}
