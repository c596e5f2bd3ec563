//! A PostgreSQL server that Vouch runs itself if `DATABASE_URL` isn't set.
//!
//! It uses the PostgreSQL programs of the machine, with a cluster in the data folder:
//!
//! | in the data folder | |
//! | --- | --- |
//! | `postgres/` | the cluster, with checksums; administrators may change `postgresql.conf` |
//! | `socket/` | the only way to connect; no network. A long path moves it to `/tmp/vouch-…` |
//! | `postgres.log` | the server's log |
//! | `postgres.lock` | locked while a process starts or stops the server |
//! | `postgres.users` | a shared lock per process that uses it; the last process stops the server |
//!
//! The kernel identifies clients, so there are no passwords. `vouch_owner` owns the database and
//! everything in it, and only migrations use it. The application connects as `vouch`, which only
//! has the grants of the migrations. Row-level security applies to both. The superuser
//! `vouch_admin` only manages the server, prepares databases and makes backups.
//!
//! A thread restarts the server if it's killed. If Vouch itself is killed, the server continues,
//! and the next start uses it.
//!
//! # Why `LIKE` is marked leakproof
//!
//! On a table with row-level security, PostgreSQL evaluates a condition before the policy, or with
//! an index, only if its function is marked as leakproof. `LIKE` and `ILIKE` aren't, because they
//! can report a malformed *pattern*. Without the mark, every search would scan the merchant's whole
//! table instead of using the trigram index. These errors reveal nothing about a row, and Vouch
//! escapes patterns, so they're marked as leakproof in this database.

mod binaries;
mod cluster;
mod error;
mod options;
mod postmaster;
mod provision;
mod run_as;
mod socket;

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

pub use error::EmbeddedError;
pub use options::EmbeddedOptions;

use cluster::Cluster;
use options::{ADMIN_ROLE, APP_ROLE, OWNER_ROLE};
use postmaster::Postmaster;

use crate::kit::os::OsUser;
use crate::kit::supervise::{self, Stop};

/// The file that a process locks while it starts or stops the server.
const STARTER_LOCK: &str = "postgres.lock";
/// The file on which every process that uses the server holds a shared lock.
const USERS_LOCK: &str = "postgres.users";

/// How often the thread checks the server.
const WATCH_PAUSE: Duration = Duration::from_millis(250);
/// The pause after a failed start.
const RETRY_PAUSE: Duration = Duration::from_secs(5);

/// A running server. Dropping it stops the server, unless another process uses it.
#[derive(Debug)]
pub struct EmbeddedServer {
    cluster: Arc<Cluster>,
    postmaster: Arc<Mutex<Option<Postmaster>>>,
    socket_folder: PathBuf,
    users: File,
    watcher: Option<(Stop, JoinHandle<()>)>,
}

/// The folder of the PostgreSQL programs: the version that created the cluster in the data folder,
/// else the newest.
///
/// Fails with [`EmbeddedError::NoBinaries`] or [`EmbeddedError::OtherMajor`].
pub(crate) fn programs(pg_bin: Option<&Path>, data_dir: &Path) -> Result<PathBuf, EmbeddedError> {
    Ok(binaries::find(pg_bin, &data_dir.join("postgres"))?.folder)
}

impl EmbeddedServer {
    /// Starts the server of the data folder, or connects to the one that another process started.
    /// Creates the cluster, the roles and the database if they're missing.
    pub fn start(options: &EmbeddedOptions) -> Result<Self, EmbeddedError> {
        let starter = lock_as_starter(&options.data_dir)?;
        let users = open_lock(&options.data_dir.join(USERS_LOCK))?;
        users.lock_shared().map_err(EmbeddedError::io("lock", &options.data_dir))?;
        let cluster = Arc::new(Cluster::find_or_make(options)?);
        for name in [STARTER_LOCK, USERS_LOCK] {
            cluster.run_as.give(&options.data_dir.join(name))?;
        }
        let postmaster = Postmaster::find_or_start(&cluster, &|| true)?;
        let socket_folder = postmaster.socket_folder.clone();
        let mut server = Self {
            postmaster: Arc::new(Mutex::new(Some(postmaster))),
            cluster,
            socket_folder,
            users,
            watcher: None,
        };
        if let Err(error) = server.create_database(APP_ROLE) {
            drop(starter);
            return Err(error);
        }
        match watch(Arc::clone(&server.cluster), Arc::clone(&server.postmaster)) {
            Ok(watcher) => server.watcher = Some(watcher),
            Err(error) => {
                drop(starter);
                return Err(error);
            }
        }
        Ok(server)
    }

