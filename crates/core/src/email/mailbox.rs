//! Reduces an email address to its mailbox by documented rules of the provider, because two
//! spellings of one mailbox are one person.
//!
//! Only rules that a provider publishes are used. Without any, different addresses are different
//! people.

/// A provider's main domain, and other domains that deliver to the same mailboxes.
const ONE_PROVIDER: [(&str, &[&str]); 4] = [
    ("gmail.com", &["googlemail.com"]),
    ("icloud.com", &["me.com", "mac.com"]),
    ("proton.me", &["protonmail.com", "pm.me"]),
    ("yandex.ru", &["ya.ru", "yandex.by", "yandex.com", "yandex.kz"]),
];

/// The provider that ignores dots in names.
const WITHOUT_POINTS: &str = "gmail.com";

/// The mailbox of a valid, normalized email address.
pub(super) fn mailbox(address: &str) -> String {
    let (name, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    let domain = provider(&in_unicode(domain));
    let name = without_tag(name);
    if domain == WITHOUT_POINTS {
        return format!("{}@{domain}", without_points(name));
    }
    format!("{name}@{domain}")
}

/// The prefixes of mailboxes that match `typed`, which may be an incomplete email address.
pub(super) fn beginnings(typed: &str) -> [String; 3] {
    let (name, domain) = typed.split_once('@').unwrap_or((typed, ""));
    let name = without_tag(name);
    [mailbox(typed), format!("{name}@{domain}"), format!("{}@{domain}", without_points(name))]
}

/// Email programs and stores use either the Unicode or the Punycode form of international domains.
fn in_unicode(domain: &str) -> String {
    let is_encoded = domain.split('.').any(|label| label.starts_with("xn--"));
    match idna::domain_to_unicode(domain) {
        (readable, Ok(())) if is_encoded => readable,
        _ => domain.to_owned(),
    }
}

fn provider(domain: &str) -> String {
    let same = ONE_PROVIDER.iter().find(|(_, others)| others.contains(&domain));
    same.map_or(domain, |(provider, _)| provider).to_owned()
}

/// The part after a plus sign is a tag that the mailbox's owner adds.
fn without_tag(name: &str) -> &str {
    match name.split_once('+') {
        // Without this check, all names that consist only of a tag would be the same mailbox.
        Some((person, _)) if !person.is_empty() => person,
        _ => name,
    }
}

fn without_points(name: &str) -> String {
    let person = name.replace('.', "");
    if person.is_empty() { name.to_owned() } else { person }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_mailbox_is_one() {
        for (spelling, expected) in [
            ("jane@example.com", "jane@example.com"),
            ("jane+shop@example.com", "jane@example.com"),
            ("jane+a+b@example.com", "jane@example.com"),
            ("jane.doe@gmail.com", "janedoe@gmail.com"),
            ("j.a.n.e.doe+x.y@googlemail.com", "janedoe@gmail.com"),
            ("jane@me.com", "jane@icloud.com"),
            ("jane+x@mac.com", "jane@icloud.com"),
            ("jane@pm.me", "jane@proton.me"),
            ("jane@protonmail.com", "jane@proton.me"),
            ("jane@ya.ru", "jane@yandex.ru"),
            ("jane@xn--mller-kva.example", "jane@müller.example"),
            ("jane@müller.example", "jane@müller.example"),
        ] {
            assert_eq!(mailbox(spelling), expected, "{spelling}");
            assert_eq!(mailbox(expected), expected, "its own");
        }
    }

    #[test]
    fn strangers_stay_strangers() {
        for (one, other) in [
            // Only Gmail ignores dots.
            ("jane.doe@example.com", "janedoe@example.com"),
            ("jane.doe@icloud.com", "janedoe@icloud.com"),
            // One company, but separate mailboxes per domain.
            ("jane@outlook.com", "jane@hotmail.com"),
            ("jane@outlook.com", "jane@live.com"),
            ("jane@gmail.com", "jane@gmail.co"),
            ("jane@mail.gmail.com", "jane@gmail.com"),
            // Names that consist only of a tag or only of dots.
            ("+a@example.com", "+b@example.com"),
            ("..@gmail.com", "...@gmail.com"),
            ("jane-a@yahoo.com", "jane-b@yahoo.com"),
        ] {
            assert_ne!(mailbox(one), mailbox(other), "{one} and {other}");
        }
    }

    #[test]
    fn a_search_for_half_an_address_begins_as_its_mailbox_does() {
        let begins = |typed: &str, mailbox: &str| {
            beginnings(typed).iter().any(|beginning| mailbox.starts_with(beginning))
        };
        assert!(begins("jane.doe@gm", "janedoe@gmail.com"));
        assert!(begins("jane.doe@googlemail.com", "janedoe@gmail.com"));
        assert!(begins("jane.doe@ex", "jane.doe@example.com"));
        assert!(begins("jane+shop@ex", "jane@example.com"));
        assert!(begins("jane@", "jane@example.com"));
        assert!(!begins("jane@", "janet@example.com"));
    }
}
