//! What the log says of a request.

use std::io::Write;
use std::sync::{Arc, Mutex};

use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::web::Data;
use actix_web::{App, HttpResponse, web};
use tracing_actix_web::TracingLogger;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::app::routes;
use crate::kit::config::TrustedProxies;
use crate::kit::web::spans::RequestSpan;

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
