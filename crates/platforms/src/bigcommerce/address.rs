//! The store domain of a BigCommerce store is its hash, which never changes.

/// Why the input is rejected, with what to type instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AddressError {
    #[error("Enter the API path that BigCommerce shows when you create the API account.")]
    Missing,
    #[error(
        "Enter an API path like https://api.bigcommerce.com/stores/abc123/v3/, or only the store hash abc123."
    )]
    Impossible,
}

/// Parses the store hash from the API path, the control panel's URL, or the hash alone.
pub(super) fn parse_domain(typed: &str) -> Result<String, AddressError> {
    let typed = typed.trim().trim_end_matches('/');
    let lower = typed.to_ascii_lowercase();
    let bare = lower.strip_prefix("https://").unwrap_or(&lower);
    let hash = if let Some(path) = bare.strip_prefix("api.bigcommerce.com/stores/") {
        path.split('/').next().unwrap_or_default()
    } else if let Some(host) = bare.strip_prefix("store-") {
        host.split_once(".mybigcommerce.com").ok_or(AddressError::Impossible)?.0
    } else {
        bare
    };
    // The control panel's domain can have a channel after the hash: store-abc123-1.
    let hash = hash.split('-').next().unwrap_or_default();
    if hash.is_empty() {
        return Err(if typed.is_empty() {
            AddressError::Missing
        } else {
            AddressError::Impossible
        });
    }
    let fits =
        (4..=40).contains(&hash.len()) && hash.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if fits { Ok(hash.to_owned()) } else { Err(AddressError::Impossible) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_people_have_at_hand() {
        for typed in [
            "abc123",
            " ABC123 ",
            "https://api.bigcommerce.com/stores/abc123/v3/",
            "api.bigcommerce.com/stores/abc123",
            "https://store-abc123.mybigcommerce.com/manage/settings",
            "store-abc123-1.mybigcommerce.com",
        ] {
            assert_eq!(parse_domain(typed).as_deref(), Ok("abc123"), "{typed}");
        }
    }

    #[test]
    fn refuses_what_is_no_store() {
        assert_eq!(parse_domain("  "), Err(AddressError::Missing));
        for typed in [
            "https://",
            "shop.example.com",
            "a b c d",
            "https://api.bigcommerce.com/stores/",
            "store-abc123",
            "abc123?x",
        ] {
            assert_eq!(parse_domain(typed), Err(AddressError::Impossible), "{typed}");
        }
    }
}
