//! Passwords: argon2id with OWASP's parameters, on a bounded number of blocking threads.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use crate::error::{AppError, AppResult};

/// Longer ones are refused: hashing is work, and nobody types more.
pub const MOST_BYTES: usize = 1024;
/// NIST SP 800-63B-4 asks for at least eight characters, and for no composition rules.
const LEAST_CHARACTERS: usize = 8;

/// OWASP Password Storage Cheat Sheet: argon2id, m = 19 MiB, t = 2, p = 1.
fn argon2() -> Argon2<'static> {
    let params = Params::new(19_456, 2, 1, None).expect("the parameters are within range");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
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

/// Why a new password is refused, in words that say how to mend it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRefusal {
    /// Too short to resist anything.
    #[error("Use at least 8 characters; a few words in a row are easy to keep in mind.")]
    Short,
    /// Beyond what is hashed.
    #[error("Use at most 1,024 bytes.")]
    Long,
    /// Common, or made of what is known about the person.
    #[error("This password is easy to guess. {0}")]
    Guessable(String),
}

/// Judges a new password: length, and how soon it would be guessed (zxcvbn), given what an
/// attacker knows about the person.
///
/// # Errors
/// The reason, when it is refused.
pub fn judge(password: &str, about_the_person: &[impl AsRef<str>]) -> Result<(), PasswordRefusal> {
    if password.chars().count() < LEAST_CHARACTERS {
        return Err(PasswordRefusal::Short);
    }
    if password.len() > MOST_BYTES {
        return Err(PasswordRefusal::Long);
    }
    // zxcvbn is quadratic in the length; past a hundred characters there is nothing to find out.
    let head: String = password.chars().take(100).collect();
    let mut context = vec!["vouch"];
    let about = about_the_person.iter().map(AsRef::as_ref);
    context.extend(about.flat_map(|text| text.split(['@', '.', ' '])));
    let estimate = zxcvbn::zxcvbn(&head, &context);
    if estimate.score() >= zxcvbn::Score::Three {
        return Ok(());
    }
    let advice = estimate
        .feedback()
        .and_then(|feedback| feedback.suggestions().first().map(ToString::to_string))
        .unwrap_or_else(|| "Add another word or two. Uncommon words are better.".to_owned());
    Err(PasswordRefusal::Guessable(advice))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: &[&str] = &[];

    #[test]
    fn a_hash_fits_its_password_only() {
        let phc = hash("correct horse").unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(verify("correct horse", &phc));
        assert!(!verify("correct horsf", &phc));
        assert!(!verify("correct horse", "not a hash"));
    }

    #[test]
    fn common_and_personal_passwords_are_refused() {
        assert_eq!(judge("short", NOBODY), Err(PasswordRefusal::Short));
        assert_eq!(judge(&"x".repeat(1025), NOBODY), Err(PasswordRefusal::Long));
        assert!(matches!(judge("password123", NOBODY), Err(PasswordRefusal::Guessable(_))));
        assert!(matches!(
            judge("ingeborg1", &["ingeborg@example.com"]),
            Err(PasswordRefusal::Guessable(_))
        ));
        assert_eq!(judge("violet harbour 9 anvil", NOBODY), Ok(()));
    }
}
