use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;
use diesel::prelude::*;

use super::chooser::{AffiliateChoice, Chooser, PickerState};
use super::view::TriggerView;
use crate::features::affiliates::Affiliate;
use crate::features::auth::Merchant;
use crate::features::auth::pages::MerchantPage;
use crate::features::recalculations::{Pending, pending_of_trigger};
use crate::features::triggers::forms::{ReassignForm, reassign_refusal};
use crate::features::triggers::{self, Trigger, TriggerKind, TriggerRow, list, text};
use crate::kit::audit::{Actor, SubjectKind};
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::urls;
use crate::kit::web::display_time::read_day;
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::{CsrfForm, FormErrors, Nothing};
use crate::kit::web::version::{Edits as _, Record, Version};
use crate::kit::web::{html, ok, see_other};

/// The data of the reassignment form.
struct Reassignment {
    view: TriggerView,
    chooser: Chooser,
    from: String,
    version: Version,
    zone: String,
    errors: FormErrors,
}

#[derive(Template)]
#[template(path = "triggers/reassign.html")]
struct ReassignPage {
    page: MerchantPage,
    form: Reassignment,
}

#[derive(Template)]
#[template(path = "triggers/_reassign.html")]
struct ReassignPart {
    page: MerchantPage,
    form: Reassignment,
}

impl Reassignment {
    fn new(row: TriggerRow, merchant: &Merchant, about: Unfinished) -> Self {
        let Unfinished { chooser, from, version, errors } = about;
        let zone = merchant.time_zone.clone();
        let view = TriggerView::new(row, Vec::new(), merchant);
        Self { view, chooser, from, version, zone, errors }
    }

    fn is_code(&self) -> bool {
        self.view.trigger.kind == TriggerKind::CouponCode
    }

    fn hint_of_from(&self) -> String {
        text::reassign_from_hint(&self.zone)
    }
}

/// `GET /triggers/{trigger_id}/reassignment`
pub(crate) async fn reassignment(
    db: Data<Db>,
    page: MerchantPage,
    id: Path<i64>,
) -> AppResult<HttpResponse> {
    let (merchant_id, tz) = (page.merchant_id(), page.merchant().tz());
    let (row, shown) = db
        .merchant(merchant_id, move |conn| {
            let row = list::row(conn, merchant_id, *id)?;
            QueryResult::Ok((row, ReassignForm::of(conn, merchant_id, *id, tz)?))
        })
        .await?;
    let unfinished = Unfinished { version: shown.version, ..Unfinished::default() };
    let form = Reassignment::new(row, page.merchant(), unfinished);
    if page.is_fragment() {
        return ok(&ReassignPart { page, form });
    }
    ok(&ReassignPage { page, form })
}

/// The input to show again, with errors.
#[derive(Default)]
struct Unfinished {
    chooser: Chooser,
    from: String,
    version: Version,
    errors: FormErrors,
}

enum Outcome {
    /// With the new holder and the orders that wait for recalculation.
    Done(Trigger, Affiliate, Pending),
    /// The user only searched for an affiliate.
    Found(TriggerRow, Unfinished),
    Refused(TriggerRow, Unfinished),
}

/// `POST /triggers/{trigger_id}/reassignment`
pub(crate) async fn reassign(
    db: Data<Db>,
    page: MerchantPage,
    id: Path<i64>,
    CsrfForm(form): CsrfForm<ReassignForm>,
) -> AppResult<HttpResponse> {
    let (actor, merchant, id) = (page.actor(), page.merchant().clone(), *id);
    let from = read_day(&form.from).map(|day| merchant.calendar().date(day));
    let outcome =
        db.merchant(merchant.id, move |conn| hand_over(conn, &actor, &merchant, id, form)).await?;
    let (row, unfinished, found) = match outcome {
        Outcome::Done(trigger, affiliate, waiting) => {
            page.done(waiting.behind(text::reassigned(&trigger, &affiliate, from)))?;
            return Ok(see_other(&urls::trigger(trigger.id)));
        }
        Outcome::Found(row, unfinished) => (row, unfinished, true),
        Outcome::Refused(row, unfinished) => (row, unfinished, false),
    };
    let form = Reassignment::new(row, page.merchant(), unfinished);
    let status = if found { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    if page.is_fragment() {
        return html(status, &ReassignPart { page, form });
    }
    html(status, &ReassignPage { page, form })
}

fn hand_over(
    conn: &mut PgConnection,
    actor: &Actor,
    merchant: &Merchant,
    id: i64,
    form: ReassignForm,
) -> AppResult<Outcome> {
    let row = list::row(conn, merchant.id, id)?;
    let asked = PickerState {
        ids: form.affiliate_id.clone(),
        words: form.affiliate_id_q.clone(),
        find: !form.find.is_empty(),
    };
    let find = asked.find;
    let (from, version) = (form.from.clone(), form.version.clone());
    let (affiliate, chooser) = match asked.answer(conn, merchant.id)? {
        AffiliateChoice::Chosen(affiliate, chooser) => (affiliate, chooser),
        AffiliateChoice::Open(chooser, errors) => {
            let unfinished = Unfinished { chooser, from, version, errors };
            return Ok(if find {
                Outcome::Found(row, unfinished)
            } else {
                Outcome::Refused(row, unfinished)
            });
        }
    };
    let tz = merchant.tz();
    check_holder(conn, merchant, id, &form)?;
    let owners = triggers::owners(conn, merchant.id, id)?;
    let current = owners.iter().find(|owner| Some(owner.valid_from) != row.trigger.handover_at);
    let since = current.map_or(row.trigger.created_at, |owner| owner.valid_from);
    let errors = match form.from(tz, actor.now, since) {
        Err(reason) => FormErrors::one("from", reason),
        Ok(at) => match triggers::reassign(conn, actor, &row.trigger, affiliate.id, at) {
            Ok(trigger) => {
                let waiting = pending_of_trigger(conn, merchant.id, id)?;
                return Ok(Outcome::Done(trigger, affiliate, waiting));
            }
            Err(error) => reassign_refusal(error, &row.trigger, merchant.calendar())?,
        },
    };
    Ok(Outcome::Refused(row, Unfinished { chooser, from, version, errors }))
}

/// Rejects a form that showed another holder than the current one.
fn check_holder(
    conn: &mut PgConnection,
    merchant: &Merchant,
    id: i64,
    form: &ReassignForm,
) -> AppResult<()> {
    // Several actions can change the holder, so the page doesn't say who did it.
    let merchant_id = merchant.id;
    let record = Record { merchant_id, kind: SubjectKind::Trigger, id: Some(id), action: None };
    form.check_version(conn, record, |conn| ReassignForm::of(conn, merchant_id, id, merchant.tz()))
}

/// `POST /triggers/{trigger_id}/reassignment/cancellation`: cancels a scheduled handover.
pub(crate) async fn cancel_reassignment(
    db: Data<Db>,
    page: MerchantPage,
    id: Path<i64>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let (actor, id) = (page.actor(), *id);
    let (canceled, row) = db
        .merchant(actor.merchant_id, move |conn| {
            let canceled = triggers::cancel_handover(conn, &actor, id)?;
            QueryResult::Ok((canceled, list::row(conn, actor.merchant_id, id)?))
        })
        .await?;
    let (value, holder) = (&row.trigger.value, &row.holder.name);
    if canceled {
        page.done(text::reassignment_canceled(value, holder))?;
    } else {
        page.leave(FlashKind::Info, text::no_reassignment(value))?;
    }
    Ok(see_other(&urls::trigger(id)))
}
