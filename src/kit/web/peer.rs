//! The IP address of a request's client.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::HttpRequest;
use actix_web::web::Data;

use crate::kit::config::TrustedProxies;

/// The address of the connection or, behind the proxies of `VOUCH_TRUSTED_PROXIES`, of the client
/// that they name in `X-Forwarded-For`. Other proxies aren't trusted, because any client could
/// claim to be one. All their clients share one address.
pub(crate) fn peer(req: &HttpRequest) -> IpAddr {
    let proxies = req.app_data::<Data<TrustedProxies>>();
    client(req, proxies.expect("the application holds its proxies"))
}

fn client(req: &HttpRequest, proxies: &TrustedProxies) -> IpAddr {
    let mut hop = req.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    // Each proxy appends the address of its client. Entries before the last untrusted address may
    // be forged.
    let headers: Vec<&str> =
        req.headers().get_all("x-forwarded-for").filter_map(|value| value.to_str().ok()).collect();
    let mut named = headers.iter().rev().flat_map(|value| value.rsplit(','));
    while proxies.hold(hop) {
        let Some(before) = named.next().and_then(|typed| typed.trim().parse().ok()) else { break };
        hop = before;
    }
    hop
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn seen(peer_addr: &str, forwarded: &[&str]) -> String {
        let mut request = TestRequest::default().peer_addr(peer_addr.parse().unwrap());
        for value in forwarded {
            request = request.append_header(("x-forwarded-for", *value));
        }
        client(&request.to_http_request(), &TrustedProxies::default()).to_string()
    }

    #[test]
    fn a_proxy_on_this_machine_is_believed_as_to_the_last_hop() {
        assert_eq!(seen("127.0.0.1:1", &["192.0.2.9"]), "192.0.2.9");
        assert_eq!(seen("[::1]:1", &["10.0.0.1, 2001:db8::7"]), "2001:db8::7");
        assert_eq!(seen("127.0.0.1:1", &["10.0.0.1", "192.0.2.9"]), "192.0.2.9");
        assert_eq!(seen("127.0.0.1:1", &["10.0.0.1, 192.0.2.9, 127.0.0.1"]), "192.0.2.9");
        assert_eq!(seen("127.0.0.1:1", &["rubbish"]), "127.0.0.1");
        assert_eq!(seen("127.0.0.1:1", &[]), "127.0.0.1");
    }

    #[test]
    fn a_stranger_is_not() {
        assert_eq!(seen("203.0.113.5:1", &["192.0.2.9"]), "203.0.113.5");
    }
}
