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
    if let Some(Route(route)) = request.extensions().get() {
        return route.clone();
    }
    let route: Option<Rc<str>> = request.match_pattern().map(Into::into);
    request.extensions_mut().insert(Route(route.clone()));
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

struct Route(Option<Rc<str>>);

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

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::web::Data;
    use actix_web::{App, HttpResponse, web};
    use tracing_actix_web::TracingLogger;
    use tracing_subscriber::fmt::format::FmtSpan;

    use super::*;
    use crate::app::routes;
    use crate::kit::config::TrustedProxies;

    #[derive(Clone, Default)]
    struct LogBuffer(Arc<Mutex<Vec<u8>>>);

    impl Write for LogBuffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[actix_web::test]
    async fn the_log_has_the_route_and_no_token() {
        let kept = LogBuffer::default();
        let writer = kept.clone();
        let log = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_span_events(FmtSpan::FULL)
            .with_writer(move || writer.clone())
            .finish();
        let _guard = tracing::subscriber::set_default(log);
        let app = init_service(
            App::new()
                .configure(|app| {
                    for row in routes::TABLE {
                        app.route(row.path, web::to(HttpResponse::Ok));
                    }
                })
                .app_data(Data::new(TrustedProxies::default()))
                .wrap(TracingLogger::<RequestSpan>::new()),
        )
        .await;
        for (path, route) in [
            ("/password-resets/t0ken", "/password-resets/{token}"),
            ("/invitations/1-t0ken", "/invitations/{invitation_token}"),
            ("/join/tea/confirmations/t0ken", "/join/{program}/confirmations/{token}"),
            ("/join/tea/accounts/t0ken", "/join/{program}/accounts/{token}"),
            ("/first-run/t0ken", "/first-run/{token}"),
            ("/login?next=/invitations/1-t0ken", "/login"),
            ("/hooks/shopify/1-t0ken", "/hooks/shopify/{store_key}"),
            ("/hooks/t0ken/1", "/hooks/{platform}/{store_key}"),
            ("/t0ken", "unknown"),
        ] {
            kept.0.lock().unwrap().clear();
            call_service(&app, TestRequest::get().uri(path).to_request()).await;
            let said = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
            assert!(said.contains(&format!("route=\"{route}\"")), "{path}: {said}");
            assert!(said.contains("status=") && !said.contains("t0ken"), "{said}");
        }
        // The client is only taken from trusted proxies, like in the rate limits.
        for (peer, client) in [("127.0.0.1:1", "192.0.2.9"), ("203.0.113.5:1", "203.0.113.5")] {
            kept.0.lock().unwrap().clear();
            let request = TestRequest::get()
                .uri("/login")
                .peer_addr(peer.parse().unwrap())
                .insert_header(("x-forwarded-for", "10.9.9.9, 192.0.2.9"))
                .insert_header(("forwarded", "for=10.8.8.8"));
            call_service(&app, request.to_request()).await;
            let said = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
            assert!(said.contains(&format!("client={client} ")), "{said}");
        }
    }
}
