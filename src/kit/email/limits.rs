//! How many emails with a link members and support staff can cause.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::Quota;

use super::address::email_key;
use crate::kit::error::AppError;
use crate::kit::limiter::Limiter;

/// Emails with a link to one address of one merchant at once; then one in twenty minutes.
const PER_RECIPIENT: NonZeroU32 = NonZeroU32::new(5).expect("five is not zero");
const RECIPIENT_EVERY: Duration = Duration::from_secs(20 * 60);
/// Such emails of one merchant at once; then one a minute.
const PER_MERCHANT: NonZeroU32 = NonZeroU32::new(100).expect("a hundred is not zero");
const MERCHANT_EVERY: Duration = Duration::from_secs(60);

/// What is left of the emails that someone sends to a third person: invitations, again or not, and links
/// to the portal.
pub struct Limits {
    recipients: Limiter,
    merchants: Limiter,
}

impl Default for Limits {
    fn default() -> Self {
        let every = |period: Duration, burst: NonZeroU32| {
            let quota = Quota::with_period(period).expect("the period is not zero");
            Limiter::new(quota.allow_burst(burst))
        };
        Self {
            recipients: every(RECIPIENT_EVERY, PER_RECIPIENT),
            merchants: every(MERCHANT_EVERY, PER_MERCHANT),
        }
    }
}

impl Limits {
    /// Takes one email of a merchant to an address, as it was typed.
    ///
    /// # Errors
    /// `TooMany` with the seconds to wait.
    pub(crate) fn take(&self, merchant_id: i64, recipient: &str) -> Result<(), AppError> {
        self.recipients.take((merchant_id, email_key(recipient))).map_err(AppError::TooMany)?;
        self.merchants.take(merchant_id).map_err(AppError::TooMany)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_and_one_merchant_have_their_limits() {
        let limits = Limits::default();
        let sent = |to: &str| (0..20).filter(|_| limits.take(1, to).is_ok()).count();
        assert_eq!((sent("a@example.com"), sent(" A@Example.com")), (5, 0));
        let others = (0..200).filter(|n| limits.take(1, &format!("{n}@example.com")).is_ok());
        assert_eq!(others.count(), 95);
        assert!(limits.take(2, "a@example.com").is_ok(), "another program writes anyway");
    }
}
