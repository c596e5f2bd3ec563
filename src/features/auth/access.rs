//! Who may reach which route, by the application's route table. Denied by default: a route without
//! a row isn't served.

use actix_session::SessionExt;
use actix_web::HttpMessage;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, header};
use actix_web::middleware::Next;
use actix_web::web::Data;
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;

use super::model::{AccountContext, AffiliateContext, MemberContext, Person};
use super::route::{Access, RouteTable};
use super::viewing::{self, Viewing};
use crate::kit::config::Config;
use crate::kit::db::{Db, Scope};
use crate::kit::error::{AppError, AppResult};
use crate::kit::request::{self, Sender};
use crate::kit::session::{USER_ID, WORKSPACE, Workspace};
use crate::kit::web::bearer;
use crate::kit::web::spans::route;
use crate::kit::web::unsent;

/// Middleware that looks up the route and the person and checks access. It stores [`Person`] and
/// [`MemberContext`], [`AffiliateContext`] or [`AccountContext`] in the request for the page
/// extractors.
///
/// A denied request gets `NotFound` (unknown URL), `MethodNotAllowed`, `FormUrl`,
/// `SignInNeeded`,
/// `WorkspaceNeeded`, `TwoFactorNeeded` or `Forbidden` as its response.
pub(crate) async fn check<B: MessageBody>(
    mut req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    if let Err(error) = judge(&req).await {
        let error = unsent::keep_of(&mut req, error).await;
        return Ok(req.error_response(error).map_into_right_body());
    }
    Ok(next.call(req).await?.map_into_left_body())
}

/// Paths without a session: static files, requests with their own credentials, and monitoring.
/// Monitoring must get a response even while the database, and so the session store, is down.
const WITHOUT_SESSION: [&str; 6] =
    ["/static/", "/hooks/", "/api/", "/healthz", "/readyz", "/metrics"];

/// Middleware outside the sessions that removes the cookie from requests that need no session.
pub(crate) async fn without_session<B: MessageBody>(
    mut req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    if WITHOUT_SESSION.iter().any(|beginning| req.path().starts_with(beginning)) {
        req.headers_mut().remove(header::COOKIE);
    }
    next.call(req).await
}

async fn judge(req: &ServiceRequest) -> AppResult<()> {
    let pattern = route(req).ok_or(AppError::NotFound)?;
    let routes = *req.app_data::<RouteTable>().expect("the application holds its routes");
    let Some(row) = routes.find(req.method(), &pattern) else {
        let is_read = matches!(*req.method(), Method::GET | Method::HEAD);
        return Err(match routes.page_of_form(&pattern, req.path()) {
            Some(page) if is_read => AppError::FormUrl(page.to_owned()),
            _ => AppError::MethodNotAllowed(routes.methods(&pattern)),
        });
    };
    match row.access {
        Access::Public | Access::Credential => Ok(()),
        Access::Monitoring if is_monitoring(req) => Ok(()),
        Access::Monitoring => Err(AppError::NotFound),
        access => admit(req, access).await,
    }
}

/// Whether the request has the `VOUCH_METRICS_TOKEN`.
fn is_monitoring(req: &ServiceRequest) -> bool {
    let config = req.app_data::<Data<Config>>().expect("the application holds the settings");
    let (Some(token), Some(sent)) = (&config.metrics_token, bearer(req.headers())) else {
        return false;
    };
    sent.as_bytes().ct_eq(token.expose_secret().as_bytes()).into()
}

