use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use askama::Template;
use diesel::prelude::*;
use serde::Deserialize;
use vouch_core::code::MAX_EXISTING_CODE_CHARS;

use super::chooser::{AffiliateChoice, Chooser, PickerState};
use super::fields::Fields;
use crate::features::affiliates::Affiliate;
use crate::features::auth::pages::MerchantPage;
use crate::features::pushes;
use crate::features::triggers::forms::{CreatedTrigger, Refusal, TriggerForm};
use crate::features::triggers::text;
use crate::kit::audit::Actor;
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::urls;
use crate::kit::web::form::CsrfForm;
use crate::kit::web::{ok, rejected, see_other};

/// **Add Conversion Trigger**, with an affiliate to choose. `templates/triggers/_add.html` expects
/// it under the name `add`.
#[derive(Default)]
pub(crate) struct AddTrigger {
    pub(crate) chooser: Chooser,
    pub(crate) fields: Fields,
}

#[derive(Template)]
#[template(path = "triggers/add.html")]
struct AddPage {
    page: MerchantPage,
    add: AddTrigger,
}

#[derive(Template)]
#[template(path = "triggers/_add.html")]
struct AddPart {
    page: MerchantPage,
    add: AddTrigger,
}

/// The initial values of the form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NewTriggerQuery {
    coupon_code: String,
    /// Set if the code comes from a store's order, so the store already has it.
    only_in_vouch: bool,
}

/// `GET /triggers/new`
pub(crate) async fn new(
    db: Data<Db>,
    page: MerchantPage,
    query: Query<NewTriggerQuery>,
) -> AppResult<HttpResponse> {
    let merchant_id = page.merchant_id();
    let mut add = AddTrigger::default();
    add.fields.stores =
        db.merchant(merchant_id, move |conn| pushes::destinations(conn, merchant_id)).await?;
    let NewTriggerQuery { coupon_code, only_in_vouch } = query.into_inner();
    add.fields.form.coupon_code = coupon_code.chars().take(MAX_EXISTING_CODE_CHARS).collect();
    add.fields.form.only_in_vouch = only_in_vouch;
    if page.is_fragment() {
        return ok(&AddPart { page, add });
    }
    ok(&AddPage { page, add })
}

enum Added {
    Created(CreatedTrigger, Affiliate),
    /// The user only searched for an affiliate.
    Found(AddTrigger),
    Refused(AddTrigger),
}

/// `POST /triggers`
pub(crate) async fn create(
    db: Data<Db>,
    page: MerchantPage,
    CsrfForm(form): CsrfForm<TriggerForm>,
) -> AppResult<HttpResponse> {
    let actor = page.actor();
    match db.merchant(actor.merchant_id, move |conn| add(conn, &actor, form)).await? {
        Added::Created(created, affiliate) => {
            page.done(text::created(
                &created.trigger,
                (&created.stores, created.reach),
                &affiliate,
            ))?;
            Ok(see_other(&urls::affiliate_triggers(created.trigger.affiliate_id)))
        }
        Added::Found(add) if page.is_fragment() => ok(&AddPart { page, add }),
        Added::Found(add) => ok(&AddPage { page, add }),
        Added::Refused(add) if page.is_fragment() => rejected(&AddPart { page, add }),
        Added::Refused(add) => rejected(&AddPage { page, add }),
    }
}

fn add(conn: &mut PgConnection, actor: &Actor, form: TriggerForm) -> QueryResult<Added> {
    let asked = PickerState {
        ids: form.affiliate_id.clone(),
        words: form.affiliate_id_q.clone(),
        find: !form.find.is_empty(),
    };
    let find = asked.find;
    let stores = pushes::destinations(conn, actor.merchant_id)?;
    match asked.answer(conn, actor.merchant_id)? {
        AffiliateChoice::Chosen(affiliate, chooser) => {
            Ok(match form.save(conn, actor, affiliate.id)? {
                Ok(created) => Added::Created(created, affiliate),
                Err(refusal) => {
                    Added::Refused(AddTrigger { chooser, fields: Fields { form, refusal, stores } })
                }
            })
        }
        AffiliateChoice::Open(chooser, errors) => {
            let refusal = Refusal { errors, ..Refusal::default() };
            let add = AddTrigger { chooser, fields: Fields { form, refusal, stores } };
            Ok(if find { Added::Found(add) } else { Added::Refused(add) })
        }
    }
}
