use secrecy::{ExposeSecret, SecretBox};
use subtle::ConstantTimeEq;

use crate::features::merchants;
use crate::kit::config::Config;
use crate::kit::db::{Db, Scope};
use crate::kit::error::AppResult;
use crate::kit::secrets;

/// The token is derived from the instance's secret key, so that all its processes agree on it.
const LABEL: &[u8] = b"vouch: first run, version 1";
/// 160 bits.
const TOKEN_BYTES: usize = 20;

/// The token of the first run.
#[derive(Clone)]
pub struct FirstRun(String);

impl FirstRun {
    /// Derives the token from `Config::secret_key`.
    pub fn new(secret_key: &SecretBox<[u8; 32]>) -> Self {
        Self(hex::encode(&secrets::derive(secret_key, LABEL).expose_secret()[..TOKEN_BYTES]))
    }

    /// Compares the token in constant time.
    pub(crate) fn fits(&self, token: &str) -> bool {
        self.0.as_bytes().ct_eq(token.as_bytes()).into()
    }

    pub fn path(&self) -> String {
        format!("/first-run/{}", self.0)
    }
}

/// The link for the terminal; `None` once the instance has a merchant. It blocks.
pub(crate) fn link(config: &Config, db: &Db) -> AppResult<Option<String>> {
    let served = db.run_blocking(Scope::Support, merchants::any_exists)?;
    let path = FirstRun::new(&config.secret_key).path();
    Ok((!served).then(|| format!("{}{path}", config.public_url)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_follows_from_the_key() {
        let of = |byte| FirstRun::new(&SecretBox::new(Box::new([byte; 32])));
        assert_eq!(of(1).path(), of(1).path());
        assert_ne!(of(1).path(), of(2).path());
        assert!(of(1).fits(of(1).path().trim_start_matches("/first-run/")));
        for wrong in ["", "0", of(2).path().trim_start_matches("/first-run/")] {
            assert!(!of(1).fits(wrong));
        }
    }
}
