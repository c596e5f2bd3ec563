use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::web::Data;
use prometheus::TEXT_FORMAT;

use super::{Metrics, Readiness};
use crate::error::AppResult;

/// `GET /healthz`: the process answers, whatever else is away. Who gets no answer starts it anew.
pub async fn health() -> HttpResponse {
    say(StatusCode::OK, "Vouch lives.")
}

/// `GET /readyz`: 200 while requests should be sent here, else 503 and why not.
pub async fn readiness(readiness: Data<Readiness>) -> HttpResponse {
    match readiness.check().await {
        Ok(()) => say(StatusCode::OK, "Vouch is ready."),
        Err(reason) => say(StatusCode::SERVICE_UNAVAILABLE, &reason.to_string()),
    }
}

/// `GET /metrics`: for Prometheus.
pub async fn metrics(metrics: Data<Metrics>) -> AppResult<HttpResponse> {
    Ok(HttpResponse::Ok().content_type(TEXT_FORMAT).body(metrics.render().await?))
}

fn say(status: StatusCode, sentence: &str) -> HttpResponse {
    HttpResponse::build(status).content_type(ContentType::plaintext()).body(format!("{sentence}\n"))
}
