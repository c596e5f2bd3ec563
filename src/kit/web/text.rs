//! Rejects paths and queries with text that can't be stored or displayed.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use percent_encoding::percent_decode_str;
use url::form_urlencoded;
pub(crate) use vouch_core::text::{cleaned, code_point, is_refused, refused_in};

use crate::kit::error::AppError;

/// Middleware: rejects a path or query with a forbidden character, or a path that isn't UTF-8,
/// before anything else reads it. `refusal` renders the response, which differs between pages and
/// the API.
pub(crate) async fn readable_url<B: MessageBody>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    if is_readable(req.path(), req.query_string()) {
        return Ok(next.call(req).await?.map_into_left_body());
    }
    let how = "The URL contains an unsupported character. Check the URL and try again.";
    Ok(req.error_response(AppError::BadRequest(how.into())).map_into_right_body())
}

fn is_readable(path: &str, query: &str) -> bool {
    let is_path = percent_decode_str(path)
        .decode_utf8()
        .is_ok_and(|path| !path.chars().any(char::is_control));
    let is_clean = |text: &str| refused_in(text).is_none();
    is_path
        && form_urlencoded::parse(query.as_bytes())
            .all(|(name, value)| is_clean(&name) && is_clean(&value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_decoded() {
        assert!(is_readable("/join/caf%C3%A9", "q=a+b%0D%0Ac&x"));
        for path in ["/a%00", "/a%0A", "/%C2%85", "/%FF", "/%7f"] {
            assert!(!is_readable(path, ""), "{path}");
        }
        for query in ["q=%00", "%00=q", "a=1&q=%1b", "q=%C2%80"] {
            assert!(!is_readable("/", query), "{query}");
        }
    }
}
