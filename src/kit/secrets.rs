//! Secrets at rest: sealed with the installation's key, opened only where they are used.

use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use rand::Rng;
use secrecy::{ExposeSecret, SecretBox, SecretSlice};
use sha2::Sha256;

/// How a sealed secret is laid out: this byte, 24 bytes of nonce, ciphertext with its tag.
const VERSION: u8 = 1;
const NONCE_BYTES: usize = 24;
/// The installation's key serves several ends; each gets a key of its own from it.
const ENCRYPTION: &[u8] = b"vouch: secrets at rest, version 1";

/// What a sealed secret is for. It is bound in: moved to another row, it does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// Whose it is.
    pub merchant_id: i64,
    /// The store it belongs to.
    pub store_id: i64,
    /// What it does there, as a fixed word: `webhook`.
    pub purpose: &'static str,
}

impl Use {
    /// What belongs to the installation itself.
    pub const fn of_instance(purpose: &'static str) -> Self {
        Self::of_person(0, purpose)
    }

    /// What belongs to a person, who is of no merchant and no store.
    pub const fn of_person(user_id: i64, purpose: &'static str) -> Self {
        Self { merchant_id: 0, store_id: user_id, purpose }
    }

    /// Numbers of fixed length first, so that no two uses write alike.
    fn associated_data(self) -> Vec<u8> {
        let mut data = vec![VERSION];
        data.extend(self.merchant_id.to_be_bytes());
        data.extend(self.store_id.to_be_bytes());
        data.extend(self.purpose.as_bytes());
        data
    }
}

/// A sealed secret does not open: it was sealed with another installation key or for another use,
/// or its bytes were changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret does not open with this installation's key")]
pub struct DecryptError;

/// Seals and opens secrets: XChaCha20-Poly1305 with a random nonce, whose 24 bytes are long enough
/// never to meet twice.
#[derive(Clone)]
pub struct Encryptor(XChaCha20Poly1305);

impl fmt::Debug for Encryptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(..)")
    }
}

impl Encryptor {
    /// The sealer of an installation, by its `Config::secret_key`.
    pub fn new(secret_key: &SecretBox<[u8; 32]>) -> Self {
        let key = derive(secret_key, ENCRYPTION);
        Self(XChaCha20Poly1305::new(key.expose_secret().into()))
    }

    /// Seals `secret` for one use.
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

    /// Opens what was sealed for the same use.
    ///
    /// # Errors
    /// [`DecryptError`], with no word on which of its reasons it was.
    pub fn open(&self, bound_to: Use, encrypted: &[u8]) -> Result<SecretSlice<u8>, DecryptError> {
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

/// A key for one end, from the installation's key: HMAC-SHA-256 over a fixed label.
pub fn derive(secret_key: &SecretBox<[u8; 32]>, label: &[u8]) -> SecretBox<[u8; 32]> {
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
    fn what_was_sealed_opens_and_never_looks_the_same_twice() {
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
        assert_eq!(format!("{:?}", encryptor(7)), "Sealer(..)");
    }
}
