//! Compresses pages: the whole body at once, at the fastest level, only if it's worth it.

use std::io::Write;

use actix_web::HttpMessage;
use actix_web::body::{BodySize, BoxBody, EitherBody, MessageBody, to_bytes_limited};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, AcceptEncoding, Encoding, Header as _, HeaderValue};
use actix_web::middleware::Next;
use flate2::Compression;
use flate2::write::GzEncoder;

/// Smaller bodies fit into one or two packets anyway.
const MIN_BYTES: u64 = 860;
/// Pages are far smaller. Streams have no known size and stay uncompressed.
const MAX: usize = 4 * 1024 * 1024;

/// Middleware: compresses text of known size for clients that accept gzip.
pub(crate) async fn compress<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let accepts = accepts_gzip(&req);
    let response = next.call(req).await?;
    if !accepts || !is_worth_it(&response) {
        return Ok(response.map_into_left_body());
    }
    let (req, response) = response.into_parts();
    let (mut head, body) = response.into_parts();
    let Ok(Ok(plain)) = to_bytes_limited(body, MAX).await else {
        return Err(actix_web::error::ErrorInternalServerError("a page of known size broke off"));
    };
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 4), Compression::fast());
    encoder.write_all(&plain)?;
    let packed = encoder.finish()?;
    head.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    head.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
    let response = head.set_body(BoxBody::new(packed));
    Ok(ServiceResponse::new(req, response).map_into_right_body())
}

/// Whether the client accepts gzip, and not a plain answer rather.
pub(super) fn accepts_gzip(request: &impl HttpMessage) -> bool {
    let supported = [Encoding::gzip(), Encoding::identity()];
    AcceptEncoding::parse(request)
        .is_ok_and(|accepted| accepted.negotiate(supported.iter()) == Some(Encoding::gzip()))
}

fn is_worth_it<B: MessageBody>(response: &ServiceResponse<B>) -> bool {
    let is_text = response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.starts_with("text/") || kind.starts_with("application/json"));
    let in_range = matches!(response.response().body().size(),
        BodySize::Sized(size) if size >= MIN_BYTES && size <= MAX as u64);
    is_text && in_range && !response.headers().contains_key(header::CONTENT_ENCODING)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn gzip_is_for_clients_that_accept_it() {
        let accepts = |accepted: &str| {
            accepts_gzip(
                &TestRequest::default().insert_header(("accept-encoding", accepted)).to_request(),
            )
        };
        for yes in [
            "gzip",
            "GZIP",
            "gzip, deflate, br, zstd",
            "deflate;q=0.5, gzip;q=0.1",
            "gzip;q=1.0, *;q=0",
        ] {
            assert!(accepts(yes), "{yes}");
        }
        for no in [
            "",
            "br",
            "x-gzipped",
            "gzip;q=0",
            "br, gzip;q=0.000",
            "gzip; q=0",
            "identity, gzip;q=0.5",
        ] {
            assert!(!accepts(no), "{no}");
        }
        assert!(!accepts_gzip(&TestRequest::default().to_request()));
    }
}
