//! Database URLs, as libpq parses them.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::ptr;

/// Timeouts for settings that the URL doesn't contain: two seconds to connect. A peer is gone if
/// it's silent for eleven seconds, or acknowledges nothing for ten.
const LIMITS: [(&str, &str); 6] = [
    ("connect_timeout", "2"),
    ("keepalives", "1"),
    ("keepalives_idle", "5"),
    ("keepalives_interval", "2"),
    ("keepalives_count", "3"),
    ("tcp_user_timeout", "10000"),
];

const DEFAULT_PORT: u16 = 5432;

/// Adds timeouts that neither `url` nor libpq's environment sets. A URL that libpq can't parse
/// stays unchanged, so that libpq reports the error.
#[must_use]
pub(crate) fn bounded(url: &str) -> String {
    let Some(given) = parse(url) else { return url.to_owned() };
    let mut complete = url.to_owned();
    for (keyword, value) in LIMITS.into_iter().filter(|(keyword, _)| !given.contains_key(*keyword))
    {
        if !url.contains("://") {
            complete.push_str(&format!(" {keyword}={value}"));
        } else {
            let separator = if complete.contains('?') { '&' } else { '?' };
            complete.push_str(&format!("{separator}{keyword}={value}"));
        }
    }
    complete
}

/// The ports of the servers in `url`.
pub(super) fn ports(url: &str) -> Vec<u16> {
    let given = parse(url).unwrap_or_default();
    let ports = given.get("port").map(String::as_str).unwrap_or_default();
    let ports: Vec<u16> = ports.split(',').filter_map(|port| port.trim().parse().ok()).collect();
    if ports.is_empty() { vec![DEFAULT_PORT] } else { ports }
}

/// The options in a URL and libpq's environment, by keyword; `None` if it isn't a valid URL.
#[expect(
    clippy::disallowed_methods,
    reason = "libpq reads these variables, whatever the settings say"
)]
fn parse(url: &str) -> Option<BTreeMap<String, String>> {
    let url = CString::new(url).ok()?;
    // SAFETY: the text is NUL-terminated and outlives the call; no error message is requested.
    let options = unsafe { pq_sys::PQconninfoParse(url.as_ptr(), ptr::null_mut()) };
    if options.is_null() {
        return None;
    }
    let mut found = BTreeMap::new();
    let mut at = options;
    // SAFETY: the array is libpq's own and ends with an entry without a keyword. Its texts are
    // NUL-terminated or null, and are copied before the array is freed.
    unsafe {
        while let Some(keyword) = text((*at).keyword) {
            let from_environment = text((*at).envvar).and_then(|name| std::env::var(name).ok());
            if let Some(value) = text((*at).val).or(from_environment) {
                found.insert(keyword, value);
            }
            at = at.add(1);
        }
        pq_sys::PQconninfoFree(options);
    }
    Some(found)
}

/// # Safety
/// `pointer` must be null, or point to a NUL-terminated text.
unsafe fn text(pointer: *const std::ffi::c_char) -> Option<String> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: it isn't null, and the caller guarantees the rest.
    Some(unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(url: &str, keyword: &str) -> Option<String> {
        parse(&bounded(url)).unwrap().get(keyword).cloned()
    }

    #[test]
    fn every_wait_is_limited_whatever_the_address_looks_like() {
        for url in [
            "postgresql://vouch:s%3Fcret@db.example/vouch",
            "postgres://db.example,db2.example:6432/vouch?sslmode=verify-full",
            "postgresql:///vouch?host=%2Frun%2Fpostgresql",
            "host=db.example dbname=vouch",
        ] {
            for (keyword, value) in LIMITS {
                assert_eq!(said(url, keyword).as_deref(), Some(value), "{keyword} of {url}");
            }
            assert_eq!(said(url, "dbname").as_deref(), Some("vouch"));
        }
    }

    #[test]
    fn what_an_address_says_itself_holds() {
        let url = "postgresql://db/vouch?connect_timeout=30&keepalives_idle=600&password=a%26b";
        assert_eq!(said(url, "connect_timeout").as_deref(), Some("30"));
        assert_eq!(said(url, "keepalives_idle").as_deref(), Some("600"));
        assert_eq!(said(url, "password").as_deref(), Some("a&b"));
        assert_eq!(said(url, "tcp_user_timeout").as_deref(), Some("10000"));
    }

    #[test]
    fn what_libpq_cannot_read_is_left_to_it() {
        assert_eq!(bounded("postgresql://[oops/vouch"), "postgresql://[oops/vouch");
    }

    #[test]
    fn knows_the_ports_of_an_address() {
        assert_eq!(ports("postgresql://db:6432/vouch"), [6432]);
        assert_eq!(ports("postgresql://a:1,b:2/vouch"), [1, 2]);
    }
}
