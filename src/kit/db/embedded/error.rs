//! Errors of the embedded server, each in one line that says how to fix it.

use std::io;
use std::path::PathBuf;

/// Why the embedded PostgreSQL server can't be used.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// This machine has no usable version of PostgreSQL.
    #[error(
        "PostgreSQL 14 or newer isn't installed{looked}. Run `apt-get install postgresql` (Debian, Ubuntu) or \
         `brew install postgresql@17` (macOS). Or set VOUCH_PG_BIN to its folder, or DATABASE_URL to a running server"
    )]
    NoBinaries {
        /// " in FOLDER" if the setting names a folder, else empty.
        looked: String,
    },
    /// The major version that created the data folder isn't installed.
    #[error(
        "the database in {} was created by PostgreSQL {folder_major}, but only {installed} is installed. Install PostgreSQL \
         {folder_major} (`apt-get install postgresql-{folder_major}` on Debian), or set VOUCH_PG_BIN to its folder",
        .folder.display()
    )]
    OtherMajor {
        /// The cluster's folder.
        folder: PathBuf,
        /// The major version that created it.
        folder_major: String,
        /// The installed versions, as a list in words.
        installed: String,
    },
    /// Vouch runs as root, and the unprivileged user can't enter the folder.
    #[error(
        "PostgreSQL can't run as root, and the user {user} can't open {} ({cause}). Set VOUCH_DATA to a folder such as \
         /var/lib/vouch, or start Vouch as an ordinary user",
        .folder.display()
    )]
    Unreachable {
        /// The user that the server would run as.
        user: String,
        /// The folder that the user can't enter.
        folder: PathBuf,
        /// The error of the operating system.
        cause: io::Error,
    },
    /// The cluster belongs to another user.
    #[error("the database in {} belongs to the user {owner}. Start Vouch as that user", .folder.display())]
    ForeignOwner {
        /// The cluster's folder.
        folder: PathBuf,
        owner: String,
    },
    /// Vouch runs as root, and there's no unprivileged user to run the server.
    #[error(
        // copy: a user is named nobody
        "PostgreSQL can't run as root, and this machine has no user vouch, postgres or nobody. Start Vouch as an ordinary user"
    )]
    NoUser,
    /// The private folder of the socket exists and belongs to another user.
    #[error("the PostgreSQL socket folder {} isn't private to this user. Remove the folder", .0.display())]
    SocketFolder(PathBuf),
    /// A file or folder couldn't be used.
    #[error("can't {action} {} ({cause})", .path.display())]
    Io {
        /// The failed operation, as a verb.
        action: &'static str,
        path: PathBuf,
        /// The error of the operating system.
        cause: io::Error,
    },
    #[error("initdb can't create a database in {} ({reason})", .folder.display())]
    Initdb {
        /// The data folder.
        folder: PathBuf,
        /// The last line of its output.
        reason: String,
    },
    /// The server ended during the start, or didn't answer in time.
    #[error("PostgreSQL didn't start ({reason}). See {}", .log.display())]
    Start {
        /// The last line of its log.
        reason: String,
        /// The full log.
        log: PathBuf,
    },
    /// The roles, the database or the extensions couldn't be created.
    #[error("can't prepare the database ({0})")]
    Provision(String),
}

impl EmbeddedError {
    /// Adds the operation and the path to an error of a file operation.
    pub(super) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |cause| Self::Io { action, path, cause }
    }
}
