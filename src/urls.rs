//! Addresses that are linked from more than one place.

use std::fmt::Write;

/// Sign-in, with the address to come back to.
pub fn login(next: &str) -> String {
    if next.is_empty() || next == "/" {
        return "/login".to_owned();
    }
    format!("/login?next={}", encode(next))
}

/// Percent-encodes what stands in a query value (RFC 3986, unreserved characters stay).
pub fn encode(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(byte as char);
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    encoded
}
