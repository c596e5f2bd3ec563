//! How much a stranger can ask of the public page.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::auth::network_of;
use crate::error::AppError;

/// Forms per minute and address.
const SENDS: NonZeroU32 = NonZeroU32::new(10).expect("ten is not zero");
/// Looked-up codes per minute and address: one types several letters a second.
const LOOKS: NonZeroU32 = NonZeroU32::new(120).expect("it is not zero");
/// Letters to one e-mail address of one program at once; then one in twenty minutes.
const LETTERS: NonZeroU32 = NonZeroU32::new(3).expect("three is not zero");
const LETTER_EVERY: Duration = Duration::from_secs(20 * 60);
/// Keys are forgotten once there are more than this many, as far as they are idle.
const SHRINK_AT: usize = 10_000;

/// What is left.
pub struct Limits {
    sends: DefaultKeyedRateLimiter<IpAddr>,
    looks: DefaultKeyedRateLimiter<IpAddr>,
    letters: DefaultKeyedRateLimiter<(i64, String)>,
}

impl Default for Limits {
    fn default() -> Self {
        let letters = Quota::with_period(LETTER_EVERY).expect("twenty minutes are not nothing");
        Self {
            sends: RateLimiter::keyed(Quota::per_minute(SENDS)),
            looks: RateLimiter::keyed(Quota::per_minute(LOOKS)),
            letters: RateLimiter::keyed(letters.allow_burst(LETTERS)),
        }
    }
}

impl Limits {
    /// Takes one form from an address.
    ///
    /// # Errors
    /// `TooMany` with the seconds to wait.
    pub fn send(&self, address: IpAddr) -> Result<(), AppError> {
        take(&self.sends, network_of(address))
    }

    /// Takes one look at a code from an address.
    ///
    /// # Errors
    /// As [`Limits::send`].
    pub fn look(&self, address: IpAddr) -> Result<(), AppError> {
        take(&self.looks, network_of(address))
    }

    /// Whether a letter may go to an e-mail address: nobody can have somebody else’s flooded.
    pub fn letter(&self, merchant_id: i64, email_key: &str) -> bool {
        take(&self.letters, (merchant_id, email_key.to_owned())).is_ok()
    }
}

fn take<K: Clone + Eq + std::hash::Hash>(
    limiter: &DefaultKeyedRateLimiter<K>,
    key: K,
) -> Result<(), AppError> {
    if limiter.len() > SHRINK_AT {
        limiter.retain_recent();
    }
    limiter.check_key(&key).map_err(|not_until| {
        AppError::TooMany(not_until.wait_time_from(DefaultClock::default().now()).as_secs() + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gets_three_letters_and_then_has_peace() {
        let limits = Limits::default();
        let sent = (0..10).filter(|_| limits.letter(1, "a@example.com")).count();
        assert_eq!(sent, 3);
        assert!(limits.letter(2, "a@example.com"), "another program writes all the same");
    }

    #[test]
    fn forms_and_looks_are_counted_apart() {
        let limits = Limits::default();
        let address = "192.0.2.1".parse().unwrap();
        let refused = (0..12).filter(|_| limits.send(address).is_err()).count();
        assert_eq!(refused, 2);
        assert!(limits.look(address).is_ok());
        assert!(limits.send("192.0.2.2".parse().unwrap()).is_ok());
    }
}
