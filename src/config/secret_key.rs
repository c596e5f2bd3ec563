//! The key that encrypts what is secret in the database.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use rand::Rng;
use secrecy::{ExposeSecret, SecretBox};

use super::{ConfigError, bad};

/// The file of the key in the data folder.
pub const SECRET_KEY_FILE: &str = "secret.key";

const SETTING: &str = "VOUCH_SECRET_KEY";

/// The key that was given, else the one in the data folder, else a new one, kept there.
pub(super) fn load(
    typed: Option<&str>,
    data_dir: &Path,
) -> Result<SecretBox<[u8; 32]>, ConfigError> {
    if let Some(typed) = typed {
        return decode(typed).ok_or_else(|| {
            bad(
                SETTING,
                "is not 32 bytes in hexadecimal (64 digits) or base64 (43 or 44 characters)",
            )
        });
    }
    let path = data_dir.join(SECRET_KEY_FILE);
    let failed = |what: &str, cause: &dyn std::fmt::Display| {
        bad(SETTING, format!("cannot {what} {}: {cause}", path.display()))
    };
    if !path.exists() {
        make(&path).map_err(|cause| failed("make", &cause))?;
    }
    let mode = fs::metadata(&path).map_err(|cause| failed("read", &cause))?.permissions().mode();
    if mode & 0o077 != 0 {
        let reason = format!("others can read {0}: run `chmod 600 {0}`", path.display());
        return Err(bad(SETTING, reason));
    }
    let content = fs::read_to_string(&path).map_err(|cause| failed("read", &cause))?;
    decode(&content).ok_or_else(|| failed("use", &"it does not hold a key of 32 bytes"))
}

/// Whether the file in the data folder holds this very key; else it was given.
pub(crate) fn is_kept(key: &SecretBox<[u8; 32]>, data_dir: &Path) -> bool {
    fs::read_to_string(data_dir.join(SECRET_KEY_FILE))
        .ok()
        .and_then(|content| decode(&content))
        .is_some_and(|kept| kept.expose_secret() == key.expose_secret())
}

/// Writes a new key. Of two processes that start at once, the first one's key is kept.
fn make(path: &Path) -> std::io::Result<()> {
    let mut key = [0; 32];
    rand::rng().fill_bytes(&mut key);
    let draft = path.with_extension(format!("draft-{}", std::process::id()));
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    writeln!(file, "{}", hex::encode(key))?;
    file.sync_all()?;
    // A link, unlike a rename, never replaces a file.
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        outcome => outcome,
    }
}

fn decode(text: &str) -> Option<SecretBox<[u8; 32]>> {
    let text = text.trim();
    let unpadded = text.trim_end_matches('=');
    let bytes = hex::decode(text)
        .or_else(|_| STANDARD_NO_PAD.decode(unpadded))
        .or_else(|_| URL_SAFE_NO_PAD.decode(unpadded))
        .ok()?;
    let key: [u8; 32] = bytes.try_into().ok()?;
    Some(SecretBox::new(Box::new(key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_hexadecimal_and_both_kinds_of_base64() {
        let key = [0xfb; 32];
        let texts = [
            hex::encode(key),
            hex::encode(key).to_uppercase(),
            STANDARD_NO_PAD.encode(key),
            format!("{}=\n", STANDARD_NO_PAD.encode(key)),
            URL_SAFE_NO_PAD.encode(key),
        ];
        for text in texts {
            assert_eq!(*decode(&text).unwrap().expose_secret(), key, "{text}");
        }
    }

    #[test]
    fn refuses_keys_of_another_length() {
        for text in ["", "00", &"00".repeat(31), &"00".repeat(33), "no key at all"] {
            assert!(decode(text).is_none(), "{text}");
        }
    }
}
