//! Encrypts secrets in the database with the instance's key.

use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use rand::Rng;
use secrecy::{ExposeSecret, SecretBox, SecretSlice};
use sha2::Sha256;

/// The layout of an encrypted secret: this byte, 24 bytes of nonce, the ciphertext with its tag.
const VERSION: u8 = 1;
const NONCE_BYTES: usize = 24;
/// The instance's key has several purposes, and a separate key is derived for each.
const ENCRYPTION: &[u8] = b"vouch: secrets at rest, version 1";

/// The purpose of a secret. It's bound to the ciphertext, so a secret that was moved to another row
/// can't be decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    pub merchant_id: i64,
    /// The store that it belongs to.
    pub store_id: i64,
    /// A fixed word for its purpose, such as `webhook`.
    pub purpose: &'static str,
}

impl Use {
    /// For secrets of the instance itself.
    pub(crate) const fn of_instance(purpose: &'static str) -> Self {
        Self::of_person(0, purpose)
    }

    /// For secrets of a user, without merchant or store.
    pub const fn of_person(user_id: i64, purpose: &'static str) -> Self {
        Self { merchant_id: 0, store_id: user_id, purpose }
    }

    /// The ids have a fixed length and come first, so that two uses never have the same bytes.
    fn associated_data(self) -> Vec<u8> {
        let mut data = vec![VERSION];
        data.extend(self.merchant_id.to_be_bytes());
        data.extend(self.store_id.to_be_bytes());
        data.extend(self.purpose.as_bytes());
        data
    }
}

/// A secret can't be decrypted: it was encrypted with another instance's key or for another use, or
/// its bytes were changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret key doesn't decrypt this secret")]
pub struct DecryptError;

/// Encrypts and decrypts secrets with XChaCha20-Poly1305. The random nonce has 24 bytes, so it
/// practically never repeats.
#[derive(Clone)]
pub struct Encryptor(XChaCha20Poly1305);

impl fmt::Debug for Encryptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Encryptor(..)")
    }
}

impl Encryptor {
    /// Uses a key derived from `Config::secret_key`.
    pub fn new(secret_key: &SecretBox<[u8; 32]>) -> Self {
        let key = derive(secret_key, ENCRYPTION);
        Self(XChaCha20Poly1305::new(key.expose_secret().into()))
    }

    /// Encrypts `secret` for one use.
    pub fn encrypt(&self, bound_to: Use, secret: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_BYTES];
        rand::rng().fill_bytes(&mut nonce);
        let aad = bound_to.associated_data();
        let ciphertext = self
            .0
            .encrypt(&XNonce::from(nonce), Payload { msg: secret, aad: &aad })
            .expect("a secret is far below the cipher's limit of 256 GiB");
        [&[VERSION], nonce.as_slice(), &ciphertext].concat()
    }

    /// Decrypts a secret that was encrypted for the same use.
    ///
    /// The [`DecryptError`] doesn't say which of its reasons applies.
    pub(crate) fn open(
        &self,
        bound_to: Use,
        encrypted: &[u8],
    ) -> Result<SecretSlice<u8>, DecryptError> {
        let (version, rest) = encrypted.split_first().ok_or(DecryptError)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(DecryptError)?;
        if *version != VERSION {
            return Err(DecryptError);
        }
        let aad = bound_to.associated_data();
        self.0
            .decrypt(&XNonce::from(*nonce), Payload { msg: ciphertext, aad: &aad })
            .map(SecretSlice::from)
            .map_err(|_| DecryptError)
    }
}

/// Derives a key for one purpose from the instance's key: HMAC-SHA-256 of a fixed label.
pub(crate) fn derive(secret_key: &SecretBox<[u8; 32]>, label: &[u8]) -> SecretBox<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret_key.expose_secret())
        .expect("HMAC takes keys of any length");
    mac.update(label);
    SecretBox::new(Box::new(mac.finalize().into_bytes().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Use = Use { merchant_id: 7, store_id: 9, purpose: "webhook" };

    fn encryptor(byte: u8) -> Encryptor {
        Encryptor::new(&SecretBox::new(Box::new([byte; 32])))
    }

    #[test]
    fn what_was_encrypted_opens_and_never_looks_the_same_twice() {
        let (one, two) =
            (encryptor(1).encrypt(HERE, b"shpss_1"), encryptor(1).encrypt(HERE, b"shpss_1"));
        assert_ne!(one, two);
        for encrypted in [one, two] {
            assert!(!encrypted.windows(7).any(|part| part == b"shpss_1"));
            assert_eq!(encryptor(1).open(HERE, &encrypted).unwrap().expose_secret(), b"shpss_1");
        }
    }

    #[test]
    fn it_does_not_open_elsewhere() {
        let encrypted = encryptor(1).encrypt(HERE, b"secret");
        let elsewhere = [
            Use { merchant_id: 8, ..HERE },
            Use { store_id: 7, ..HERE },
            Use { merchant_id: 9, store_id: 7, ..HERE },
            Use { purpose: "token", ..HERE },
        ];
        for other in elsewhere {
            assert!(encryptor(1).open(other, &encrypted).is_err(), "{other:?}");
        }
        assert!(encryptor(2).open(HERE, &encrypted).is_err());
    }

    #[test]
    fn a_change_of_any_byte_is_noticed_and_rubbish_fails_cleanly() {
        let encrypted = encryptor(1).encrypt(HERE, b"secret");
        for at in 0..encrypted.len() {
            let mut changed = encrypted.clone();
            changed[at] ^= 1;
            assert!(encryptor(1).open(HERE, &changed).is_err(), "byte {at}");
            assert!(encryptor(1).open(HERE, &encrypted[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn nothing_of_the_key_is_printed() {
        assert_eq!(format!("{:?}", encryptor(7)), "Encryptor(..)");
    }
}
