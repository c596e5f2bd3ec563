//! The platform in a path, so that one handler serves every platform.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use vouch_core::platform::Platform;
use vouch_platforms::{Provider, provider};

use crate::kit::error::AppError;

/// The `{platform}` of a path. An unknown platform yields 404.
#[derive(Clone, Copy)]
pub(crate) struct OfPlatform(pub &'static dyn Provider);

impl FromRequest for OfPlatform {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let platform = req.match_info().get("platform").and_then(Platform::parse);
        ready(platform.and_then(provider).map(Self).ok_or(AppError::NotFound))
    }
}

/// The `{platform}` and `{store_id}` of a path. It doesn't check whether the store exists.
#[derive(Clone, Copy)]
pub(crate) struct OfStore {
    pub(crate) provider: &'static dyn Provider,
    pub(crate) store_id: i64,
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
