//! The key that encrypts what is secret in the database.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use rand::Rng;
use secrecy::{ExposeSecret, SecretBox};

use super::data_dir::SECRET_KEY_FILE;
use super::error::{ConfigError, bad};
use super::hand_over::give_to_owner;

/// The second line of the file of a new key, until it's known that nothing is encrypted with another.
const UNUSED: &str = "unused";

/// The file of a key that is to take its place.
const NEXT_KEY_FILE: &str = "secret.key.next";

const SETTING: &str = "VOUCH_SECRET_KEY";

/// The key that was given, else the one in the data folder, else a new one, kept there.
pub(super) fn load(
    typed: Option<&str>,
    data_dir: &Path,
) -> Result<SecretBox<[u8; 32]>, ConfigError> {
    match typed {
        Some(typed) => given_key(SETTING, typed),
        None => kept_in(&data_dir.join(SECRET_KEY_FILE), Some(UNUSED)),
    }
}

/// A key as it was given for `setting`.
///
/// # Errors
/// When it is no key.
pub(crate) fn given_key(
    setting: &'static str,
    typed: &str,
) -> Result<SecretBox<[u8; 32]>, ConfigError> {
    let words = "is not 32 bytes in hexadecimal (64 digits) or base64 (43 or 44 characters)";
    decode(typed).ok_or_else(|| bad(setting, words))
}

/// The key in a file; a new one, with `mark` as the second line, is made where there is no file.
fn kept_in(path: &Path, mark: Option<&str>) -> Result<SecretBox<[u8; 32]>, ConfigError> {
    let failed = |what: &str, cause: &dyn std::fmt::Display| {
        bad(SETTING, format!("cannot {what} {}: {cause}", path.display()))
    };
    if !path.exists() {
        make(path, mark).map_err(|cause| failed("make", &cause))?;
    }
    let mode = fs::metadata(path).map_err(|cause| failed("read", &cause))?.permissions().mode();
    if mode & 0o077 != 0 {
        let reason = format!("others can read {0}: run `chmod 600 {0}`", path.display());
        return Err(bad(SETTING, reason));
    }
    let content = fs::read_to_string(path).map_err(|cause| failed("read", &cause))?;
    key_of(&content).ok_or_else(|| failed("use", &"it does not hold a key of 32 bytes"))
}

/// The key in the content of a file.
fn key_of(content: &str) -> Option<SecretBox<[u8; 32]>> {
    decode(content.strip_suffix(&format!("\n{UNUSED}\n")).unwrap_or(content))
}

/// Whether the file in the data folder holds this very key; else it was given.
pub(crate) fn is_kept(key: &SecretBox<[u8; 32]>, data_dir: &Path) -> bool {
    fs::read_to_string(data_dir.join(SECRET_KEY_FILE))
        .ok()
        .and_then(|content| key_of(&content))
        .is_some_and(|kept| kept.expose_secret() == key.expose_secret())
}

/// A key that Vouch made because there was none in the data folder. It's used once it's known that
/// nothing is encrypted with the one that may have been there.
pub(crate) struct UnusedKey {
    file: PathBuf,
    content: String,
}

impl UnusedKey {
    /// The one in the data folder, if it has one.
    pub fn find(data_dir: &Path) -> Option<Self> {
        let file = data_dir.join(SECRET_KEY_FILE);
        let content = fs::read_to_string(&file).ok()?;
        let key = content.strip_suffix(&format!("{UNUSED}\n"))?.to_owned();
        Some(Self { file, content: key })
    }

    /// From now on it's the key. Nothing but the mark behind it is cut off, so that the file holds it
    /// whatever happens.
    pub fn take_into_use(&self) -> std::io::Result<()> {
        let file = OpenOptions::new().write(true).open(&self.file)?;
        file.set_len(self.content.len() as u64)?;
        file.sync_all()
    }

    /// Removes it, since another belongs in its place.
    pub fn discard(self) {
        // Left behind it's still marked, and refused again.
        let _ = fs::remove_file(self.file);
    }
}

/// A key that is to take the place of the one in the data folder.
pub(crate) struct NextKey {
    key: SecretBox<[u8; 32]>,
    data_dir: PathBuf,
    is_new: bool,
}

impl NextKey {
    /// A new key in a file of its own beside the present one; the one that a command which was
    /// broken off has left there.
    ///
    /// # Errors
    /// When the file cannot be written or read.
    pub fn prepare(data_dir: &Path) -> Result<Self, ConfigError> {
        let is_new = !data_dir.join(NEXT_KEY_FILE).exists();
        let key = kept_in(&data_dir.join(NEXT_KEY_FILE), None)?;
        // Nothing may be sealed with a key whose file a power cut could take away again.
        let synced = File::open(data_dir).and_then(|folder| folder.sync_all());
        synced.map_err(|cause| bad(SETTING, format!("cannot keep a new key: {cause}")))?;
        Ok(Self { key, data_dir: data_dir.to_owned(), is_new })
    }

    /// Removes it after a refusal, unless an earlier command had left it there.
    pub fn discard_new(self) {
        if self.is_new {
            let _ = fs::remove_file(self.data_dir.join(NEXT_KEY_FILE));
        }
    }

    /// The one that a command which was broken off has left there.
    pub fn find(data_dir: &Path) -> Option<Self> {
        let content = fs::read_to_string(data_dir.join(NEXT_KEY_FILE)).ok()?;
        Some(Self { key: decode(&content)?, data_dir: data_dir.to_owned(), is_new: false })
    }

    /// The key.
    pub fn key(&self) -> &SecretBox<[u8; 32]> {
        &self.key
    }

    /// Puts it in the place of the present one, at one stroke.
    pub fn take_over(self) -> std::io::Result<()> {
        let Self { data_dir, .. } = self;
        fs::rename(data_dir.join(NEXT_KEY_FILE), data_dir.join(SECRET_KEY_FILE))?;
        File::open(&data_dir)?.sync_all()
    }
}

/// Writes a new key. Of two processes that start at once, the first one's key is kept.
fn make(path: &Path, mark: Option<&str>) -> std::io::Result<()> {
    let mut key = [0; 32];
    rand::rng().fill_bytes(&mut key);
    let draft = path.with_extension(format!("draft-{:016x}", rand::random::<u64>()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    writeln!(file, "{}", hex::encode(key))?;
    if let Some(mark) = mark {
        writeln!(file, "{mark}")?;
    }
    file.sync_all()?;
    give_to_owner(&draft)?;
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
