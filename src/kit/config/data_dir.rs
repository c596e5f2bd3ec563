//! The data folder.

use std::path::{Path, PathBuf};

use super::error::{ConfigError, bad};
use crate::kit::os;

/// The file of the key in the data folder.
pub const SECRET_KEY_FILE: &str = "secret.key";

/// The data folder, made if it is missing.
///
/// The default does not depend on the current folder: started from elsewhere, an installation
/// would otherwise seem to have lost its data. Root's is not in root's home folder, which the
/// database server, running as another user, could not enter.
pub(super) fn data_dir(typed: Option<String>) -> Result<PathBuf, ConfigError> {
    let folder = match typed {
        Some(typed) => PathBuf::from(typed),
        None => default_data_dir()
            .ok_or_else(|| bad("VOUCH_DATA", "must be given: this user has no home folder"))?,
    };
    let folder = std::path::absolute(&folder)
        .map_err(|cause| bad("VOUCH_DATA", format!("{}: {cause}", folder.display())))?;
    make_data_dir(&folder)
        .map_err(|cause| bad("VOUCH_DATA", format!("cannot make {}: {cause}", folder.display())))?;
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
    // As root, the database server runs as another user, who has to pass through.
    let mode = if os::effective_uid() == 0 { 0o711 } else { 0o700 };
    match std::fs::DirBuilder::new().mode(mode).create(folder) {
        // Another process was quicker.
        Err(error) if folder.is_dir() && error.kind() == std::io::ErrorKind::AlreadyExists => {
            Ok(())
        }
        outcome => outcome,
    }
}
