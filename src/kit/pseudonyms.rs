//! Pseudonyms of erased users: email addresses that reveal nothing. All spellings of one mailbox
//! have the same pseudonym. So own purchases and Customer Email triggers work as before the
//! erasure.
//!
//! A pseudonym is a keyed hash. Every merchant has its own key, which is encrypted with the
//! instance's key. So the database alone doesn't reveal the user.

use diesel::prelude::*;
use hmac::{Hmac, KeyInit, Mac};
use rand::Rng;
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;
use vouch_core::email::EmailKey;

use crate::kit::db::schema::merchants;
use crate::kit::secrets::{DecryptError, Encryptor, Use};

/// The domain of pseudonyms. No email is ever delivered there (RFC 2606).
const DOMAIN: &str = "@erased.invalid";
/// Only this much of the hash is stored: 128 bits.
const HASH_BYTES: usize = 16;

/// Whether `email` is the pseudonym of an erased user.
pub(crate) fn is_pseudonym(email: &str) -> bool {
    email.trim().ends_with(DOMAIN)
}

/// The email that replaces an erased user's.
pub(crate) fn of_user(user_id: i64) -> String {
    format!("erased-user-{user_id}{DOMAIN}")
}

/// Decrypts and creates the keys of merchants.
#[derive(Clone, Debug)]
pub struct Pseudonyms(Encryptor);

impl Pseudonyms {
    pub fn new(encryptor: &Encryptor) -> Self {
        Self(encryptor.clone())
    }

    /// The pseudonyms of a merchant whose `merchants.erasure_key` is `encrypted`.
    ///
    /// Fails with [`DecryptError`] if it was encrypted with another instance's key.
    pub(crate) fn open(
        &self,
        merchant_id: i64,
        encrypted: &[u8],
    ) -> Result<MerchantPseudonyms, DecryptError> {
        self.0.open(key_use(merchant_id), encrypted).map(MerchantPseudonyms)
    }

    /// The pseudonyms of a merchant. The key is created at the first use.
    ///
    /// Fails with `DeserializationError` if this instance's key doesn't decrypt it.
    pub(crate) fn of_merchant(
        &self,
        conn: &mut PgConnection,
        merchant_id: i64,
    ) -> QueryResult<MerchantPseudonyms> {
        let mut key = [0; 32];
        rand::rng().fill_bytes(&mut key);
        let encrypted = self.0.encrypt(key_use(merchant_id), &key);
        diesel::update(merchants::table.find(merchant_id))
            .filter(merchants::erasure_key.is_null())
            .set(merchants::erasure_key.eq(encrypted))
            .execute(conn)?;
        let encrypted: Option<Vec<u8>> =
            merchants::table.find(merchant_id).select(merchants::erasure_key).first(conn)?;
        self.open(merchant_id, &encrypted.unwrap_or_default())
            .map_err(|error| diesel::result::Error::DeserializationError(Box::new(error)))
    }
}

/// Re-encrypts every merchant's key from `old` to `new`, within `Scope::Instance`. A key that
/// neither decrypts stays unchanged.
pub(crate) fn reencrypt(
    conn: &mut PgConnection,
    old: &Encryptor,
    new: &Encryptor,
) -> QueryResult<()> {
    let keys: Vec<(i64, Option<Vec<u8>>)> = merchants::table
        .filter(merchants::erasure_key.is_not_null())
        .order(merchants::id)
        .for_no_key_update()
        .select((merchants::id, merchants::erasure_key))
        .load(conn)?;
    for (merchant_id, encrypted) in keys {
        let bound_to = key_use(merchant_id);
        let Ok(key) = old.open(bound_to, &encrypted.unwrap_or_default()) else { continue };
        diesel::update(merchants::table.find(merchant_id))
            .set(merchants::erasure_key.eq(new.encrypt(bound_to, key.expose_secret())))
            .execute(conn)?;
    }
    Ok(())
}

/// The number of merchants with a key, and the number of keys that can't be decrypted. Runs within
/// `Scope::Instance`.
pub(crate) fn check(conn: &mut PgConnection, encryptor: &Encryptor) -> QueryResult<(usize, usize)> {
    let keys: Vec<(i64, Option<Vec<u8>>)> = merchants::table
        .filter(merchants::erasure_key.is_not_null())
        .select((merchants::id, merchants::erasure_key))
        .load(conn)?;
    let is_unreadable = |key: &&(i64, Option<Vec<u8>>)| {
        encryptor.open(key_use(key.0), key.1.as_deref().unwrap_or_default()).is_err()
    };
    Ok((keys.len(), keys.iter().filter(is_unreadable).count()))
}

fn key_use(merchant_id: i64) -> Use {
    Use { merchant_id, store_id: 0, purpose: "erasure" }
}

/// Computes the pseudonyms of one merchant.
pub(crate) struct MerchantPseudonyms(SecretSlice<u8>);

impl MerchantPseudonyms {
    /// The key of the mailbox in `erased_emails`.
    pub(crate) fn hash(&self, mailbox: &EmailKey) -> Vec<u8> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret())
            .expect("HMAC takes keys of any length");
        mac.update(mailbox.as_str().as_bytes());
        mac.finalize().into_bytes()[..HASH_BYTES].to_vec()
    }

    /// The pseudonym of a mailbox. A pseudonym's own pseudonym is itself.
    pub(crate) fn email(&self, mailbox: &EmailKey) -> String {
        if is_pseudonym(mailbox.as_str()) {
            return mailbox.as_str().to_owned();
        }
        format!("erased-{}{DOMAIN}", hex::encode(self.hash(mailbox)))
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretBox;

    use super::*;

    fn pseudonyms(key: &[u8]) -> MerchantPseudonyms {
        MerchantPseudonyms(SecretSlice::from(key.to_vec()))
    }

    #[test]
    fn every_spelling_of_a_mailbox_has_one_pseudonym_which_is_an_address() {
        let made = |typed: &str| pseudonyms(b"key").email(&EmailKey::parse(typed).unwrap());
        let one = made("Jane.Doe+tea@googlemail.com");
        assert_eq!(one, made("janedoe@gmail.com"));
        assert_ne!(one, made("janedoe@example.com"));
        assert_eq!(EmailKey::parse(&one).unwrap().as_str(), one, "compared as it is");
        assert_eq!(made(&one), one, "erased twice");
        assert!(is_pseudonym(&one) && !one.contains("jane"));
    }

    #[test]
    fn another_key_makes_another_pseudonym() {
        let jane = EmailKey::parse("jane@example.com").unwrap();
        assert_ne!(pseudonyms(b"one").email(&jane), pseudonyms(b"two").email(&jane));
    }

    #[test]
    fn a_key_opens_for_its_merchant_only() {
        let encryptor = |byte| Encryptor::new(&SecretBox::new(Box::new([byte; 32])));
        let encrypted = encryptor(1).encrypt(key_use(7), b"key");
        assert!(Pseudonyms::new(&encryptor(1)).open(7, &encrypted).is_ok());
        assert!(Pseudonyms::new(&encryptor(1)).open(8, &encrypted).is_err());
        assert!(Pseudonyms::new(&encryptor(2)).open(7, &encrypted).is_err());
    }
}
