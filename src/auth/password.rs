//! Passwords: argon2id with OWASP's parameters, on a bounded number of blocking threads.

mod rehash;
mod rules;

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

pub use self::rehash::{is_outdated, replace as replace_hash};
pub use self::rules::{PasswordRefusal, judge};
use crate::error::{AppError, AppResult};

/// Longer ones are refused: hashing is work, and nobody types more.
pub const MOST_BYTES: usize = 1024;

/// OWASP Password Storage Cheat Sheet: argon2id, m = 19 MiB, t = 2, p = 1.
fn parameters() -> Params {
    Params::new(19_456, 2, 1, None).expect("the parameters are within range")
}

fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters())
}

/// The PHC string of a password. Takes some 20 ms and 19 MiB: not on an async thread.
///
/// # Errors
/// When the operating system gives no randomness.
pub fn hash(password: &str) -> anyhow::Result<String> {
    let hashed = argon2().hash_password(password.as_bytes());
    Ok(hashed.map_err(|error| anyhow::anyhow!("argon2: {error}"))?.to_string())
}

/// Whether `password` fits `phc`, on the caller's thread: for the command line.
pub fn verify(password: &str, phc: &str) -> bool {
    PasswordHash::new(phc)
        .is_ok_and(|parsed| argon2().verify_password(password.as_bytes(), &parsed).is_ok())
}

/// Hashes and checks passwords: at most as many at once as there are cores.
#[derive(Clone)]
pub struct Hashing {
    places: Arc<Semaphore>,
    /// A hash that no password fits, so that an unknown address takes as long as a known one.
    nobody: Arc<str>,
}

impl Hashing {
    /// Prepares the bound and the hash of nobody.
    ///
    /// # Errors
    /// As [`hash`].
    pub fn new() -> anyhow::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Ok(Self { places: Arc::new(Semaphore::new(cores)), nobody: hash("nobody")?.into() })
    }

    /// Whether `password` fits `phc`. Without a hash the work is the same and the answer no.
    ///
    /// # Errors
    /// `Unavailable` while the server shuts down.
    pub async fn verify(&self, password: String, phc: Option<String>) -> AppResult<bool> {
        let known = phc.is_some();
        let phc = phc.unwrap_or_else(|| self.nobody.to_string());
        let fits = self.work(move || verify(&password, &phc)).await?;
        Ok(known && fits)
    }

    /// The PHC string of a new password.
    ///
    /// # Errors
    /// As [`hash`].
    pub async fn hash(&self, password: String) -> AppResult<String> {
        self.work(move || hash(&password)).await?.map_err(AppError::Internal)
    }

    async fn work<T: Send + 'static>(
        &self,
        f: impl FnOnce() -> T + Send + 'static,
    ) -> AppResult<T> {
        let _place = self.places.acquire().await.map_err(|_| AppError::Unavailable)?;
        actix_web::web::block(f).await.map_err(|_| AppError::Unavailable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_fits_its_password_only() {
        let phc = hash("correct horse").unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(verify("correct horse", &phc));
        assert!(!verify("correct horsf", &phc));
        assert!(!verify("correct horse", "not a hash"));
    }
}
