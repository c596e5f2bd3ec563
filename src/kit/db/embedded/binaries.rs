//! Finds the PostgreSQL programs on this machine.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::EmbeddedError;

/// The oldest major version that the schema supports.
pub(crate) const OLDEST_MAJOR: u32 = 14;

/// Folders with one subfolder per version, each of which contains a `bin` folder.
const VERSIONED: [&str; 6] = [
    "/usr/lib/postgresql",                          // Debian, Ubuntu
    "/usr",                                         // Red Hat: /usr/pgsql-17
    "/opt/homebrew/opt",                            // Homebrew: postgresql@17
    "/usr/local/opt",                               // Homebrew on Intel
    "/Applications/Postgres.app/Contents/Versions", // Postgres.app
    "/usr/local",                                   // FreeBSD, built from source
];

/// One installed version of PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binaries {
    /// The folder with `postgres` and `initdb`.
    pub(crate) folder: PathBuf,
    /// The major version, as in `PG_VERSION`.
    pub(crate) major: u32,
}

impl Binaries {
    /// The full path of one program.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// The version to use: the one that created the cluster in `cluster`, else the newest. If `pg_bin`
/// names a folder, only that folder is checked.
///
/// Fails with [`EmbeddedError::NoBinaries`] if nothing is installed, and with
/// [`EmbeddedError::OtherMajor`] if no installed version can read the cluster.
pub(crate) fn find(pg_bin: Option<&Path>, cluster: &Path) -> Result<Binaries, EmbeddedError> {
    let found = installed(pg_bin);
    let Some(newest) = found.first() else {
        let looked = pg_bin.map(|folder| format!(" in {}", folder.display()));
        return Err(EmbeddedError::NoBinaries { looked: looked.unwrap_or_default() });
    };
    let version_file = cluster.join("PG_VERSION");
    let Ok(made_by) = std::fs::read_to_string(&version_file) else {
        return Ok(newest.clone());
    };
    let made_by = made_by.trim();
    found.iter().find(|binaries| binaries.major.to_string() == made_by).cloned().ok_or_else(|| {
        EmbeddedError::OtherMajor {
            folder: cluster.to_owned(),
            folder_major: made_by.to_owned(),
            installed: in_words(&found),
        }
    })
}

/// Every usable version, newest first; equal versions keep the order of the search.
fn installed(pg_bin: Option<&Path>) -> Vec<Binaries> {
    let folders = match pg_bin {
        Some(folder) => vec![folder.to_owned()],
        None => VERSIONED
            .iter()
            .flat_map(|parent| version_folders(Path::new(parent)))
            .chain(on_search_path())
            .collect(),
    };
    let mut found: Vec<Binaries> = folders
        .into_iter()
        .filter_map(|folder| {
            let major = major_of(&folder)?;
            Some(Binaries { folder, major })
        })
        .filter(|binaries| binaries.major >= OLDEST_MAJOR)
        .collect();
    found.sort_by_key(|binaries| std::cmp::Reverse(binaries.major));
    found
}

/// The `bin` folders below `parent` whose names belong to PostgreSQL.
fn version_folders(parent: &Path) -> Vec<PathBuf> {
    let Ok(children) = std::fs::read_dir(parent) else {
        return Vec::new();
    };
    children
        .flatten()
        .filter(|child| {
            let name = child.file_name();
            let name = name.to_string_lossy();
            name.starts_with("postgresql")
                || name.starts_with("pgsql")
                || name.starts_with(|first: char| first.is_ascii_digit())
        })
        .map(|child| child.path().join("bin"))
        .filter(|folder| folder.join("initdb").is_file())
        .collect()
}

/// The folder of the `postgres` in `PATH`, with all symbolic links resolved.
fn on_search_path() -> Option<PathBuf> {
    let answer = Command::new("sh").args(["-c", "command -v postgres"]).output().ok()?;
    let program = String::from_utf8(answer.stdout).ok()?;
    let program = std::fs::canonicalize(program.trim()).ok()?;
    let folder = program.parent()?.to_owned();
    folder.join("initdb").is_file().then_some(folder)
}

/// Parses the program's own version: `postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)`.
fn major_of(folder: &Path) -> Option<u32> {
    if !folder.join("initdb").is_file() {
        return None;
    }
    let answer = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
    parse_major(&String::from_utf8_lossy(&answer.stdout))
}

fn parse_major(version: &str) -> Option<u32> {
    let number = version.split("(PostgreSQL) ").nth(1)?;
    let digits: String = number.chars().take_while(|c| c.is_ascii_digit()).collect();
    digits.parse().ok()
}

fn in_words(found: &[Binaries]) -> String {
    let majors: BTreeSet<u32> = found.iter().map(|binaries| binaries.major).collect();
    let majors: Vec<String> = majors.iter().map(u32::to_string).collect();
    format!("version {}", majors.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_major_version_of_releases_and_betas() {
        assert_eq!(parse_major("postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)\n"), Some(15));
        assert_eq!(parse_major("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(parse_major("command not found"), None);
    }

    #[test]
    fn lists_versions_once() {
        let found = [17, 15, 15].map(|major| Binaries { folder: PathBuf::from("/bin"), major });
        assert_eq!(in_words(&found), "version 15 and 17");
    }
}
