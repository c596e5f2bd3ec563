use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngExt;
use sha2::{Digest, Sha256};

/// What stands in a link that lets in whoever has it. Only its hash is kept.
pub struct LinkToken {
    /// 256 bits, as they stand in the address.
    pub text: String,
    /// What is kept of them.
    pub hash: Vec<u8>,
}

impl LinkToken {
    /// A new one.
    #[must_use]
    pub fn new() -> Self {
        let secret: [u8; 32] = rand::rng().random();
        Self::of(&URL_SAFE_NO_PAD.encode(secret))
    }

    /// The one that was sent.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self { text: text.to_owned(), hash: Sha256::digest(text).to_vec() }
    }
}

impl Default for LinkToken {
    fn default() -> Self {
        Self::new()
    }
}
