//! Changes the owner of the data folder when Vouch starts as root and continues as another user.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, lchown};
use std::path::Path;

use crate::kit::os;

/// The prefixes of the names that Vouch creates in its data folder.
const OWN_NAMES: [&str; 4] =
    ["postgres", "socket", super::data_dir::SECRET_KEY_FILE, "demo-password"];

/// Transfers files that root owns to a user: Vouch's files at the top level, and the folder itself
/// if it contains nothing else. A folder with other files stays root's.
pub(crate) fn hand_over(data_dir: &Path, uid: u32, gid: u32) -> io::Result<()> {
    let mut is_shared = false;
    for entry in fs::read_dir(data_dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !OWN_NAMES.iter().any(|own| name.starts_with(own)) {
            is_shared = true;
            continue;
        }
        // This doesn't follow symbolic links, and skips files with several hard links. Otherwise a
        // user with write access to the folder could make Vouch transfer other files of root.
        let found = entry.metadata()?;
        if found.is_file() && found.nlink() == 1 {
            give(&entry.path(), &found, uid, gid)?;
        }
    }
    if is_shared {
        return Ok(());
    }
    give(data_dir, &fs::symlink_metadata(data_dir)?, uid, gid)
}

/// Transfers a new file to the owner of the data folder, because root creates some files for a
/// server that runs as another user.
pub(crate) fn give_to_owner(file: &Path) -> io::Result<()> {
    let Some(folder) = file.parent().filter(|_| os::effective_uid() == 0) else { return Ok(()) };
    let owner = fs::metadata(folder)?;
    lchown(file, Some(owner.uid()), Some(owner.gid()))
}

fn give(path: &Path, found: &Metadata, uid: u32, gid: u32) -> io::Result<()> {
    if found.uid() == 0 { lchown(path, Some(uid), Some(gid)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn owner(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().uid()
    }

    fn folder(name: &str, files: &[&str]) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("vouch-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        for file in files {
            fs::write(folder.join(file), "").unwrap();
        }
        folder
    }

    #[test]
    fn own_files_change_hands_and_no_others() {
        if os::effective_uid() != 0 {
            return;
        }
        let ours = folder("ours", &["secret.key", "postgres.lock"]);
        let shared = folder("shared", &["secret.key", "others"]);
        std::os::unix::fs::symlink(shared.join("others"), shared.join("postgres.log")).unwrap();
        for data_dir in [&ours, &shared] {
            hand_over(data_dir, 65534, 65534).unwrap();
            assert_eq!(owner(&data_dir.join("secret.key")), 65534);
        }
        assert_eq!(owner(&ours), 65534);
        assert_eq!(owner(&ours.join("postgres.lock")), 65534);
        assert_eq!(owner(&shared), 0);
        assert_eq!(owner(&shared.join("others")), 0);
        for data_dir in [ours, shared] {
            fs::remove_dir_all(data_dir).unwrap();
        }
    }
}
