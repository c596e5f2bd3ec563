//! Errors of the embedded server, each in one line that says how to fix it.

use std::io;
use std::path::PathBuf;

/// Why the embedded PostgreSQL server can't be used.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// This machine has no usable version of PostgreSQL.
    #[error(
        "no PostgreSQL server (14 or newer) was found{looked}: install one (Debian, Ubuntu: `apt-get install postgresql`; \
         macOS: `brew install postgresql@17`), name the folder of its programs in VOUCH_PG_BIN, or name a running server in DATABASE_URL"
    )]
    NoBinaries {
        /// " in FOLDER" if the setting names a folder, else empty.
        looked: String,
    },
    /// The major version that created the data folder isn't installed.
    #[error(
        "the database in {} was made by PostgreSQL {folder_major}, but only {installed} is here: install PostgreSQL {folder_major} \
         (Debian: `apt-get install postgresql-{folder_major}`), or name the folder of its programs in VOUCH_PG_BIN",
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
        "PostgreSQL cannot run as root, and the user {user} cannot reach {}: set VOUCH_DATA to a folder such as /var/lib/vouch, \
         or start Vouch as an ordinary user ({cause})",
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
    #[error("the database in {} belongs to the user {owner}: start Vouch as that user", .folder.display())]
    ForeignOwner {
        /// The cluster's folder.
        folder: PathBuf,
        owner: String,
    },
    /// Vouch runs as root, and there's no unprivileged user to run the server.
    #[error(
        "PostgreSQL cannot run as root, and there is neither a user postgres nor a user nobody: start Vouch as an ordinary user"
    )]
    NoUser,
    /// The private folder of the socket exists and belongs to another user.
    #[error("{} is not a folder that only the database server can enter: remove it", .0.display())]
    SocketFolder(PathBuf),
    /// A file or folder couldn't be used.
    #[error("cannot {action} {}: {cause}", .path.display())]
    Io {
        /// The failed operation, as a verb.
        action: &'static str,
        path: PathBuf,
        /// The error of the operating system.
        cause: io::Error,
    },
    #[error("initdb could not make a database in {}: {reason}", .folder.display())]
    Initdb {
        /// The data folder.
        folder: PathBuf,
        /// The last line of its output.
        reason: String,
    },
    /// The server ended during the start, or didn't answer in time.
    #[error("the PostgreSQL server did not start: {reason} (see {})", .log.display())]
    Start {
        /// The last line of its log.
        reason: String,
        /// The full log.
        log: PathBuf,
    },
    /// The roles, the database or the extensions couldn't be created.
    #[error("cannot prepare the database: {0}")]
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
