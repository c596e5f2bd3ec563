use super::patterns::NamePatterns;
use crate::features::privacy::person::DataSubject;
use crate::kit::audit::Actor;
use crate::kit::pseudonyms::MerchantPseudonyms;
use vouch_core::email::EmailKey;

/// The parameters of an erasure.
pub(super) struct Erasure<'a> {
    pub(super) actor: &'a Actor,
    pub(super) person: &'a DataSubject,
    pub(super) pseudonyms: MerchantPseudonyms,
    pub(super) words: Option<NamePatterns>,
}

impl Erasure<'_> {
    pub(super) fn merchant_id(&self) -> i64 {
        self.actor.merchant_id
    }

    /// The pseudonym of `email`, if it's one of the person's emails.
    pub(super) fn replaced(&self, email: &str) -> Option<String> {
        let key = EmailKey::parse(email).ok()?;
        let is_theirs = self.person.mailboxes.contains(key.as_str());
        is_theirs.then(|| self.pseudonyms.email(&key))
    }

    /// The pseudonym of any email from one of their rows.
    pub(super) fn pseudonym(&self, email: &str, row_id: i64) -> String {
        match EmailKey::parse(email) {
            Ok(key) => self.pseudonyms.email(&key),
            Err(_) => crate::kit::pseudonyms::of_user(row_id),
        }
    }
}
