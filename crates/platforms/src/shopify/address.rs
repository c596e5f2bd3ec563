//! The domain of a Shopify store under `myshopify.com`, which never changes.

/// Why the input is rejected, with what to type instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AddressError {
    #[error("Enter the store’s domain, for example your-store.myshopify.com.")]
    Missing,
    /// The merchant's own domain, or one of another platform.
    #[error(
        "Enter the domain that ends in .myshopify.com. Shopify shows it under Settings > Domains."
    )]
    NotShopify,
    #[error("Use only letters, digits and dashes, for example your-store.myshopify.com.")]
    Impossible,
}

/// Parses `name.myshopify.com` from a domain, a URL, the admin's URL
/// (`admin.shopify.com/store/name`), or the bare name.
pub(super) fn parse_domain(typed: &str) -> Result<String, AddressError> {
    let typed = typed.trim().to_ascii_lowercase();
    let bare = typed
        .strip_prefix("https://")
        .or_else(|| typed.strip_prefix("http://"))
        .unwrap_or(&typed)
        .trim_end_matches('/');
    let name = match bare.strip_prefix("admin.shopify.com/store/") {
        Some(path) => path.split('/').next().unwrap_or_default(),
        None => name_in_host(bare.split(['/', '?', '#']).next().unwrap_or_default())?,
    };
    if name.is_empty() {
        return Err(AddressError::Missing);
    }
    let fits = name.len() <= 60
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if fits { Ok(format!("{name}.myshopify.com")) } else { Err(AddressError::Impossible) }
}

fn name_in_host(host: &str) -> Result<&str, AddressError> {
    match host.strip_suffix(".myshopify.com") {
        Some(name) => Ok(name),
        None if host.contains('.') => Err(AddressError::NotShopify),
        None => Ok(host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_people_have_at_hand() {
        let typed = [
            "tea-house.myshopify.com",
            " Tea-House.MyShopify.com ",
            "https://tea-house.myshopify.com/admin/settings?x=1",
            "http://tea-house.myshopify.com/",
            "https://admin.shopify.com/store/tea-house/orders",
            "tea-house",
        ];
        for typed in typed {
            assert_eq!(parse_domain(typed).as_deref(), Ok("tea-house.myshopify.com"), "{typed}");
        }
    }

    #[test]
    fn refuses_what_is_no_store() {
        use AddressError::{Impossible, Missing, NotShopify};
        let long = "x".repeat(61);
        let cases = [
            ("", Missing),
            ("https://", Missing),
            (".myshopify.com", Missing),
            ("shop.example.com", NotShopify),
            ("tea.myshopify.com.evil.example", NotShopify),
            ("tea house", Impossible),
            ("-tea.myshopify.com", Impossible),
            ("a.b.myshopify.com", Impossible),
            ("tea@evil.myshopify.com", Impossible),
            ("tea:80", Impossible),
            (&long, Impossible),
        ];
        for (typed, refusal) in cases {
            assert_eq!(parse_domain(typed), Err(refusal), "{typed}");
        }
    }
}
