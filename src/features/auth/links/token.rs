use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngExt;
use sha2::{Digest, Sha256};

/// A token for a new link: 256 random bits after the merchant's ID. So the merchant is known before
/// any lookup.
pub(super) fn new_token(merchant_id: Option<i64>) -> String {
    let secret: [u8; 32] = rand::rng().random();
    let secret = URL_SAFE_NO_PAD.encode(secret);
    match merchant_id {
        Some(merchant_id) => format!("{merchant_id}-{secret}"),
        None => secret,
    }
}

/// The merchant ID in a token.
pub(crate) fn merchant_of(token: &str) -> Option<i64> {
    token.split_once('-')?.0.parse().ok()
}

/// The hash that's stored instead of the token.
pub(super) fn hash_of(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_merchant_and_is_never_the_same() {
        assert_eq!(merchant_of(&new_token(Some(42))), Some(42));
        assert_ne!(new_token(None), new_token(None));
        assert_eq!(merchant_of("x-y"), None);
    }
}
