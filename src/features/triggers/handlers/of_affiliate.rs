use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use askama::Template;
use diesel::QueryResult;
use vouch_core::TextEnum;

use super::fields::Fields;
use super::list::{TriggerList, find};
use crate::features::affiliates::{Frame, FrameItem};
use crate::features::auth::pages::MerchantPage;
use crate::features::pushes::{self, PushStatus};
use crate::features::triggers::forms::TriggerForm;
use crate::features::triggers::text;
use crate::features::triggers::{TriggerFilter, TriggerKind, TriggerSort, TriggerState};
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::lists::{Params, Sort};
use crate::kit::urls;
use crate::kit::web::form::CsrfForm;
use crate::kit::web::{ok, rejected, see_other};

#[derive(Template)]
#[template(path = "triggers/of_affiliate.html")]
struct AffiliateTriggersPage {
    page: MerchantPage,
    frame: Frame,
    list: TriggerList,
}

#[derive(Template)]
#[template(path = "triggers/_list.html")]
struct ListPart {
    page: MerchantPage,
    list: TriggerList,
}

#[derive(Template)]
#[template(path = "triggers/new.html")]
struct NewPage {
    page: MerchantPage,
    frame: Frame,
    fields: Fields,
}

#[derive(Template)]
#[template(path = "triggers/_new.html")]
struct NewPart {
    page: MerchantPage,
    frame: Frame,
    fields: Fields,
}

/// `GET /affiliates/{affiliate_id}/triggers`
pub(crate) async fn index_of_affiliate(
    db: Data<Db>,
    page: MerchantPage,
    affiliate_id: Path<i64>,
    params: Query<Params>,
) -> AppResult<HttpResponse> {
    let id = *affiliate_id;
    let mut address = params.into_inner().at(urls::affiliate_triggers(id));
    let filter = TriggerFilter::read(&mut address, Some(id));
    let sort = address.sort(TriggerSort::default());
    let range = address.page(sort.order());
    let (merchant, now) = (page.merchant().clone(), page.actor().now);
    let (frame, found) = db
        .merchant(merchant.id, move |conn| {
            let frame = Frame::load(conn, &merchant, now, id, FrameItem::Triggers)?;
            QueryResult::Ok((frame, find(conn, merchant.id, &filter, sort, &range)?))
        })
        .await?;
    let list = TriggerList::new(address, false, found, page.merchant());
    if page.is_fragment() {
        return ok(&ListPart { page, list });
    }
    ok(&AffiliateTriggersPage { page, frame, list })
}

/// `GET /affiliates/{affiliate_id}/triggers/new`
pub(crate) async fn new_of_affiliate(
    db: Data<Db>,
    page: MerchantPage,
    affiliate_id: Path<i64>,
) -> AppResult<HttpResponse> {
    let (merchant, now) = (page.merchant().clone(), page.actor().now);
    let (frame, stores) = db
        .merchant(merchant.id, move |conn| {
            let frame = Frame::load(conn, &merchant, now, *affiliate_id, FrameItem::Triggers)?;
            QueryResult::Ok((frame, pushes::destinations(conn, merchant.id)?))
        })
        .await?;
    let fields = Fields { stores, ..Fields::default() };
    if page.is_fragment() {
        return ok(&NewPart { page, frame, fields });
    }
    ok(&NewPage { page, frame, fields })
}

/// `POST /affiliates/{affiliate_id}/triggers`
pub(crate) async fn create_of_affiliate(
    db: Data<Db>,
    page: MerchantPage,
    affiliate_id: Path<i64>,
    CsrfForm(form): CsrfForm<TriggerForm>,
) -> AppResult<HttpResponse> {
    let (merchant, actor, id) = (page.merchant().clone(), page.actor(), *affiliate_id);
    let typed = form.clone();
    let (frame, outcome, stores) = db
        .merchant(merchant.id, move |conn| {
            let frame = Frame::load(conn, &merchant, actor.now, id, FrameItem::Triggers)?;
            let outcome = typed.save(conn, &actor, id)?;
            QueryResult::Ok((frame, outcome, pushes::destinations(conn, merchant.id)?))
        })
        .await?;
    match outcome {
        Ok(created) => {
            page.done(text::created(
                &created.trigger,
                (&created.stores, created.reach),
                &frame.affiliate,
            ))?;
            Ok(see_other(&urls::affiliate_triggers(id)))
        }
        Err(refusal) => {
            let fields = Fields { form, refusal, stores };
            if page.is_fragment() {
                return rejected(&NewPart { page, frame, fields });
            }
            rejected(&NewPage { page, frame, fields })
        }
    }
}
