//! The platform that a path names, so that one handler serves every platform.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use vouch_core::platform::Platform;
use vouch_platforms::{Provider, provider};

use crate::kit::error::AppError;

/// What a path names as `{platform}`. Others than those of stores answer 404.
#[derive(Clone, Copy)]
pub struct OfPlatform(pub &'static dyn Provider);

impl FromRequest for OfPlatform {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let platform = req.match_info().get("platform").and_then(Platform::parse);
        ready(platform.and_then(provider).map(Self).ok_or(AppError::NotFound))
    }
}

/// What a path names as `{platform}` and `{store_id}`; whether the store exists isn't known yet.
#[derive(Clone, Copy)]
pub struct OfStore {
    pub provider: &'static dyn Provider,
    pub store_id: i64,
}

impl FromRequest for OfStore {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let store_id = req.match_info().get("store_id").and_then(|id| id.parse().ok());
        let OfPlatform(provider) = match OfPlatform::from_request(req, payload).into_inner() {
            Ok(platform) => platform,
            Err(error) => return ready(Err(error)),
        };
        let of_store = store_id.map(|store_id| Self { provider, store_id });
        ready(of_store.ok_or(AppError::NotFound))
    }
}
