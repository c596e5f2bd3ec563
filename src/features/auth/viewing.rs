//! Support staff view a program as one of its users: read-only and for a limited time.

use actix_session::{Session, SessionExt};
use actix_web::HttpMessage;
use actix_web::dev::ServiceRequest;
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use super::model::{AffiliateContext, MemberContext, Person};
use super::route::Access;
use super::text;
use crate::kit::clock;
use crate::kit::db::{Db, Scope};
use crate::kit::error::{AppError, AppResult};
use crate::kit::session::FLASH;
use crate::kit::session::{Role, Workspace};
use crate::kit::web::flash::{Flash, FlashKind};

/// A view ends after this time.
pub(crate) const VIEW_LIMIT: Duration = Duration::minutes(30);

/// The session key of the view.
const VIEWING: &str = "viewing";

/// The user whose pages support staff are viewing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Viewing {
    /// The workspace: a member's or an affiliate's.
    #[serde(rename = "place")]
    pub workspace: Workspace,
    pub user_id: i64,
    pub name: String,
    pub until: DateTime<Utc>,
}

impl Viewing {
    pub(crate) fn of(session: &Session) -> AppResult<Option<Self>> {
        Ok(session.get(VIEWING)?)
    }

    pub(crate) fn begin(&self, session: &Session) -> AppResult<()> {
        Ok(session.insert(VIEWING, self)?)
    }

    pub(crate) fn end(session: &Session) {
        session.remove(VIEWING);
    }

    /// Ends the view if the viewed person no longer has access.
    fn found<T>(&self, session: &Session, result: AppResult<T>) -> AppResult<T> {
        match result {
            Err(AppError::NotFound) => {
                let why = text::view_ended(&self.name);
                Err(self.over(session, why)?)
            }
            result => result,
        }
    }

    /// Ends the view and shows the reason on the merchant's support page.
    fn over(&self, session: &Session, why: String) -> AppResult<AppError> {
        Self::end(session);
        session.insert(FLASH, Flash { kind: FlashKind::Info, text: why, undo: None })?;
        let next = self.merchant_id().map(|id| format!("/support/merchants/{id}"));
        Ok(AppError::ViewOver(next.unwrap_or_else(|| Workspace::Support.home().to_owned())))
    }

    /// The viewed merchant.
    pub(crate) fn merchant_id(&self) -> Option<i64> {
        self.workspace.merchant_id()
    }
}

/// The support staff member during a view.
#[derive(Clone, Debug)]
pub(crate) struct Viewer(pub(crate) Person);

/// Lets a view reach the pages that the person sees. It's read-only and has at most the rights of
/// the viewer role, so it shows no secrets. Fails with `NotInView` for everything else. Fails with
/// `ViewOver` if the time is over or the person no longer has access.
pub(super) async fn admit(
    req: &ServiceRequest,
    db: &Db,
    access: Access,
    viewing: Viewing,
    viewer_id: i64,
) -> AppResult<()> {
    let session = req.get_session();
    if viewing.until <= clock::now() {
        return Err(viewing.over(&session, text::VIEW_EXPIRED.to_owned())?);
    }
    let viewer = db.run(Scope::Unowned, move |conn| Person::find(conn, viewer_id)).await?;
    if !viewer.is_support || !viewer.has_two_factor() {
        return Err(AppError::Forbidden);
    }
    if !req.method().is_safe() {
        return Err(AppError::NotInView);
    }
    let user_id = viewing.user_id;
    match (access, &viewing.workspace) {
        (Access::Member(needed), Workspace::Member { merchant_id, .. }) => {
            let id = *merchant_id;
            let member_context =
                db.merchant(id, move |conn| MemberContext::find(conn, id, user_id)).await;
            let member_context = viewing.found(&session, member_context)?;
            if !Role::Viewer.covers(needed) {
                return Err(AppError::NotInView);
            }
            req.extensions_mut().insert(MemberContext { role: Role::Viewer, ..member_context });
        }
        (Access::Affiliate, Workspace::Affiliate { merchant_id, affiliate_id, .. }) => {
            let (id, affiliate_id) = (*merchant_id, *affiliate_id);
            let find = move |conn: &mut diesel::PgConnection| {
                AffiliateContext::find(conn, id, affiliate_id, user_id)
            };
            let affiliate_context = viewing.found(&session, db.merchant(id, find).await)?;
            req.extensions_mut().insert(affiliate_context);
        }
        _ => return Err(AppError::NotInView),
    }
    req.extensions_mut().insert(viewing);
    req.extensions_mut().insert(Viewer(viewer));
    Ok(())
}
