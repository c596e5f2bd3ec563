//! Limits for anonymous visitors of the public page.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::Quota;

use crate::features::auth::network_of;
use crate::kit::error::AppError;
use crate::kit::limiter::Limiter;

/// Submitted forms per minute and IP address.
const SENDS: NonZeroU32 = NonZeroU32::new(10).expect("ten is not zero");
/// Checked codes per minute and IP address. People type several characters a second.
const LOOKS: NonZeroU32 = NonZeroU32::new(120).expect("it is not zero");
/// The burst of emails to one recipient of one program. Then one more is allowed every 20 minutes.
const EMAILS: NonZeroU32 = NonZeroU32::new(3).expect("three is not zero");
const EMAIL_INTERVAL: Duration = Duration::from_secs(20 * 60);

pub struct RegistrationLimits {
    sends: Limiter,
    looks: Limiter,
    emails: Limiter,
}

impl Default for RegistrationLimits {
    fn default() -> Self {
        let emails = Quota::with_period(EMAIL_INTERVAL).expect("twenty minutes is not zero");
        Self {
            sends: Limiter::new(Quota::per_minute(SENDS)),
            looks: Limiter::new(Quota::per_minute(LOOKS)),
            emails: Limiter::new(emails.allow_burst(EMAILS)),
        }
    }
}

impl RegistrationLimits {
    /// Takes one form submission for an IP address. Fails with `TooMany` and the seconds to wait.
    pub(crate) fn send(&self, address: IpAddr) -> Result<(), AppError> {
        self.sends.take(network_of(address)).map_err(AppError::TooMany)
    }

    /// Takes one code check for an IP address.
    pub(crate) fn look(&self, address: IpAddr) -> Result<(), AppError> {
        self.looks.take(network_of(address)).map_err(AppError::TooMany)
    }

    /// Whether another email may go to this recipient, so that no one can flood a mailbox.
    pub(crate) fn email(&self, merchant_id: i64, email_key: &str) -> bool {
        self.emails.take((merchant_id, email_key)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gets_three_letters_and_then_has_peace() {
        let limits = RegistrationLimits::default();
        let sent = (0..10).filter(|_| limits.email(1, "a@example.com")).count();
        assert_eq!(sent, 3);
        assert!(limits.email(2, "a@example.com"), "another program writes all the same");
    }

    #[test]
    fn forms_and_looks_are_counted_apart() {
        let limits = RegistrationLimits::default();
        let address = "192.0.2.1".parse().unwrap();
        let refused = (0..12).filter(|_| limits.send(address).is_err()).count();
        assert_eq!(refused, 2);
        assert!(limits.look(address).is_ok());
        assert!(limits.send("192.0.2.2".parse().unwrap()).is_ok());
    }
}
