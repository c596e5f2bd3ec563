//! Chooses the user that runs the server.
//!
//! PostgreSQL refuses to run as root. If Vouch runs as root, it transfers the server and the data
//! folder to another user. That's the owner of the existing cluster, else the first one in [`USERS`]
//! that exists. If that user can't enter the data folder (for example in root's home folder), the
//! server runs in a user namespace. There it can access root's files, but has no other privileges.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{io, os::unix};

use super::EmbeddedError;
use super::binaries::Binaries;
use crate::kit::config::hand_over;
use crate::kit::os::{self, OsUser};

/// The owner of a new cluster. A user `vouch` separates it from another server on the machine.
const USERS: [&str; 3] = ["vouch", "postgres", "nobody"];

/// The id that the system shows for unmapped owners in a user namespace.
const OVERFLOW_UID: u32 = 65534;

/// Environment variables that would change the server's behavior.
const MISLEADING: [&str; 6] =
    ["PGDATA", "PGPORT", "PGDATESTYLE", "PGTZ", "PGCLIENTENCODING", "PGOPTIONS"];

/// How the server's programs are started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RunAs {
    /// As the current user, who isn't root.
    Ourselves,
    /// From root, switched to this user.
    User(OsUser),
    /// As root, in a user namespace.
    Namespace,
}

impl RunAs {
    /// Chooses the user for the cluster in `cluster`, which may not exist yet, inside `data_dir`.
    pub(super) fn choose(
        binaries: &Binaries,
        data_dir: &Path,
        cluster: &Path,
    ) -> Result<Self, EmbeddedError> {
        let owner = fs::metadata(cluster).ok().map(|found| (found.uid(), found.gid()));
        let ourselves = os::effective_uid();
        if ourselves != 0 {
            return match owner {
                Some((uid, _)) if uid != ourselves => Err(EmbeddedError::ForeignOwner {
                    folder: cluster.to_owned(),
                    owner: os::user_by_uid(uid).map_or_else(|| uid.to_string(), |user| user.name),
                }),
                _ => Ok(Self::Ourselves),
            };
        }
        let user = match owner {
            Some((0, _)) => return Self::Namespace.checked(binaries, data_dir),
            Some((uid, gid)) => {
                os::user_by_uid(uid).unwrap_or_else(|| OsUser { name: uid.to_string(), uid, gid })
            }
            None => USERS.into_iter().find_map(os::user_by_name).ok_or(EmbeddedError::NoUser)?,
        };
        hand_over(data_dir, user.uid, user.gid)
            .map_err(EmbeddedError::io("change the owner of", data_dir))?;
        match (Self::User(user).checked(binaries, data_dir), owner) {
            (Err(unreachable), None) => {
                unix::fs::lchown(data_dir, Some(0), Some(0))
                    .map_err(EmbeddedError::io("change the owner of", data_dir))?;
                Self::Namespace.checked(binaries, data_dir).map_err(|_| unreachable)
            }
            (outcome, _) => outcome,
        }
    }

    /// Runs `postgres --version` in the data folder, to check that the programs start there.
    fn checked(self, binaries: &Binaries, data_dir: &Path) -> Result<Self, EmbeddedError> {
        let unreachable = |cause| EmbeddedError::Unreachable {
            user: match &self {
                Self::User(user) => user.name.clone(),
                Self::Ourselves | Self::Namespace => "nobody".to_owned(),
            },
            folder: data_dir.to_owned(),
            cause,
        };
        let outcome = self
            .command(&binaries.program("postgres"), data_dir)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        match outcome {
            Ok(status) if status.success() => Ok(self),
            Ok(status) => Err(unreachable(io::Error::other(status.to_string()))),
            Err(cause) => Err(unreachable(cause)),
        }
    }

    /// A command that runs as this user in `folder`, with English messages and without a terminal.
    pub(super) fn command(&self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder).stdin(Stdio::null()).env("LC_ALL", "C");
        for name in MISLEADING {
            command.env_remove(name);
        }
        match self {
            Self::Ourselves => {}
            // The standard library drops root's supplementary groups, then sets the group and the
            // user, and changes the folder last. So the user must be able to enter it.
            Self::User(user) => {
                command.uid(user.uid).gid(user.gid);
            }
            Self::Namespace => os::lose_root(&mut command),
        }
        command
    }

    pub(super) fn give(&self, path: &Path) -> Result<(), EmbeddedError> {
        match self {
            Self::User(user) => unix::fs::lchown(path, Some(user.uid), Some(user.gid))
                .map_err(EmbeddedError::io("change the owner of", path)),
            Self::Ourselves | Self::Namespace => Ok(()),
        }
    }

    /// The user that the server runs as, if it differs from Vouch's.
    pub(super) fn user(&self) -> Option<&OsUser> {
        match self {
            Self::User(user) => Some(user),
            Self::Ourselves | Self::Namespace => None,
        }
    }

    /// The id of the user that owns the server's files.
    pub(super) fn uid(&self) -> u32 {
        match self {
            Self::User(user) => user.uid,
            Self::Ourselves | Self::Namespace => os::effective_uid(),
        }
    }

    /// The names of the system users that may connect: Vouch's user, the server's user, and root,
    /// who has access anyway.
    pub(super) fn client_names(&self) -> Vec<String> {
        let uids = match self {
            // Users have no names in the namespace. Only root can enter the socket's folder.
            Self::Namespace => vec![OVERFLOW_UID],
            Self::Ourselves | Self::User(_) => vec![0, self.uid(), os::effective_uid()],
        };
        let mut names: Vec<String> =
            uids.into_iter().filter_map(os::user_by_uid).map(|user| user.name).collect();
        names.sort();
        names.dedup();
        names
    }
}
