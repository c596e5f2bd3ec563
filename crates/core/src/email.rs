//! Email addresses and the keys by which they're compared.

mod mailbox;

use thiserror::Error;
use unicode_normalization::UnicodeNormalization as _;

use self::mailbox::{beginnings, mailbox};
use crate::code::{fold_until_stable, is_invisible};

/// The maximum length of an email address in characters (RFC 5321, path limit).
pub const MAX_EMAIL_CHARS: usize = 254;

/// The key of an email address: trimmed, NFKC, lower case, then reduced to its mailbox; see
/// [`mailbox`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EmailKey(String);

/// The rule that an email address breaks. The message is shown next to the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EmailError {
    #[error("Enter an email.")]
    Empty,
    #[error("Enter an email, such as name@example.com.")]
    NotAnAddress,
    #[error("Enter {MAX_EMAIL_CHARS} characters or fewer.")]
    TooLong,
}

impl EmailKey {
    /// Fails with [`EmailError`] if it doesn't look like an email address: a name, an `@` and a
    /// domain with a dot.
    pub fn parse(typed: &str) -> Result<Self, EmailError> {
        let folded = fold_lower(typed);
        // Some email programs write the root domain's dot.
        let key = folded.strip_suffix('.').unwrap_or(&folded);
        if key.is_empty() {
            return Err(EmailError::Empty);
        }
        if key.chars().count() > MAX_EMAIL_CHARS {
            return Err(EmailError::TooLong);
        }
        let unfit = |c: char| c.is_whitespace() || is_invisible(c) || "<>(),;:\"[]\\".contains(c);
        let is_address = key.split_once('@').is_some_and(|(name, domain)| {
            !name.is_empty()
                && !domain.contains('@')
                && domain.contains('.')
                && domain.split('.').all(|label| !label.is_empty())
        });
        if !is_address || key.chars().any(unfit) {
            return Err(EmailError::NotAnAddress);
        }
        Ok(Self(mailbox(key)))
    }

    /// The prefixes of the keys that match a search for `typed`, which may be an incomplete email
    /// address.
    pub fn beginnings(typed: &str) -> [String; 3] {
        beginnings(&fold_lower(typed))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn fold_lower(text: &str) -> String {
    fold_until_stable(text, |text| text.nfkc().collect::<String>().to_lowercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_compared_without_regard_to_case() {
        assert_eq!(EmailKey::parse(" Jane@Example.COM ").unwrap().as_str(), "jane@example.com");
        for not_one in [
            "jane",
            "jane@",
            "@example.com",
            "a@b@c.de",
            "jane doe@example.com",
            "a@b",
            "a@.de",
            "a@b..de",
            "<a@b.de>",
            "a@b.de, c@d.ef",
        ] {
            assert_eq!(EmailKey::parse(not_one), Err(EmailError::NotAnAddress), "{not_one}");
        }
        assert_eq!(EmailKey::parse("  "), Err(EmailError::Empty));
        let long = format!("{}@example.com", "a".repeat(250));
        assert_eq!(EmailKey::parse(&long), Err(EmailError::TooLong));
    }

    #[test]
    fn a_tag_does_not_make_another_person() {
        let same = |a, b| EmailKey::parse(a).unwrap() == EmailKey::parse(b).unwrap();
        assert!(same("Jane+shop@example.com", "jane@Example.com"));
        assert!(same("J.ane+shop@GoogleMail.com.", "jane@gmail.com"));
        assert!(same("jane+a@example.com", "jane+b@example.com"));
        assert!(!same("jane@example.com", "jane@example.org"));
        assert!(!same("+a@example.com", "+b@example.com"));
    }

    proptest! {
        #[test]
        fn the_key_of_an_address_is_its_own_key(
            name in "[a-zA-Z.+]{1,8}", domain in "(gmail|googlemail|me|example)\\.com\\.?",
        ) {
            if let Ok(key) = EmailKey::parse(&format!("{name}@{domain}")) {
                prop_assert_eq!(EmailKey::parse(key.as_str()), Ok(key));
            }
        }
    }
}
