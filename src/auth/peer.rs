//! The network address a request comes from.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::HttpRequest;

/// The peer; behind a proxy on this machine, whom the proxy names (the last one in
/// `X-Forwarded-For`: what stands before it, the client may have written). A proxy elsewhere is not
/// believed, since anybody could claim to be one: its clients share one address.
pub(super) fn peer(req: &HttpRequest) -> IpAddr {
    let peer = req.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.ip());
    if !peer.to_canonical().is_loopback() {
        return peer;
    }
    let forwarded = req.headers().get_all("x-forwarded-for").last();
    forwarded
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.rsplit(',').next()?.trim().parse().ok())
        .unwrap_or(peer)
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
        peer(&request.to_http_request()).to_string()
    }

    #[test]
    fn a_proxy_on_this_machine_is_believed_as_to_the_last_hop() {
        assert_eq!(seen("127.0.0.1:1", &["192.0.2.9"]), "192.0.2.9");
        assert_eq!(seen("[::1]:1", &["10.0.0.1, 2001:db8::7"]), "2001:db8::7");
        assert_eq!(seen("127.0.0.1:1", &["10.0.0.1", "192.0.2.9"]), "192.0.2.9");
        assert_eq!(seen("127.0.0.1:1", &["rubbish"]), "127.0.0.1");
        assert_eq!(seen("127.0.0.1:1", &[]), "127.0.0.1");
    }

    #[test]
    fn a_stranger_is_not() {
        assert_eq!(seen("203.0.113.5:1", &["192.0.2.9"]), "203.0.113.5");
    }
}
