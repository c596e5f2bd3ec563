//! The emails an affiliate is known by: its own, and those in its payout details. An order counts
//! as its own purchase with any email that was known when the order was placed, even a former one.
//! See docs/crediting.md.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use vouch_core::email::EmailKey;

use crate::kit::dated::{self, DatedChange, dated};
use crate::kit::db::text_enum;

text_enum! {
    /// Where an affiliate's email comes from.
    pub(super) enum EmailKind {
        /// The email by which they're contacted.
        Own = "own", "Email";
        /// Found in their payout details.
        Payout = "payout", "Payout details";
    }
}

dated! {
    /// As typed.
    pub(super) struct KnownEmails
    in affiliate_emails(merchant_id: i64, affiliate_id: i64, kind: EmailKind)
    of affiliates(merchant_id, affiliate_id)
    {
        emails: Vec<Option<String>>,
    }
}

impl KnownEmails {
    fn own(email: &str) -> Self {
        Self { emails: vec![Some(email.trim().to_owned())] }
    }

    /// `None` if the payout details contain no email.
    fn of_payout(details: &str) -> Option<Self> {
        let emails: Vec<Option<String>> = emails_in(details).into_iter().map(Some).collect();
        (!emails.is_empty()).then_some(Self { emails })
    }
}

/// Sets the affiliate's first email, which applies to orders of any age.
pub(super) fn begin(
    conn: &mut PgConnection,
    (merchant_id, affiliate_id): (i64, i64),
    email: &str,
) -> QueryResult<()> {
    let key = (merchant_id, affiliate_id, EmailKind::Own);
    dated::begin(conn, key, KnownEmails::own(email), DateTime::UNIX_EPOCH)
}

/// Changes the affiliate's email from now on.
pub(super) fn change_own(
    conn: &mut PgConnection,
    (merchant_id, affiliate_id): (i64, i64),
    email: &str,
    now: DateTime<Utc>,
) -> QueryResult<Option<DatedChange<KnownEmails>>> {
    let key = (merchant_id, affiliate_id, EmailKind::Own);
    dated::change(conn, key, Some(KnownEmails::own(email)), now)
}

/// Changes the affiliate's payout details from now on.
pub(super) fn change_payout(
    conn: &mut PgConnection,
    (merchant_id, affiliate_id): (i64, i64),
    details: &str,
    now: DateTime<Utc>,
) -> QueryResult<Option<DatedChange<KnownEmails>>> {
    let key = (merchant_id, affiliate_id, EmailKind::Payout);
    dated::change(conn, key, KnownEmails::of_payout(details), now)
}

/// Finds email addresses in a text, at most five: `PayPal: jane@example.com`.
fn emails_in(text: &str) -> Vec<String> {
    const MAX_EMAILS: usize = 5;
    let is_separator = |c: char| c.is_whitespace() || "<>(),;:\"[]\\".contains(c);
    let mut found = Vec::new();
    for word in text.split(is_separator) {
        let word = word.trim_end_matches('.');
        if EmailKey::parse(word).is_ok() && !found.iter().any(|other| other == word) {
            found.push(word.to_owned());
        }
    }
    found.truncate(MAX_EMAILS);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_payout_details() {
        assert_eq!(emails_in("PayPal: jane@pay.example."), ["jane@pay.example"]);
        assert_eq!(
            emails_in("jane@pay.example\n(or <j+x@other.example>, jane@pay.example)"),
            ["jane@pay.example", "j+x@other.example"]
        );
        assert!(emails_in("Bank of Tea\nDE00 1234 @jane, a@b").is_empty());
    }
}
