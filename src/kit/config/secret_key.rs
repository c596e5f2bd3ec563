//! The key that encrypts secrets in the database.

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

/// The second line of a new key's file. It's removed once Vouch knows that nothing is encrypted
/// with another key.
const UNUSED: &str = "unused";

/// The file of the key that will replace the current one.
const NEXT_KEY_FILE: &str = "secret.key.next";

const SETTING: &str = "VOUCH_SECRET_KEY";

/// The key from the setting, else the one in the data folder, else a new one that is stored there.
pub(super) fn load(
    typed: Option<&str>,
    data_dir: &Path,
) -> Result<SecretBox<[u8; 32]>, ConfigError> {
    match typed {
        Some(typed) => given_key(SETTING, typed),
        None => kept_in(&data_dir.join(SECRET_KEY_FILE), Some(UNUSED)),
    }
}

/// Parses a key that was given for `setting`. Fails if it isn't one.
pub(crate) fn given_key(
    setting: &'static str,
    typed: &str,
) -> Result<SecretBox<[u8; 32]>, ConfigError> {
    let words = "enter 32 bytes in hexadecimal (64 digits) or base64 (43 or 44 characters)";
    decode(typed).ok_or_else(|| bad(setting, words))
}

/// The key in a file. If the file doesn't exist, it's created with a new key and with `mark` as the
/// second line.
fn kept_in(path: &Path, mark: Option<&str>) -> Result<SecretBox<[u8; 32]>, ConfigError> {
    let failed = |what: &str, cause: &dyn std::fmt::Display| {
        bad(SETTING, format!("can't {what} {} ({cause})", path.display()))
    };
    if !path.exists() {
        make(path, mark).map_err(|cause| failed("create", &cause))?;
    }
    let mode = fs::metadata(path).map_err(|cause| failed("read", &cause))?.permissions().mode();
    if mode & 0o077 != 0 {
        let reason = format!("other users can read {0}. Run `chmod 600 {0}`", path.display());
        return Err(bad(SETTING, reason));
    }
    let content = fs::read_to_string(path).map_err(|cause| failed("read", &cause))?;
    key_of(&content).ok_or_else(|| failed("use", &"it doesn't contain a key of 32 bytes"))
}

/// Parses the content of a key's file.
fn key_of(content: &str) -> Option<SecretBox<[u8; 32]>> {
    decode(content.strip_suffix(&format!("\n{UNUSED}\n")).unwrap_or(content))
}

/// Whether the file in the data folder contains this key. If not, the key came from the setting.
pub(crate) fn is_kept(key: &SecretBox<[u8; 32]>, data_dir: &Path) -> bool {
    fs::read_to_string(data_dir.join(SECRET_KEY_FILE))
        .ok()
        .and_then(|content| key_of(&content))
        .is_some_and(|kept| kept.expose_secret() == key.expose_secret())
}

/// A key that Vouch created because the data folder had none. It's only used once Vouch knows that
/// nothing is encrypted with an older key.
pub(crate) struct UnusedKey {
    file: PathBuf,
    content: String,
}

impl UnusedKey {
    /// The unused key in the data folder, if it has one.
    pub(crate) fn find(data_dir: &Path) -> Option<Self> {
        let file = data_dir.join(SECRET_KEY_FILE);
        let content = fs::read_to_string(&file).ok()?;
        let key = content.strip_suffix(&format!("{UNUSED}\n"))?.to_owned();
        Some(Self { file, content: key })
    }

    /// Activates the key. Truncating the file only removes the mark, so the file
    /// contains the key even after a crash.
    pub(crate) fn take_into_use(&self) -> std::io::Result<()> {
        let file = OpenOptions::new().write(true).open(&self.file)?;
        file.set_len(self.content.len() as u64)?;
        file.sync_all()
    }

    /// Removes it, because the data folder needs another key.
    pub(crate) fn discard(self) {
        // If the file stays, it's still marked and rejected again.
        let _ = fs::remove_file(self.file);
    }
}

/// A key that will replace the one in the data folder.
pub(crate) struct NextKey {
    key: SecretBox<[u8; 32]>,
    data_dir: PathBuf,
    is_new: bool,
}

impl NextKey {
    /// Creates a new key in a separate file, or loads the one that an interrupted command left.
    ///
    /// Fails if the file can't be written or read.
    pub(crate) fn prepare(data_dir: &Path) -> Result<Self, ConfigError> {
        let is_new = !data_dir.join(NEXT_KEY_FILE).exists();
        let key = kept_in(&data_dir.join(NEXT_KEY_FILE), None)?;
        // Nothing may be encrypted with a key whose file could be lost in a power cut.
        let synced = File::open(data_dir).and_then(|folder| folder.sync_all());
        synced.map_err(|cause| bad(SETTING, format!("can't save a new key ({cause})")))?;
        Ok(Self { key, data_dir: data_dir.to_owned(), is_new })
    }

    /// Removes it after a failure, unless an interrupted command had left it.
    pub(crate) fn discard_new(self) {
        if self.is_new {
            let _ = fs::remove_file(self.data_dir.join(NEXT_KEY_FILE));
        }
    }

    /// The key that an interrupted command left.
    pub(crate) fn find(data_dir: &Path) -> Option<Self> {
        let content = fs::read_to_string(data_dir.join(NEXT_KEY_FILE)).ok()?;
        Some(Self { key: decode(&content)?, data_dir: data_dir.to_owned(), is_new: false })
    }

    pub(crate) fn key(&self) -> &SecretBox<[u8; 32]> {
        &self.key
    }

    /// Replaces the current key atomically.
    pub(crate) fn take_over(self) -> std::io::Result<()> {
        let Self { data_dir, .. } = self;
        fs::rename(data_dir.join(NEXT_KEY_FILE), data_dir.join(SECRET_KEY_FILE))?;
        File::open(&data_dir)?.sync_all()
    }
}

/// Writes a new key. If two processes start at once, the first one's key is used.
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
    // A hard link never replaces a file; a rename would.
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
