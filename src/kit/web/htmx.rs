//! Responses for scripts instead of browser navigation (`HX-Request`: htmx and app.js).

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{StatusCode, header};
use actix_web::middleware::Next;

const REQUEST: &str = "hx-request";
const REDIRECT: header::HeaderName = header::HeaderName::from_static("hx-redirect");

/// Middleware: turns a redirect into a header that tells the script where to navigate.
///
/// A script's request would follow a 303 invisibly, and consume the flash message of the next page.
pub(crate) async fn redirects<B: MessageBody>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let by_script = req.headers().contains_key(REQUEST);
    let mut response = next.call(req).await?;
    if !by_script || response.status() != StatusCode::SEE_OTHER {
        return Ok(response.map_into_left_body());
    }
    let Some(location) = response.headers_mut().remove(header::LOCATION).next() else {
        return Ok(response.map_into_left_body());
    };
    response.headers_mut().insert(REDIRECT, location);
    *response.response_mut().status_mut() = StatusCode::NO_CONTENT;
    Ok(response.map_body(|_, _| EitherBody::Right { body: BoxBody::new(()) }))
}

#[cfg(test)]
mod tests {
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, HttpResponse, web};

    use super::*;
    use crate::kit::web::see_other;

    #[actix_web::test]
    async fn only_a_script_is_told_by_header_where_to_go() {
        let app = App::new()
            .route("/there", web::post().to(|| async { see_other("/here") }))
            .route("/stay", web::post().to(HttpResponse::UnprocessableEntity))
            .wrap(from_fn(redirects));
        let app = init_service(app).await;

        let by_browser = TestRequest::post().uri("/there").to_request();
        let answer = call_service(&app, by_browser).await;
        assert_eq!(answer.status(), 303);
        assert_eq!(answer.headers().get("location").unwrap(), "/here");

        let by_script = TestRequest::post().uri("/there").insert_header((REQUEST, "true"));
        let answer = call_service(&app, by_script.to_request()).await;
        assert_eq!(answer.status(), 204);
        assert_eq!(answer.headers().get(REDIRECT).unwrap(), "/here");
        assert!(!answer.headers().contains_key("location"));

        let refused = TestRequest::post().uri("/stay").insert_header((REQUEST, "true"));
        assert_eq!(call_service(&app, refused.to_request()).await.status(), 422);
    }
}
