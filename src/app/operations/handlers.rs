use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::web::Data;
use prometheus::TEXT_FORMAT;

use super::{Metrics, Readiness};
use crate::kit::error::AppResult;
use crate::kit::supervise;

/// `GET /healthz`: 200 while the process works, whatever else is down. It's 503, with the thread's
/// name, if a thread keeps dying. The service manager restarts the process on any other response
/// or none.
pub(crate) async fn health() -> HttpResponse {
    match dying_threads() {
        None => say(StatusCode::OK, "Vouch is running."),
        Some(dying) => say(StatusCode::SERVICE_UNAVAILABLE, &dying),
    }
}

fn dying_threads() -> Option<String> {
    let names = supervise::failing();
    (!names.is_empty()).then(|| format!("Vouch has failing threads: {}.", names.join(", ")))
}

/// `GET /readyz`: 200 while this process accepts requests, else 503 with the reason.
pub(crate) async fn readiness(readiness: Data<Readiness>) -> HttpResponse {
    let reason = match readiness.check() {
        Ok(()) => dying_threads(),
        Err(reason) => Some(reason.to_string()),
    };
    match reason {
        None => say(StatusCode::OK, "Vouch is ready."),
        Some(reason) => say(StatusCode::SERVICE_UNAVAILABLE, &reason),
    }
}

/// `GET /metrics` for Prometheus.
pub(crate) async fn metrics(metrics: Data<Metrics>) -> AppResult<HttpResponse> {
    Ok(HttpResponse::Ok().content_type(TEXT_FORMAT).body(metrics.render().await?))
}

fn say(status: StatusCode, sentence: &str) -> HttpResponse {
    HttpResponse::build(status).content_type(ContentType::plaintext()).body(format!("{sentence}\n"))
}
