use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// Vouch has no longer paths.
const MAX_BYTES: usize = 2_000;

/// The path to continue with after a form or link (`next`, `back`): a path of this site with its
/// query, safe for a `Location` header. Everything else counts as missing, because phishers could
/// use an open redirect. It's checked while the request is parsed, before anything is changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct LocalPath(String);

impl LocalPath {
    /// Parses `text` as a path of this site. It must start with exactly one slash, without a
    /// scheme, host, backslash or control character. Non-ASCII characters must be percent-encoded.
    pub(crate) fn read(text: &str) -> Self {
        let is_local = text.starts_with('/')
            && !text.starts_with("//")
            && text.len() <= MAX_BYTES
            && !text.contains('\\')
            && !text.chars().any(char::is_control);
        let mut path = String::new();
        if is_local {
            for c in text.chars() {
                if c.is_ascii_graphic() {
                    path.push(c);
                } else {
                    path.push_str(&crate::kit::urls::encode(c.encode_utf8(&mut [0; 4])));
                }
            }
        }
        Self(path)
    }

    /// The path, if there is one.
    pub(crate) fn get(&self) -> Option<&str> {
        Some(self.0.as_str()).filter(|path| !path.is_empty())
    }

    /// The path, if it's one of `pages` or below one.
    pub(crate) fn under(&self, pages: &[&str]) -> Option<&str> {
        let is_below = |rest: &str| rest.is_empty() || rest.starts_with(['/', '?']);
        self.get()
            .filter(|path| pages.iter().any(|page| path.strip_prefix(page).is_some_and(is_below)))
    }
}

impl<'de> Deserialize<'de> for LocalPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::read(&text))
    }
}

impl fmt::Display for LocalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_read() {
        for own in ["/", "/orders?status=paid", "/a/b#c", "/%2F%2Fevil.example"] {
            assert_eq!(LocalPath::read(own).get(), Some(own));
        }
        let long = format!("/{}", "a".repeat(MAX_BYTES));
        for elsewhere in [
            "",
            "orders",
            "//evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/\\evil.example",
            "\\/evil.example",
            "/\t/evil.example",
            " /orders",
            "/a\nb",
            "/a\u{0}",
            "/a\u{85}",
            &long,
        ] {
            assert_eq!(LocalPath::read(elsewhere).get(), None, "{elsewhere:?}");
        }
    }

    #[test]
    fn what_a_header_cannot_hold_is_encoded() {
        assert_eq!(LocalPath::read("/orders?q=é ü").get(), Some("/orders?q=%C3%A9%20%C3%BC"));
    }

    #[test]
    fn pages_are_told_apart_at_a_slash_or_the_query() {
        let pages = ["/affiliates", "/orders"];
        for own in ["/affiliates", "/affiliates?q=ann&status=active", "/affiliates/7", "/orders/3"]
        {
            assert_eq!(LocalPath::read(own).under(&pages), Some(own));
        }
        for other in ["", "/", "/affiliates.evil", "/logout", "//affiliates"] {
            assert_eq!(LocalPath::read(other).under(&pages), None, "{other}");
        }
    }
}
