use std::slice;

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;
use diesel::{PgConnection, QueryResult};

use super::view::{TriggerView, notes_of};
use crate::features::affiliates::Affiliate;
use crate::features::audit;
use crate::features::auth::pages::MerchantPage;
use crate::features::availability::{Excluded, exclusion_of};
use crate::features::pushes::Poll;
use crate::features::recalculations::{Pending, pending_of_trigger};
use crate::features::triggers::{
    self, CouponCode, HoldingPeriod, Trigger, TriggerKind, list, text,
};
use crate::kit::audit::{Actor, SubjectKind};
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::urls;
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::flash::FlashKind;
use crate::kit::web::form::{CsrfForm, Nothing};
use crate::kit::web::{ok, see_other};

/// How many lines of its history a page shows.
const HISTORY_LINES: i64 = 50;

#[derive(Template)]
#[template(path = "triggers/show.html")]
struct ShowPage {
    page: MerchantPage,
    view: TriggerView,
    owners: Vec<HoldingPeriod>,
    history: Vec<audit::AuditEntry>,
    /// The exclusion that matches the code, if any.
    excluded: Option<Excluded>,
    /// The orders that wait for recalculation.
    recalculating: Pending,
}

impl ShowPage {
    fn when(&self, at: &chrono::DateTime<chrono::Utc>) -> DisplayTime {
        DisplayTime::new(*at, self.page.merchant().calendar())
    }

    fn owner_url(&self, owner: &HoldingPeriod) -> String {
        urls::affiliate_triggers(owner.affiliate_id)
    }

    /// The next holder, if a handover is scheduled.
    fn scheduled(&self) -> Option<&HoldingPeriod> {
        let at = self.view.trigger.handover_at?;
        self.owners.iter().find(|owner| owner.valid_from == at)
    }

    fn is_scheduled(&self, owner: &HoldingPeriod) -> bool {
        Some(owner.valid_from) == self.view.trigger.handover_at
    }

    fn is_code(&self) -> bool {
        self.view.trigger.kind == TriggerKind::CouponCode
    }

    /// Polls while the code is being pushed.
    fn moving(&self) -> Poll {
        Poll::of([&self.view.pushes])
    }

    fn retire_question(&self) -> String {
        text::retire_question(&self.view.trigger, &self.view.holder.name)
    }

    fn reinstate_question(&self) -> String {
        text::reinstate_question(&self.view.trigger.value)
    }
}

/// `GET /triggers/{trigger_id}`
pub(crate) async fn show(
    db: Data<Db>,
    page: MerchantPage,
    id: Path<i64>,
) -> AppResult<HttpResponse> {
    let (merchant_id, id) = (page.merchant_id(), *id);
    let now = page.actor().now;
    let (row, notes, owners, history, excluded, recalculating) = db
        .merchant(merchant_id, move |conn| {
            let row = list::row(conn, merchant_id, id)?;
            let notes = notes_of(conn, merchant_id, slice::from_ref(&row))?;
            let owners = triggers::owners(conn, merchant_id, id)?;
            let history =
                audit::history(conn, merchant_id, SubjectKind::Trigger, id, HISTORY_LINES)?;
            let excluded = if row.trigger.kind == TriggerKind::CouponCode {
                let code = CouponCode::recorded(&row.trigger.value);
                exclusion_of(conn, merchant_id, &code, now)?
            } else {
                None
            };
            let recalculating = pending_of_trigger(conn, merchant_id, id)?;
            QueryResult::Ok((row, notes, owners, history, excluded, recalculating))
        })
        .await?;
    let notes = notes.into_values().next().unwrap_or_default();
    let view = TriggerView::new(row, notes, page.merchant());
    ok(&ShowPage { page, view, owners, history, excluded, recalculating })
}

/// The result of a change.
struct Changed {
    /// The trigger before the change.
    trigger: Trigger,
    holder: Affiliate,
    changed: bool,
    /// The orders that wait for recalculation.
    waiting: Pending,
}

async fn change(
    db: &Db,
    actor: Actor,
    id: i64,
    act: fn(&mut PgConnection, &Actor, &Trigger) -> QueryResult<bool>,
) -> AppResult<Changed> {
    db.merchant(actor.merchant_id, move |conn| {
        let trigger = Trigger::find(conn, actor.merchant_id, id)?;
        let changed = act(conn, &actor, &trigger)?;
        let waiting = pending_of_trigger(conn, actor.merchant_id, id)?;
        let holder = Affiliate::find(conn, actor.merchant_id, trigger.affiliate_id)?;
        QueryResult::Ok(Changed { trigger, holder, changed, waiting })
    })
    .await
}

/// `POST /triggers/{trigger_id}/retirement`
pub(crate) async fn retire(
    db: Data<Db>,
    page: MerchantPage,
    id: Path<i64>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let Changed { trigger, changed, waiting, .. } =
        change(&db, page.actor(), *id, triggers::retire).await?;
    if changed {
        page.done_undoable(
            waiting.behind(text::retired(&trigger)),
            urls::trigger_reinstatement(trigger.id),
        )?;
    } else {
        page.leave(FlashKind::Info, text::already_retired(&trigger.value))?;
    }
    Ok(see_other(&urls::trigger(trigger.id)))
}

/// `POST /triggers/{trigger_id}/reinstatement`: undoes a retirement.
pub(crate) async fn reinstate(
    db: Data<Db>,
    page: MerchantPage,
    id: Path<i64>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> AppResult<HttpResponse> {
    let Changed { trigger, holder, changed, waiting } =
        change(&db, page.actor(), *id, triggers::reinstate).await?;
    if changed {
        let trigger = Trigger { retired_at: None, ..trigger };
        page.done(waiting.behind(text::reinstated(&trigger, &holder)))?;
    } else {
        page.leave(FlashKind::Info, text::already_active(&trigger.value))?;
    }
    Ok(see_other(&urls::trigger(trigger.id)))
}
