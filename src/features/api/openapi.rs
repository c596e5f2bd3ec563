//! The OpenAPI document, generated from the code.

use actix_web::HttpResponse;
use utoipa::openapi::OpenApi as Description;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use vouch_platforms::api;

use super::{answer, code, handlers, known, problem, triggers};

/// `GET /api/openapi.json`
pub(crate) async fn openapi() -> HttpResponse {
    HttpResponse::Ok().json(OpenApiDocument::openapi())
}

/// The document at `/api/openapi.json`.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Vouch",
        description = "Report orders from any store so that affiliates earn commission on them, and create \
            conversion triggers. Amounts are decimal strings in the order's currency. Times are RFC 3339."
    ),
    paths(
        handlers::report_order,
        triggers::handlers::create_trigger,
        triggers::handlers::list_triggers,
        triggers::handlers::show_trigger
    ),
    components(schemas(
        api::OrderBody,
        api::FieldError,
        answer::OrderAnswer,
        answer::StoredAnswer,
        answer::CreditAnswer,
        triggers::TriggerBody,
        triggers::KindBody,
        triggers::TriggerAnswer,
        triggers::StoreAnswer,
        triggers::TriggersAnswer,
        problem::Problem,
        code::ProblemCode,
        known::KnownOrder
    )),
    modifiers(&Keys)
)]
pub(crate) struct OpenApiDocument;

/// Adds the security scheme.
struct Keys;

impl Modify for Keys {
    fn modify(&self, document: &mut Description) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "An API key from Account > Settings > API. Scopes: `read` reads conversion triggers, \
                 `orders` reports orders, `triggers` creates conversion triggers",
            ))
            .build();
        if let Some(components) = document.components.as_mut() {
            components.add_security_scheme("api_key", SecurityScheme::Http(bearer));
        }
    }
}
