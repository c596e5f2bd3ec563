//! The folder of the server's socket, and its URL.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::EmbeddedError;
use super::cluster::Cluster;

/// The port is only part of the socket's file name, because there's no network.
pub(super) const PORT: &str = "5432";
/// The longest socket path that every system supports (macOS: 104 bytes including the NUL).
const MAX_PATH_BYTES: usize = 103;

/// The private folder of the socket, created if it's missing. It's in the data folder, unless that
/// path is too long for a socket.
pub(super) fn folder(cluster: &Cluster) -> Result<PathBuf, EmbeddedError> {
    let folder = place(&cluster.data_dir);
    match DirBuilder::new().mode(0o700).create(&folder) {
        Ok(()) => cluster.run_as.give(&folder)?,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(cause) => return Err(EmbeddedError::io("create", &folder)(cause)),
    }
    // In a public folder, another user may have created it first.
    let found = fs::symlink_metadata(&folder).map_err(EmbeddedError::io("read", &folder))?;
    if !found.is_dir() || found.uid() != cluster.run_as.uid() || found.mode() & 0o077 != 0 {
        return Err(EmbeddedError::SocketFolder(folder));
    }
    Ok(folder)
}

fn place(data_dir: &Path) -> PathBuf {
    let inside = data_dir.join("socket");
    let file = inside.join(format!(".s.PGSQL.{PORT}"));
    if file.as_os_str().len() <= MAX_PATH_BYTES {
        return inside;
    }
    // Not in TMPDIR, because every process that shares the data folder must find it.
    let digest = Sha256::digest(data_dir.as_os_str().as_encoded_bytes());
    PathBuf::from("/tmp").join(format!("vouch-{}", &hex::encode(digest)[..24]))
}

/// libpq's URL of `database` on the socket in `folder`, with `role`.
pub(super) fn url(folder: &Path, role: &str, database: &str) -> String {
    format!(
        "postgresql://{role}@/{database}?host={}&port={PORT}&application_name=vouch",
        percent_encoded(folder.as_os_str().as_encoded_bytes())
    )
}

fn percent_encoded(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(*byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_in_the_data_folder_while_the_path_is_short_enough() {
        assert_eq!(place(Path::new("/var/lib/vouch")), Path::new("/var/lib/vouch/socket"));
    }

    #[test]
    fn a_long_path_gets_a_short_folder_of_its_own() {
        let long = |name: &str| place(&Path::new("/srv").join(name.repeat(100)));
        assert!(long("a").starts_with("/tmp"));
        assert_eq!(long("a"), long("a"));
        assert_ne!(long("a"), long("b"));
    }

    #[test]
    fn the_address_survives_odd_folder_names() {
        assert_eq!(
            url(Path::new("/a b/ü&?"), "vouch", "vouch"),
            "postgresql://vouch@/vouch?host=%2Fa%20b%2F%C3%BC%26%3F&port=5432&application_name=vouch"
        );
    }
}
