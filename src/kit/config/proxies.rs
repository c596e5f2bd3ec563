//! The proxies whose statement about a request's client is trusted.

use std::net::IpAddr;

use super::error::{ConfigError, bad};

/// Only proxies on this machine.
pub(super) const DEFAULT: &str = "127.0.0.0/8,::1";

/// The addresses of the trusted proxies in front of Vouch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

/// A range of addresses with a common prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    /// The length of the prefix.
    bits: u32,
}

impl TrustedProxies {
    /// Parses addresses and networks (`10.0.0.0/8`), separated by commas.
    ///
    /// Fails with the first entry that is neither.
    pub(super) fn parse(typed: &str) -> Result<Self, ConfigError> {
        let network = |part: &str| {
            Network::parse(part).ok_or_else(|| {
                bad(
                    "VOUCH_TRUSTED_PROXIES",
                    format!(
                        "{part:?} isn't an IP address or a network, such as 192.0.2.7 or 10.0.0.0/8"
                    ),
                )
            })
        };
        typed.split(',').map(|part| network(part.trim())).collect::<Result<_, _>>().map(Self)
    }

    /// Whether `address` is a trusted proxy.
    #[must_use]
    pub(crate) fn hold(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.holds(address))
    }
}

impl Default for TrustedProxies {
    fn default() -> Self {
        Self::parse(DEFAULT).expect("the default is right")
    }
}

impl Network {
    fn parse(typed: &str) -> Option<Self> {
        let (address, bits) = match typed.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().ok()?)),
            None => (typed, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(all);
        (bits <= all).then_some(Self { address, bits })
    }

    fn holds(self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differ = own.to_bits() ^ other.to_bits();
                differ.checked_shr(32 - self.bits).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differ = own.to_bits() ^ other.to_bits();
                differ.checked_shr(128 - self.bits).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(networks: &str, address: &str) -> bool {
        TrustedProxies::parse(networks).unwrap().hold(address.parse().unwrap())
    }

    #[test]
    fn addresses_and_networks_are_told_from_others() {
        assert!(holds("192.0.2.7", "192.0.2.7") && !holds("192.0.2.7", "192.0.2.8"));
        assert!(holds("10.0.0.0/8, 192.0.2.0/24", "192.0.2.255"));
        assert!(!holds("10.0.0.0/8, 192.0.2.0/24", "192.0.3.0"));
        assert!(holds("10.0.0.0/8", "::ffff:10.1.2.3"), "as a socket for both kinds shows it");
        assert!(holds("2001:db8::/32", "2001:db8:1::1") && !holds("2001:db8::/32", "2001:db9::"));
        assert!(holds("0.0.0.0/0", "203.0.113.9") && !holds("0.0.0.0/0", "2001:db8::1"));
        assert!(holds("::/0", "2001:db8::1"));
        assert!(holds(DEFAULT, "127.0.0.1") && holds(DEFAULT, "::1"));
    }

    #[test]
    fn anything_else_is_refused() {
        for typed in ["proxy.example", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.1,", "/8"] {
            assert!(TrustedProxies::parse(typed).is_err(), "{typed}");
        }
    }
}
