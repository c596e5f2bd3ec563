//! The log span of a request. It contains the route, never the path: paths may contain secrets,
//! such as the tokens of invitations, resets and confirmations, directly or in a `?next=`.

use std::rc::Rc;

use actix_web::Error;
use actix_web::HttpMessage;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use tracing::Span;
use tracing::field::{Empty, display};
use tracing_actix_web::{RequestId, RootSpanBuilder};
use vouch_core::platform::Platform;

use super::peer::peer;

/// The route's pattern in the table of routes; `None` for an unknown path. It's looked up only once
/// per request, because the lookup is slow.
pub(crate) fn route(request: &ServiceRequest) -> Option<Rc<str>> {
    if let Some(RoutePattern(route)) = request.extensions().get() {
        return route.clone();
    }
    let route: Option<Rc<str>> = request.match_pattern().map(Into::into);
    request.extensions_mut().insert(RoutePattern(route.clone()));
    route
}

/// The route as logs and metrics name it: with the platform where the pattern has `{platform}`, as
/// each platform's webhooks are watched on their own. An unknown platform stays a pattern.
pub(crate) fn route_label(request: &ServiceRequest) -> Option<Rc<str>> {
    let route = route(request)?;
    // Middleware runs before the parameters are known.
    let named = |at: usize| request.path().split('/').nth(at).and_then(Platform::parse);
    let platform = route.split('/').position(|part| part == "{platform}").and_then(named);
    match platform {
        Some(platform) => Some(route.replace("{platform}", platform.as_str()).into()),
        None => Some(route),
    }
}

struct RoutePattern(Option<Rc<str>>);

/// The span of everything that a request does.
pub(crate) struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let agent = request.headers().get("user-agent").and_then(|value| value.to_str().ok());
        let route = route_label(request);
        let request_id = request.extensions().get::<RequestId>().map(ToString::to_string);
        tracing::info_span!(
            "request",
            method = %request.method(),
            route = route.as_deref().unwrap_or("unknown"),
            client = %peer(request.request()),
            agent = agent.unwrap_or_default(),
            request_id = request_id.unwrap_or_default(),
            status = Empty,
            error = Empty,
        )
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        let (status, error) = match outcome {
            Ok(answer) => (answer.status(), answer.response().error()),
            Err(error) => (error.as_response_error().status_code(), Some(error)),
        };
        span.record("status", status.as_u16());
        if let Some(error) = error {
            span.record("error", display(error));
        }
    }
}
