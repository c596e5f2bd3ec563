//! Finds or creates the data folder.

use std::path::{Path, PathBuf};

use super::error::{ConfigError, bad};
use crate::kit::os;

/// The name of the key's file in the data folder.
pub(crate) const SECRET_KEY_FILE: &str = "secret.key";

/// The data folder, created if it's missing.
///
/// The default doesn't depend on the current folder, because an instance started from elsewhere
/// would appear to have lost its data. For root, it isn't in root's home folder, because the
/// database server runs as another user who couldn't enter it.
pub(super) fn data_dir(typed: Option<String>) -> Result<PathBuf, ConfigError> {
    let folder = match typed {
        Some(typed) => PathBuf::from(typed),
        None => default_data_dir().ok_or_else(|| {
            bad("VOUCH_DATA", "enter a folder, because this user has no home folder")
        })?,
    };
    let folder = std::path::absolute(&folder)
        .map_err(|cause| bad("VOUCH_DATA", format!("can't use {} ({cause})", folder.display())))?;
    make_data_dir(&folder).map_err(|cause| {
        bad("VOUCH_DATA", format!("can't create {} ({cause})", folder.display()))
    })?;
    Ok(folder)
}

fn default_data_dir() -> Option<PathBuf> {
    if os::effective_uid() == 0 {
        return Some(PathBuf::from("/var/lib/vouch"));
    }
    #[expect(clippy::disallowed_methods, reason = "this is where settings are read")]
    let xdg = std::env::var_os("XDG_DATA_HOME");
    xdg.map(PathBuf::from)
        .filter(|folder| folder.is_absolute())
        .or_else(|| std::env::home_dir().map(|home| home.join(".local/share")))
        .map(|folder| folder.join("vouch"))
}

fn make_data_dir(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        std::fs::create_dir_all(parent)?;
    }
    // As root, the database server runs as another user, who has to enter the folder.
    let mode = if os::effective_uid() == 0 { 0o711 } else { 0o700 };
    match std::fs::DirBuilder::new().mode(mode).create(folder) {
        // Another process created it first.
        Err(error) if folder.is_dir() && error.kind() == std::io::ErrorKind::AlreadyExists => {
            Ok(())
        }
        outcome => outcome,
    }
}
