//! What people, companies, programs and stores may be called. One rule for every form, import,
//! command and API, because names stand in emails and on other people's pages.

use icu_properties::CodePointSetData;
use icu_properties::props::{BidiControl, DefaultIgnorableCodePoint};
use unicode_normalization::UnicodeNormalization;

/// The most characters of a name, as the database has it.
pub const MAX_CHARS: usize = 200;

/// The ends of domain names that mail programs make a link of without a scheme, as far as no name
/// of a person or a company ends so after a full stop. Any other end counts once a path follows.
const LINKED_ENDS: &[&str] = &[
    "ai", "app", "biz", "click", "cloud", "club", "co", "com", "de", "dev", "edu", "es", "eu",
    "example", "fr", "gov", "icu", "info", "io", "it", "link", "live", "me", "net", "nl", "online",
    "org", "page", "pl", "ru", "shop", "site", "space", "store", "tech", "test", "to", "top", "tv",
    "uk", "us", "vip", "website", "xyz",
];

/// Why a name is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing is there.
    #[error("Enter a name.")]
    Missing,
    /// More than [`MAX_CHARS`] characters.
    #[error("Enter {MAX_CHARS} characters or fewer.")]
    TooLong,
    /// A control character, a direction mark or something else that can't be seen.
    #[error("The name contains a character that can’t be seen. Type it without copying.")]
    Invisible,
    /// A URL, or a domain that mail programs make a link of.
    #[error("Leave web addresses out of the name.")]
    Url,
}

/// A name that follows the rules, outer space cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// Reads what was typed. Names that were stored before the rules stay as they are: ask only
    /// where a name is new.
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

    /// The name as it's stored.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// Controls, direction marks and what has no shape. Joiners and variation selectors have none either,
/// and names in Persian, Hindi or with an emoji need them.
pub fn is_invisible(c: char) -> bool {
    let is_needed = matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}');
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}')
        || CodePointSetData::new::<BidiControl>().contains(c)
        || (!is_needed && CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c))
}

fn holds_url(name: &str) -> bool {
    // Browsers take the full stops of other scripts for dots, and full-width letters for Latin ones.
    let text: String = name.nfkc().map(|c| if c == '。' { '.' } else { c }).collect();
    let text = text.to_lowercase();
    if text.contains("://") {
        return true;
    }
    let is_between = |c: char| c.is_whitespace() || "()[]<>{}\"'“”‘’,;|".contains(c);
    text.split(is_between).any(is_url)
}

/// Whether a word without a space is one.
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
    // Initials (“J.R.”) have a single letter before the stop.
    let is_domain = before.rsplit('.').next().is_some_and(|label| label.chars().count() >= 2);
    (has_path && (is_top_level || is_address(host)))
        || (is_top_level && is_domain && LINKED_ENDS.binary_search(&last).is_ok())
}

/// `192.0.2.1`
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
