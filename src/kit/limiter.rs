//! Rate limits per key, used for every limit of the application.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// The maximum number of keys with their own quota. They use about 4 MiB in total.
const MAX_KEYS: usize = 50_000;
/// Beyond the maximum, new keys share this many quotas.
const SHARED_KEYS: u64 = 1024;
/// How often keys with a full quota are removed.
const SWEEP_EVERY: Duration = Duration::from_secs(30);
/// How often they're removed while there are too many keys.
const SWEEP_FULL_EVERY: Duration = Duration::from_secs(1);

/// A quota per key. Only a keyed hash of the key is stored, however long the key is. The hash key
/// is random per process, so that no one can choose keys that collide.
pub(crate) struct Limiter {
    limiter: DefaultKeyedRateLimiter<u64>,
    hasher: RandomState,
    max_keys: usize,
    swept_at: Mutex<Instant>,
}

impl Limiter {
    #[must_use]
    pub(crate) fn new(quota: Quota) -> Self {
        Self::with_max_keys(quota, MAX_KEYS)
    }

    fn with_max_keys(quota: Quota, max_keys: usize) -> Self {
        Self {
            limiter: RateLimiter::keyed(quota),
            hasher: RandomState::new(),
            max_keys,
            swept_at: Mutex::new(Instant::now()),
        }
    }

    /// Takes one from the key's quota.
    ///
    /// Fails with the seconds to wait if nothing is left.
    pub(crate) fn take(&self, key: impl Hash) -> Result<(), u64> {
        let hash = self.hasher.hash_one(key);
        self.sweep();
        let is_full = self.limiter.len() >= self.max_keys;
        let key = if is_full { hash % SHARED_KEYS } else { hash };
        self.limiter.check_key(&key).map_err(|not_until| {
            not_until.wait_time_from(DefaultClock::default().now()).as_secs() + 1
        })
    }

    /// Removes keys with a full quota.
    fn sweep(&self) {
        let is_full = self.limiter.len() >= self.max_keys;
        let every = if is_full { SWEEP_FULL_EVERY } else { SWEEP_EVERY };
        {
            let mut swept_at = self.swept_at.lock().unwrap_or_else(PoisonError::into_inner);
            if swept_at.elapsed() < every {
                return;
            }
            *swept_at = Instant::now();
        }
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn per_hour(count: u32) -> Quota {
        Quota::per_hour(NonZeroU32::new(count).unwrap())
    }

    #[test]
    fn each_key_has_its_own_allowance() {
        let limiter = Limiter::new(per_hour(3));
        let taken = |key: &str| (0..10).filter(|_| limiter.take(key).is_ok()).count();
        assert_eq!((taken("a"), taken("b"), taken("a")), (3, 3, 0));
        assert!((1..=1201).contains(&limiter.take("a").unwrap_err()));
    }

    #[test]
    fn a_flood_of_keys_is_bounded_and_still_limited() {
        let limiter = Limiter::with_max_keys(per_hour(1), 100);
        let long = "x".repeat(60_000);
        let allowed = (0..20_000).filter(|n| limiter.take((n, &long)).is_ok()).count();
        let bound = 100 + usize::try_from(SHARED_KEYS).unwrap();
        assert!(limiter.limiter.len() <= bound, "{}", limiter.limiter.len());
        assert!((100..=bound).contains(&allowed), "{allowed}");
    }

    #[test]
    fn keys_with_their_whole_allowance_are_forgotten_with_time() {
        let soon = Quota::with_period(Duration::from_millis(1)).unwrap();
        let limiter = Limiter::with_max_keys(soon, 1000);
        for n in 0..500 {
            let _ = limiter.take(n);
        }
        std::thread::sleep(Duration::from_millis(20));
        *limiter.swept_at.lock().unwrap() = Instant::now() - SWEEP_EVERY;
        let _ = limiter.take(500);
        assert_eq!(limiter.limiter.len(), 1);
    }
}
