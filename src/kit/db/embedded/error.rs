//! What can keep the embedded server from running, each in one line that says what to do.

use std::io;
use std::path::PathBuf;

/// Why the embedded PostgreSQL server cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// No usable server binaries on this machine.
    #[error(
        "no PostgreSQL server (14 or newer) was found{looked}: install one (Debian, Ubuntu: `apt-get install postgresql`; \
         macOS: `brew install postgresql@17`), name the folder of its programs in VOUCH_PG_BIN, or name a running server in DATABASE_URL"
    )]
    NoBinaries {
        /// " in FOLDER" when the folder was named, else empty.
        looked: String,
    },
    /// The data folder was made by a major version that is not installed.
    #[error(
        "the database in {} was made by PostgreSQL {folder_major}, but only {installed} is here: install PostgreSQL {folder_major} \
         (Debian: `apt-get install postgresql-{folder_major}`), or name the folder of its programs in VOUCH_PG_BIN",
        .folder.display()
    )]
    OtherMajor {
        /// The cluster's folder.
        folder: PathBuf,
        /// The major version that made it.
        folder_major: String,
        /// The versions found on this machine, as a list in words.
        installed: String,
    },
    /// Started as root, and no unprivileged user can reach the folder.
    #[error(
        "PostgreSQL cannot run as root, and the user {user} cannot reach {}: set VOUCH_DATA to a folder such as /var/lib/vouch, \
         or start Vouch as an ordinary user ({cause})",
        .folder.display()
    )]
    Unreachable {
        /// The user that root would have handed the server to.
        user: String,
        /// The folder it cannot enter.
        folder: PathBuf,
        /// What the system answered.
        cause: io::Error,
    },
    /// The cluster is owned by another user.
    #[error("the database in {} belongs to the user {owner}: start Vouch as that user", .folder.display())]
    ForeignOwner {
        /// The cluster's folder.
        folder: PathBuf,
        /// Its owner.
        owner: String,
    },
    /// Root without any unprivileged user to hand the server to.
    #[error(
        "PostgreSQL cannot run as root, and there is neither a user postgres nor a user nobody: start Vouch as an ordinary user"
    )]
    NoUser,
    /// The private folder for the socket exists and is not ours.
    #[error("{} is not a folder that only the database server can enter: remove it", .0.display())]
    SocketFolder(PathBuf),
    /// A file or a folder could not be used.
    #[error("cannot {action} {}: {cause}", .path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system answered.
        cause: io::Error,
    },
    /// `initdb` failed.
    #[error("initdb could not make a database in {}: {reason}", .folder.display())]
    Initdb {
        /// The data folder.
        folder: PathBuf,
        /// The last line it said.
        reason: String,
    },
    /// The server ended instead of starting, or did not answer in time.
    #[error("the PostgreSQL server did not start: {reason} (see {})", .log.display())]
    Start {
        /// The last line it logged.
        reason: String,
        /// Where the rest stands.
        log: PathBuf,
    },
    /// The role, the database or the extensions could not be made.
    #[error("cannot prepare the database: {0}")]
    Provision(String),
}

impl EmbeddedError {
    /// Makes the closure that tells a failed file operation from the others.
    pub(super) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |cause| Self::Io { action, path, cause }
    }
}
