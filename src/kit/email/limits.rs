//! Limits how many emails with a link members and support staff can send.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::Quota;

use super::address::email_key;
use crate::kit::error::AppError;
use crate::kit::limiter::Limiter;

/// The burst of emails with a link from one merchant to one recipient. After that, it's one in
/// twenty minutes.
const PER_RECIPIENT: NonZeroU32 = NonZeroU32::new(5).expect("five is not zero");
const RECIPIENT_EVERY: Duration = Duration::from_secs(20 * 60);
/// The burst of emails with a link from one merchant. After that, it's one a minute.
const PER_MERCHANT: NonZeroU32 = NonZeroU32::new(100).expect("a hundred is not zero");
const MERCHANT_EVERY: Duration = Duration::from_secs(60);

/// The remaining emails that users can send to other people: invitations, repeated or not, and
/// links to the portal.
pub struct EmailLimits {
    recipients: Limiter,
    merchants: Limiter,
}

impl Default for EmailLimits {
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

impl EmailLimits {
    /// Counts one email of a merchant to `recipient`, as typed. Fails with `TooMany` and the
    /// seconds to wait.
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
        let limits = EmailLimits::default();
        let sent = |to: &str| (0..20).filter(|_| limits.take(1, to).is_ok()).count();
        assert_eq!((sent("a@example.com"), sent(" A@Example.com")), (5, 0));
        let others = (0..200).filter(|n| limits.take(1, &format!("{n}@example.com")).is_ok());
        assert_eq!(others.count(), 95);
        assert!(limits.take(2, "a@example.com").is_ok(), "another program writes anyway");
    }
}
