//! The durations of requests, for `/metrics`.

use std::time::Instant;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;

use super::spans::route_label;
use crate::kit::counters;

/// Middleware: measures the duration and the status of every request.
pub(crate) async fn measure<B: MessageBody>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let begun = Instant::now();
    let method = method(req.method());
    // Not the path itself, which may contain a token, and anyone can invent any number of paths.
    let route = route_label(&req);
    let outcome = next.call(req).await;
    let status = match &outcome {
        Ok(answer) => answer.status(),
        Err(error) => error.as_response_error().status_code(),
    };
    let route = route.as_deref().unwrap_or("unknown");
    let seconds = begun.elapsed().as_secs_f64();
    counters::request(method, route, class(status.as_u16()), seconds);
    outcome
}

fn method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        _ => "other",
    }
}

fn class(status: u16) -> &'static str {
    match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}
