//! What every endpoint of the API begins and ends with.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::keys::{Admitted, ApiScope, BearerToken, admit};
use super::limits::ApiLimits;
use super::problem::Problem;
use crate::kit::clock;
use crate::kit::db::{Db, Scope, WorkKind};
use crate::kit::request::{self, Sender};
use crate::kit::web::bearer;

/// The response of every endpoint: JSON, or the problem.
pub(super) fn answer<T: Serialize>(outcome: Result<(StatusCode, T), Problem>) -> HttpResponse {
    match outcome {
        Ok((status, answer)) => HttpResponse::build(status).json(answer),
        Err(problem) => (&problem).into(),
    }
}

/// The API key of a request, if it has the scope. The request counts toward its rate limit.
pub(super) async fn admitted(
    req: &HttpRequest,
    db: &Db,
    limits: &ApiLimits,
    scope: ApiScope,
) -> Result<Admitted, Problem> {
    let token =
        bearer(req.headers()).and_then(BearerToken::parse).ok_or_else(Problem::unauthorized)?;
    let now = clock::now();
    let (merchant_id, find) =
        (token.merchant_id, move |conn: &mut _| admit(conn, &token, scope, now));
    let kind = match scope {
        ApiScope::Orders => WorkKind::Report,
        ApiScope::Read | ApiScope::Triggers => WorkKind::Page,
    };
    let found = db.run_as(kind, Scope::Merchant(merchant_id), find).await?;
    let key = found.ok_or_else(Problem::unauthorized)?;
    let (merchant_id, api_key_id) = (Some(key.merchant_id), Some(key.key_id));
    request::sent_by(Sender { merchant_id, api_key_id, ..Sender::default() });
    limits.take(key.merchant_id, key.key_id)?;
    if !key.scopes.contains(&scope) {
        return Err(Problem::lacks_scope(scope));
    }
    Ok(key)
}
