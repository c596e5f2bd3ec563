//! Passwords: argon2id with OWASP's parameters.

mod rehash;
mod rules;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use subtle::ConstantTimeEq;

pub use self::rehash::is_outdated;
pub(crate) use self::rehash::replace as replace_hash;
pub(crate) use self::rules::judge;

/// Longer passwords are rejected, because hashing costs time and no one types more.
pub(crate) const MAX_BYTES: usize = 1024;

/// OWASP Password Storage Cheat Sheet: argon2id, m = 19 MiB, t = 2, p = 1.
fn parameters() -> Params {
    Params::new(19_456, 2, 1, None).expect("the parameters are within range")
}

fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters())
}

/// The PHC string of a password. It takes about 20 ms and 19 MiB, so don't call it on an async
/// thread.
pub fn hash(password: &str) -> anyhow::Result<String> {
    hash_with(&mut Vec::new(), password)
}

/// Whether `password` matches `phc`. It runs on the caller's thread, for the command line.
pub fn verify(password: &str, phc: &str) -> bool {
    verify_with(&mut Vec::new(), password, phc)
}

/// [`hash`] with reused memory.
pub(super) fn hash_with(memory: &mut Vec<Block>, password: &str) -> anyhow::Result<String> {
    let failed = |error: &dyn std::fmt::Display| anyhow::anyhow!("argon2: {error}");
    let argon2 = argon2();
    let salt = Salt::generate();
    let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
    fill(memory, &argon2, password, &salt, &mut output).map_err(|error| failed(&error))?;
    let hashed = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(argon2.params()).map_err(|error| failed(&error))?,
        salt: Some(salt),
        hash: Some(Output::new(&output).map_err(|error| failed(&error))?),
    };
    Ok(hashed.to_string())
}

/// [`verify`] with reused memory.
pub(super) fn verify_with(memory: &mut Vec<Block>, password: &str, phc: &str) -> bool {
    let Ok(parsed) = PasswordHash::new(phc) else { return false };
    let (Some(salt), Some(expected)) = (parsed.salt, parsed.hash) else { return false };
    let algorithm = Algorithm::try_from(parsed.algorithm.as_str());
    let version = parsed.version.map_or(Ok(Version::V0x10), Version::try_from);
    let (Ok(algorithm), Ok(version), Ok(params)) = (algorithm, version, Params::try_from(&parsed))
    else {
        return false;
    };
    let mut output = vec![0; expected.len()];
    let argon2 = Argon2::new(algorithm, version, params);
    fill(memory, &argon2, password, &salt, &mut output).is_ok()
        && output.ct_eq(expected.as_bytes()).into()
}

/// Grows `memory` to the size that the parameters need, and hashes in it.
fn fill(
    memory: &mut Vec<Block>,
    argon2: &Argon2<'_>,
    password: &str,
    salt: &[u8],
    output: &mut [u8],
) -> argon2::Result<()> {
    let blocks = argon2.params().block_count();
    if memory.len() < blocks {
        memory.resize(blocks, Block::new());
    }
    argon2.hash_password_into_with_memory(password.as_bytes(), salt, output, memory)
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
