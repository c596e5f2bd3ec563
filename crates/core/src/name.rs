//! The rules for names of users, companies, programs and stores. All forms, imports, commands and
//! the API use the same rules, because names appear in emails and on other users' pages.

use icu_properties::CodePointSetData;
use icu_properties::props::{BidiControl, DefaultIgnorableCodePoint};
use unicode_normalization::UnicodeNormalization;

/// The maximum length of a name in characters, as the database has it.
pub const MAX_CHARS: usize = 200;

/// Top-level domains that email programs turn into links even without a scheme. Endings that occur
/// in names of people or companies aren't listed. Any other ending counts if a path follows.
const LINKED_ENDS: &[&str] = &[
    "ai", "app", "biz", "click", "cloud", "club", "co", "com", "de", "dev", "edu", "es", "eu",
    "example", "fr", "gov", "icu", "info", "io", "it", "link", "live", "me", "net", "nl", "online",
    "org", "page", "pl", "ru", "shop", "site", "space", "store", "tech", "test", "to", "top", "tv",
    "uk", "us", "vip", "website", "xyz",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The name is empty.
    #[error("Enter a name.")]
    Missing,
    /// More than [`MAX_CHARS`] characters.
    #[error("Enter {MAX_CHARS} characters or fewer.")]
    TooLong,
    /// Contains a control character, a direction mark or another invisible character.
    #[error("Retype the name. It contains a hidden character.")]
    Invisible,
    /// Contains a URL, or a domain that email programs turn into a link.
    #[error("Remove web addresses from the name.")]
    Url,
}

/// A name that follows the rules, trimmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// Parses a typed name. Names stored before these rules stay valid, so check only new names.
    pub fn read(typed: &str) -> Result<Self, NameError> {
        let name = typed.trim();
        match name.chars().count() {
            0 => Err(NameError::Missing),
            _ if name.chars().any(is_invisible) => Err(NameError::Invisible),
            _ if holds_url(name) => Err(NameError::Url),
            1..=MAX_CHARS => Ok(Self(name.to_owned())),
            _ => Err(NameError::TooLong),
        }
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

/// Whether a character is a control character, a direction mark or has no shape. Joiners and
/// variation selectors are allowed, because names in Persian, Hindi or with an emoji need them.
pub fn is_invisible(c: char) -> bool {
    let is_needed = matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}');
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}')
        || CodePointSetData::new::<BidiControl>().contains(c)
        || (!is_needed && CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c))
}

fn holds_url(name: &str) -> bool {
    // Browsers treat full stops of other scripts as dots, and full-width letters as Latin ones.
    let text: String = name.nfkc().map(|c| if c == '。' { '.' } else { c }).collect();
    let text = text.to_lowercase();
    if text.contains("://") {
        return true;
    }
    let is_between = |c: char| c.is_whitespace() || "()[]<>{}\"'“”‘’,;|".contains(c);
    text.split(is_between).any(is_url)
}

/// Whether a word is a URL or a domain.
fn is_url(word: &str) -> bool {
    let schemes = ["http:", "https:", "ftp:", "javascript:", "data:", "mailto:"];
    if word.starts_with("www.") || schemes.iter().any(|scheme| word.starts_with(scheme)) {
        return true;
    }
    let end = word.find(['/', '?', '#', ':', '\\']).unwrap_or(word.len());
    let (host, rest) = word.split_at(end);
    let host = host.trim_end_matches(['.', '!']);
    let Some((before, last)) = host.rsplit_once('.') else { return false };
    let is_label =
        |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    if host.contains('@') || !before.split('.').all(is_label) || !is_label(last) {
        return false;
    }
    let has_path = rest.len() > 1;
    let is_top_level = last.starts_with("xn--")
        || (last.chars().count() >= 2 && last.chars().all(char::is_alphabetic));
    // Initials (“J.R.”) have only one letter before the dot.
    let is_domain = before.rsplit('.').next().is_some_and(|label| label.chars().count() >= 2);
    (has_path && (is_top_level || is_address(host)))
        || (is_top_level && is_domain && LINKED_ENDS.binary_search(&last).is_ok())
}

/// Whether it's an IPv4 address, such as `192.0.2.1`.
fn is_address(host: &str) -> bool {
    host.parse::<std::net::Ipv4Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_many_kinds_are_fine() {
        for name in [
            "Ann Lee",
            " Ann ",
            "J.R.R. Tolkien",
            "Dr.Who & Sons, Inc.",
            "St. John-Smythe",
            "Café 50% / Tea: House",
            "O'Neill (UK)",
            "Node.js Weekly",
            "Nuñez y Cía. S.A.",
            "株式会社 東京",
            "نوال",
            "می\u{200c}خواهم",
            "👩\u{200d}💻 Studio ❤\u{fe0f}",
            "ann@example.com",
            "No. 5",
            "A/B",
        ] {
            assert_eq!(Name::read(name).map(Name::into_string), Ok(name.trim().to_owned()));
        }
    }

    #[test]
    fn urls_are_refused() {
        for name in [
            "https://evil.example",
            "Win at HTTP://EVIL.EXAMPLE/x",
            "www.evil.test",
            "Prize (www.evil.travel)",
            "evil.com",
            "Go to evil.com now",
            "Go to evil.com.",
            "evil.travel/login",
            "evil.travel:8080",
            "192.0.2.1/login",
            "ｅｖｉｌ．ｃｏｍ",
            "evil。com",
            "xn--e1afmkfd.xn--p1ai/x",
            "mailto:a@evil.example",
            "javascript:alert(1)",
        ] {
            assert_eq!(Name::read(name), Err(NameError::Url), "{name}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_refused() {
        for hidden in [
            '\0',
            '\n',
            '\t',
            '\u{7f}',
            '\u{85}',
            '\u{202e}',
            '\u{2066}',
            '\u{200f}',
            '\u{200b}',
            '\u{feff}',
            '\u{2028}',
            '\u{ad}',
            '\u{e0041}',
        ] {
            assert_eq!(
                Name::read(&format!("A{hidden}nn")),
                Err(NameError::Invisible),
                "{hidden:?}"
            );
        }
    }

    #[test]
    fn a_name_has_a_length() {
        assert_eq!(Name::read(" \u{3000}"), Err(NameError::Missing));
        assert!(Name::read(&"x".repeat(200)).is_ok());
        assert_eq!(Name::read(&"x".repeat(201)), Err(NameError::TooLong));
    }

    #[test]
    fn the_ends_are_in_order() {
        assert!(LINKED_ENDS.is_sorted());
    }
}
