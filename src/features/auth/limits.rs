//! Limits on password attempts, per account and per IP address. They make guessing slow without
//! letting a stranger lock anyone out.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::Quota;

use crate::kit::email::{MAX_EMAIL_BYTES, email_key};
use crate::kit::error::AppError;
use crate::kit::limiter::Limiter;

/// Attempts per minute and account **from one IP address**. A stranger elsewhere uses up only their
/// own.
const PER_ACCOUNT: NonZeroU32 = NonZeroU32::new(10).expect("ten is not zero");
/// Attempts per minute and IP address.
const PER_ADDRESS: NonZeroU32 = NonZeroU32::new(30).expect("thirty is not zero");
/// The burst of two-factor codes per account, from any IP address. Only someone who knows the
/// password can use them up.
const CODES: NonZeroU32 = NonZeroU32::new(20).expect("twenty is not zero");
/// One attempt is restored every five minutes, so six digits can't be guessed.
const CODE_EVERY: Duration = Duration::from_secs(300);

/// The remaining attempts.
pub struct AttemptLimits {
    accounts: Limiter,
    addresses: Limiter,
    codes: Limiter,
}

impl Default for AttemptLimits {
    fn default() -> Self {
        let codes = Quota::with_period(CODE_EVERY).expect("five minutes are not zero");
        Self {
            accounts: Limiter::new(Quota::per_minute(PER_ACCOUNT)),
            addresses: Limiter::new(Quota::per_minute(PER_ADDRESS)),
            codes: Limiter::new(codes.allow_burst(CODES)),
        }
    }
}

impl AttemptLimits {
    /// [`AttemptLimits::left`] for callers that show the error page. Fails with `TooMany` and the
    /// seconds to wait.
    pub(crate) fn take(&self, email: &str, address: IpAddr) -> Result<(), AppError> {
        self.left(email, address).map_err(AppError::TooMany)
    }

    /// Takes one attempt at a two-factor code. Fails with the seconds to wait if none is left.
    pub(crate) fn code(&self, user_id: i64) -> Result<(), u64> {
        self.codes.take(user_id)
    }

    /// Takes one attempt for the account of `email`, as typed, from `address`. Text that's too long
    /// for an email counts only against the IP address. Fails with the seconds to wait if none is
    /// left.
    pub(crate) fn left(&self, email: &str, address: IpAddr) -> Result<(), u64> {
        let network = network_of(address);
        self.addresses.take(network)?;
        if email.trim().len() > MAX_EMAIL_BYTES {
            return Ok(());
        }
        self.accounts.take((email_key(email), network))
    }
}

/// The part of an IP address that belongs to one customer: for IPv6, the /64.
pub(crate) fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_cannot_lock_an_account_out() {
        let attempts = AttemptLimits::default();
        let (stranger, owner) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let refused = (0..40).filter(|_| attempts.take("a@example.com", stranger).is_err()).count();
        assert!(refused >= 30, "{refused}");
        assert!(attempts.take("a@example.com", owner).is_ok());
    }

    #[test]
    fn one_network_cannot_try_many_accounts() {
        let attempts = AttemptLimits::default();
        let refused = (0..40)
            .filter(|number| {
                let address = format!("2001:db8::{number:x}").parse().unwrap();
                attempts.take(&format!("{number}@example.com"), address).is_err()
            })
            .count();
        assert_eq!(refused, 10);
    }
}