    /// The user that the server runs as, if Vouch runs as root and the server doesn't.
    pub(crate) fn user(&self) -> Option<&OsUser> {
        self.cluster.run_as.user()
    }

    /// The URL of the application's database, with the application's role.
    #[must_use]
    pub fn app_url(&self) -> String {
        self.url(APP_ROLE)
    }

    /// The URL of another database of this server, with the application's role.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        socket::url(&self.socket_folder, APP_ROLE, database)
    }

    /// The URL of the application's database with its owner's role, for migrations.
    #[must_use]
    pub fn owner_url(&self) -> String {
        self.owner_url_of(APP_ROLE)
    }

    /// The URL of another database of this server, with its owner's role.
    #[must_use]
    pub fn owner_url_of(&self, database: &str) -> String {
        socket::url(&self.socket_folder, OWNER_ROLE, database)
    }

    /// The URL of the database `postgres` with the superuser, for tests, which create and drop
    /// databases. The application never uses it.
    #[must_use]
    pub fn admin_url(&self) -> String {
        self.admin_url_of("postgres")
    }

    /// The URL of any database with the superuser.
    #[must_use]
    pub fn admin_url_of(&self, database: &str) -> String {
        socket::url(&self.socket_folder, ADMIN_ROLE, database)
    }

    /// Creates another database for the application, with extensions, if it's missing. `database`
    /// must be a plain lower-case name.
    ///
    /// Fails with [`EmbeddedError::Provision`], which contains the server's message.
    pub fn create_database(&self, database: &str) -> Result<(), EmbeddedError> {
        provision::prepare(|database| self.admin_url_of(database), database)
    }

    /// Stops the server, unless another process uses it. Close all connections first.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for EmbeddedServer {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.watcher.take() {
            stop.ask();
            if thread.join().is_err() {
                tracing::error!(thread = "embedded database", "thread_panicked");
            }
        }
        let starter = lock_as_starter(&self.cluster.data_dir);
        if let Err(error) = &starter {
            tracing::warn!(%error, "postgres_not_stopped");
            return;
        }
        // This process holds the starter lock, so no other process can start using the server in
        // between.
        let last = self.users.unlock().is_ok() && self.users.try_lock().is_ok();
        let postmaster = held(&self.postmaster).take();
        if let (true, Some(postmaster)) = (last, postmaster) {
            postmaster.stop();
        }
    }
}

/// Starts the thread that restarts a killed server.
fn watch(
    cluster: Arc<Cluster>,
    postmaster: Arc<Mutex<Option<Postmaster>>>,
) -> Result<(Stop, JoinHandle<()>), EmbeddedError> {
    let stop = Stop::default();
    let stopped = stop.clone();
    let data_dir = cluster.data_dir.clone();
    let work = move || {
        let mut pause = WATCH_PAUSE;
        while !stopped.wait(pause) {
            pause = WATCH_PAUSE;
            if held(&postmaster).as_mut().is_some_and(Postmaster::runs) {
                continue;
            }
            tracing::warn!("postgres_exited");
            let wanted = || !stopped.is_asked();
            let restarted = lock_as_starter(&cluster.data_dir)
                .and_then(|_starter| Postmaster::find_or_start(&cluster, &wanted));
            match restarted {
                Ok(new) => *held(&postmaster) = Some(new),
                Err(error) => {
                    tracing::error!(%error, "postgres_restart_failed");
                    pause = RETRY_PAUSE;
                }
            }
        }
    };
    let thread = supervise::spawn("embedded database", &stop, work)
        .map_err(EmbeddedError::io("start a thread for", data_dir))?;
    Ok((stop, thread))
}

/// Locks the mutex even after a panic, because its value is always replaced as a whole.
fn held(postmaster: &Mutex<Option<Postmaster>>) -> MutexGuard<'_, Option<Postmaster>> {
    postmaster.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until no other process starts or stops the server. The lock ends with the file handle,
/// however the process ends.
fn lock_as_starter(data_dir: &Path) -> Result<File, EmbeddedError> {
    let path = data_dir.join(STARTER_LOCK);
    let file = open_lock(&path)?;
    file.lock().map_err(EmbeddedError::io("lock", path))?;
    Ok(file)
}

fn open_lock(path: &Path) -> Result<File, EmbeddedError> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
        .map_err(EmbeddedError::io("open", path))
}
