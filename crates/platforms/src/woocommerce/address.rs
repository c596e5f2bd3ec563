//! The URL of a self-hosted WordPress site.

/// Why the input is rejected, with what to type instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AddressError {
    #[error("Enter your site’s URL, for example https://shop.example.com.")]
    Missing,
    #[error("Enter a complete URL, for example https://shop.example.com.")]
    Impossible,
}

/// Parses `shop.example.com` or `example.com/shop` from a URL of the site, its admin or a store
/// page, with or without `https://`.
pub(super) fn parse_domain(typed: &str) -> Result<String, AddressError> {
    let typed = typed.trim();
    let lower = typed.to_ascii_lowercase();
    let scheme = ["https://", "http://"].into_iter().find(|scheme| lower.starts_with(scheme));
    let bare = &typed[scheme.map_or(0, str::len)..];
    let bare = bare.split(['?', '#']).next().unwrap_or_default();
    let (host, path) = bare.split_once('/').unwrap_or((bare, ""));
    if host.is_empty() {
        return Err(AddressError::Missing);
    }
    let host = host.to_ascii_lowercase();
    if !is_host(&host) {
        return Err(AddressError::Impossible);
    }
    // WordPress's own paths after the site's URL.
    let own = |part: &&str| !part.is_empty() && !part.starts_with("wp-");
    let parts: Vec<&str> = path.split('/').take_while(own).collect();
    let fits =
        |part: &&str| part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b));
    if !parts.iter().all(fits) || parts.contains(&"..") {
        return Err(AddressError::Impossible);
    }
    let address = std::iter::once(host.as_str()).chain(parts).collect::<Vec<_>>().join("/");
    if address.len() <= 200 { Ok(address) } else { Err(AddressError::Impossible) }
}

fn is_host(host: &str) -> bool {
    let (name, port) = host.split_once(':').unwrap_or((host, "443"));
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
    };
    let has_letters = name.bytes().any(|b| b.is_ascii_alphabetic());
    name.contains('.')
        && has_letters
        && name.split('.').all(label)
        && port.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_people_have_at_hand() {
        let cases = [
            ("shop.example.com", "shop.example.com"),
            (" https://Shop.Example.com/ ", "shop.example.com"),
            ("http://shop.example.com", "shop.example.com"),
            ("https://example.com/Shop/wp-admin/admin.php?page=wc", "example.com/Shop"),
            ("https://example.com/wp-json/wc/v3/orders", "example.com"),
            ("example.com:8443/de/#top", "example.com:8443/de"),
        ];
        for (typed, address) in cases {
            assert_eq!(parse_domain(typed).as_deref(), Ok(address), "{typed}");
        }
    }

    #[test]
    fn refuses_what_is_no_site() {
        for typed in ["", "https://", "  "] {
            assert_eq!(parse_domain(typed), Err(AddressError::Missing), "{typed}");
        }
        let long = format!("{}.example.com", "x".repeat(64));
        let impossible = [
            "shop",
            "10.0.0.1",
            "[::1]",
            "user@example.com",
            "a b.example.com",
            "-a.example.com",
            "example.com:0",
            "example.com:99999",
            "ftp://example.com",
            "example.com/a b",
            "example.com/..",
            &long,
            "http://127.0.0.1:80",
        ];
        for typed in impossible {
            assert_eq!(parse_domain(typed), Err(AddressError::Impossible), "{typed}");
        }
    }
}
