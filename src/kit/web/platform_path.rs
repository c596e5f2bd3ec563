//! The platform that a route is about, so that one handler serves every platform.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use vouch_core::platform::Platform;

use crate::kit::error::AppError;

/// What the second part of the route names: `/settings/shopify/{store_id}/access`.
pub struct OfPlatform(pub Platform);

impl FromRequest for OfPlatform {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let route = req.match_pattern().unwrap_or_default();
        let platform = route.split('/').nth(2).and_then(Platform::parse);
        ready(platform.map(Self).ok_or(AppError::NotFound))
    }
}
