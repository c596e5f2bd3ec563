use super::patterns::NamePatterns;
use crate::features::privacy::person::Person;
use crate::kit::audit::Actor;
use crate::kit::pseudonyms::MerchantPseudonyms;
use vouch_core::email::EmailKey;

/// What an erasure works with.
pub(super) struct Erasure<'a> {
    pub(super) actor: &'a Actor,
    pub(super) person: &'a Person,
    pub(super) pseudonyms: MerchantPseudonyms,
    pub(super) words: Option<NamePatterns>,
}

impl Erasure<'_> {
    pub(super) fn merchant_id(&self) -> i64 {
        self.actor.merchant_id
    }

    /// The pseudonym in place of `email`, where that's one of the person's.
    pub(super) fn replaced(&self, email: &str) -> Option<String> {
        let key = EmailKey::parse(email).ok()?;
        let is_theirs = self.person.mailboxes.contains(key.as_str());
        is_theirs.then(|| self.pseudonyms.email(&key))
    }

    /// The pseudonym of whatever address that is: it belongs to a row of theirs.
    pub(super) fn pseudonym(&self, email: &str, row_id: i64) -> String {
        match EmailKey::parse(email) {
            Ok(key) => self.pseudonyms.email(&key),
            Err(_) => crate::kit::pseudonyms::of_user(row_id),
        }
    }
}
