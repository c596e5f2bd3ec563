//! The rate limit of API keys.

use std::num::NonZeroU32;

use governor::Quota;

use crate::kit::error::AppError;
use crate::kit::limiter::Limiter;

/// Requests per second for each key.
const PER_SECOND: NonZeroU32 = NonZeroU32::new(50).expect("fifty is not zero");
/// The burst size of each key.
const BURST: NonZeroU32 = NonZeroU32::new(200).expect("two hundred is not zero");

/// The remaining requests of each key.
pub struct ApiLimits(Limiter);

impl Default for ApiLimits {
    fn default() -> Self {
        Self(Limiter::new(Quota::per_second(PER_SECOND).allow_burst(BURST)))
    }
}

impl ApiLimits {
    /// Counts one request of a key. Fails with `TooMany` and the seconds to wait.
    pub(crate) fn take(&self, merchant_id: i64, key_id: i64) -> Result<(), AppError> {
        self.0.take((merchant_id, key_id)).map_err(AppError::TooMany)
    }
}