async fn admit(req: &ServiceRequest, access: Access) -> AppResult<()> {
    let session = req.get_session();
    let Some(user_id) = session.get::<i64>(USER_ID)? else {
        return Err(AppError::SignInNeeded(come_back_to(req)));
    };
    let workspace = session.get::<Workspace>(WORKSPACE)?;
    let view = Viewing::of(&session)?;
    let looked_at = view.as_ref().map(|view| &view.workspace);
    let merchant_id = looked_at.or(workspace.as_ref()).and_then(Workspace::merchant_id);
    request::sent_by(Sender { user_id: Some(user_id), merchant_id, ..Sender::default() });
    let db = req.app_data::<Data<Db>>().expect("the application holds the database").clone();
    if let (Access::Member(_) | Access::Affiliate, Some(view)) = (access, view) {
        return viewing::admit(req, &db, access, view, user_id).await;
    }
    match (access, workspace) {
        (Access::Member(needed), Some(Workspace::Member { merchant_id, .. })) => {
            let member_context = db
                .merchant(merchant_id, move |conn| MemberContext::find(conn, merchant_id, user_id))
                .await
                .map_err(|error| gone(req, error))?;
            guarded(req, &member_context.person, member_context.requires_two_factor)?;
            if !member_context.role.covers(needed) {
                return Err(AppError::Forbidden);
            }
            req.extensions_mut().insert(member_context.person.clone());
            req.extensions_mut().insert(member_context);
        }
        (Access::Affiliate, Some(Workspace::Affiliate { merchant_id, affiliate_id, .. })) => {
            let affiliate_context = db
                .merchant(merchant_id, move |conn| {
                    AffiliateContext::find(conn, merchant_id, affiliate_id, user_id)
                })
                .await
                .map_err(|error| gone(req, error))?;
            guarded(req, &affiliate_context.person, false)?;
            if !affiliate_context.may_write() && !req.method().is_safe() {
                return Err(AppError::Forbidden);
            }
            req.extensions_mut().insert(affiliate_context.person.clone());
            req.extensions_mut().insert(affiliate_context);
        }
        (Access::Support, _) => {
            let person = person(&db, user_id).await.map_err(|error| gone(req, error))?;
            if !person.is_support {
                return Err(AppError::Forbidden);
            }
            guarded(req, &person, true)?;
            req.extensions_mut().insert(person);
        }
        (Access::SignedIn, workspace) => {
            let person = person(&db, user_id).await.map_err(|error| gone(req, error))?;
            let account_context = account_context(&db, &person, workspace).await?;
            req.extensions_mut().insert(account_context);
            req.extensions_mut().insert(person);
        }
        (_, None) => return Err(AppError::WorkspaceNeeded(come_back_to(req))),
        _ => return Err(AppError::Forbidden),
    }
    Ok(())
}

/// Support staff, and members of a merchant that requires it, must set up two-factor sign-in first.
fn guarded(req: &ServiceRequest, person: &Person, is_required: bool) -> AppResult<()> {
    if person.lacks_two_factor(is_required) {
        return Err(AppError::TwoFactorNeeded(come_back_to(req)));
    }
    Ok(())
}

async fn person(db: &Db, user_id: i64) -> AppResult<Person> {
    db.run(Scope::Unowned, move |conn| Person::find(conn, user_id)).await
}

/// The context of the account pages. It's empty if the membership no longer exists.
async fn account_context(
    db: &Db,
    person: &Person,
    workspace: Option<Workspace>,
) -> AppResult<AccountContext> {
    let user_id = person.id;
    let found = match workspace {
        Some(Workspace::Member { merchant_id: id, .. }) => db
            .merchant(id, move |conn| MemberContext::find(conn, id, user_id))
            .await
            .map(|member_context| AccountContext::Member(Box::new(member_context))),
        Some(Workspace::Affiliate { merchant_id: id, affiliate_id, .. }) => db
            .merchant(id, move |conn| AffiliateContext::find(conn, id, affiliate_id, user_id))
            .await
            .map(|affiliate_context| AccountContext::Affiliate(Box::new(affiliate_context))),
        Some(Workspace::Support) if person.is_support => Ok(AccountContext::Support),
        Some(Workspace::Support) | None => Ok(AccountContext::Nothing),
    };
    match found {
        Err(AppError::NotFound) => Ok(AccountContext::Nothing),
        found => found,
    }
}

/// If the user or membership no longer exists, they have to sign in again.
fn gone(req: &ServiceRequest, error: AppError) -> AppError {
    if matches!(error, AppError::NotFound) {
        req.get_session().purge();
        return AppError::SignInNeeded(come_back_to(req));
    }
    error
}

fn come_back_to(req: &ServiceRequest) -> String {
    if req.method().is_safe() { req.uri().to_string() } else { String::new() }
}
