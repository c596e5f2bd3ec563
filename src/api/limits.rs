//! How fast one key may send.

use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::error::AppError;

/// Requests per second and key.
const PER_SECOND: NonZeroU32 = NonZeroU32::new(50).expect("fifty is not zero");
/// Requests at once and key.
const BURST: NonZeroU32 = NonZeroU32::new(200).expect("two hundred is not zero");
/// Keys are forgotten once there are more than this many, as far as they are idle.
const SHRINK_AT: usize = 10_000;

/// The requests that are left to each key, by merchant and key.
pub struct Limits(DefaultKeyedRateLimiter<(i64, i64)>);

impl Default for Limits {
    fn default() -> Self {
        Self(RateLimiter::keyed(Quota::per_second(PER_SECOND).allow_burst(BURST)))
    }
}

impl Limits {
    /// Takes one request of a key.
    ///
    /// # Errors
    /// `TooMany` with the seconds to wait.
    pub fn take(&self, merchant_id: i64, key_id: i64) -> Result<(), AppError> {
        if self.0.len() > SHRINK_AT {
            self.0.retain_recent();
        }
        self.0.check_key(&(merchant_id, key_id)).map_err(|not_until| {
            AppError::TooMany(not_until.wait_time_from(DefaultClock::default().now()).as_secs() + 1)
        })
    }
}
