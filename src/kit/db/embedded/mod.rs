//! A PostgreSQL server of Vouch's own, for installations without `DATABASE_URL`.
//!
//! It runs the server programs that are on the machine, with a cluster in the data folder:
//!
//! | in the data folder | |
//! | --- | --- |
//! | `postgres/` | the cluster, with checksums; `postgresql.conf` is the owner's to change |
//! | `socket/` | the only way in; no network. A long path moves it to `/tmp/vouch-…` |
//! | `postgres.log` | what the server logs |
//! | `postgres.lock` | held by whoever starts or stops the server |
//! | `postgres.users` | a shared lock per process that uses it; the last one out stops it |
//!
//! The kernel tells the server who connects, so there are no passwords. `vouch_owner` owns the database
//! and everything in it, and is used by migrations alone; the application connects as `vouch`, which has
//! no more than the grants of the migrations. Both are bound by row security. `vouch_admin`, the
//! superuser, is used by nothing but the preparation in here.
//!
//! A thread watches the server and starts it again when it is killed. When Vouch itself is killed,
//! the server goes on and the next start finds it.
//!
//! # Why `LIKE` is marked leakproof
//!
//! On a table with row-level security, PostgreSQL evaluates a condition before the policy, or
//! with an index, only if its function is marked as telling nothing of its arguments. `LIKE` and
//! `ILIKE` are not, since they may complain about a malformed *pattern*; so every search would
//! scan the merchant's whole table instead of using the trigram index. Their complaints show
//! nothing of a row, and patterns are escaped by Vouch, so in this database they are marked so.

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

pub use binaries::OLDEST_MAJOR;
pub use error::EmbeddedError;
pub use options::EmbeddedOptions;

use cluster::Cluster;
use options::{ADMIN_ROLE, APP_ROLE, OWNER_ROLE};
use postmaster::Postmaster;

use crate::kit::os::OsUser;
use crate::kit::supervise::{self, Stop};

/// The file whose lock is held by who starts or stops the server.
const STARTER_LOCK: &str = "postgres.lock";
/// The file on which every process that uses the server has a shared lock.
const USERS_LOCK: &str = "postgres.users";

/// How often the watching thread looks.
const WATCH_PAUSE: Duration = Duration::from_millis(250);
/// How long it waits after a start that failed.
const RETRY_PAUSE: Duration = Duration::from_secs(5);

/// A running server. Stops it when dropped, unless another process uses it too.
#[derive(Debug)]
pub struct EmbeddedServer {
    cluster: Arc<Cluster>,
    postmaster: Arc<Mutex<Option<Postmaster>>>,
    socket_folder: PathBuf,
    users: File,
    watcher: Option<(Stop, JoinHandle<()>)>,
}

/// The folder of the PostgreSQL programs: of the version that made the cluster in the data folder, else
/// of the newest.
///
/// # Errors
/// [`EmbeddedError::NoBinaries`], [`EmbeddedError::OtherMajor`].
pub fn programs(pg_bin: Option<&Path>, data_dir: &Path) -> Result<PathBuf, EmbeddedError> {
    Ok(binaries::find(pg_bin, &data_dir.join("postgres"))?.folder)
}

impl EmbeddedServer {
    /// Starts the server of the data folder, or joins the one that another process has started;
    /// makes the cluster, the role and the database if they are not there.
    ///
    /// # Errors
    /// [`EmbeddedError`] says in one line what is wrong and what to do.
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

    /// The user that the server runs as, if Vouch was started as root and it is not.
    pub(crate) fn user(&self) -> Option<&OsUser> {
        self.cluster.run_as.user()
    }

    /// The address of the application's database, as the application's own role.
    #[must_use]
    pub fn app_url(&self) -> String {
        self.url(APP_ROLE)
    }

    /// The address of another database of this server, as the application's own role.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        socket::url(&self.socket_folder, APP_ROLE, database)
    }

    /// The address of the application's database, as its owner: for migrations.
    #[must_use]
    pub fn owner_url(&self) -> String {
        self.owner_url_of(APP_ROLE)
    }

    /// The address of another database of this server, as its owner.
    #[must_use]
    pub fn owner_url_of(&self, database: &str) -> String {
        socket::url(&self.socket_folder, OWNER_ROLE, database)
    }

    /// The address of the database `postgres` as superuser: for tests, which make and drop
    /// databases. The application never uses it.
    #[must_use]
    pub fn admin_url(&self) -> String {
        self.admin_url_of("postgres")
    }

    /// The address of any database as superuser.
    #[must_use]
    pub fn admin_url_of(&self, database: &str) -> String {
        socket::url(&self.socket_folder, ADMIN_ROLE, database)
    }

    /// Makes a further database for the application, with extensions, if it is not there. `database` is a plain lower-case name.
    ///
    /// # Errors
    /// [`EmbeddedError::Provision`] with the server's words.
    pub fn create_database(&self, database: &str) -> Result<(), EmbeddedError> {
        provision::prepare(|database| self.admin_url_of(database), database)
    }

    /// Stops the server, unless another process uses it too. Close all connections before.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for EmbeddedServer {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.watcher.take() {
            stop.ask();
            if thread.join().is_err() {
                tracing::error!("the thread that watches the PostgreSQL server has panicked");
            }
        }
        let starter = lock_as_starter(&self.cluster.data_dir);
        if let Err(error) = &starter {
            tracing::warn!(%error, "leaving the PostgreSQL server as it is");
            return;
        }
        // Nobody joins or leaves while we hold the starter's lock, so that nobody comes between.
        let last = self.users.unlock().is_ok() && self.users.try_lock().is_ok();
        let postmaster = held(&self.postmaster).take();
        if let (true, Some(postmaster)) = (last, postmaster) {
            postmaster.stop();
        }
    }
}

/// Starts the thread that brings a killed server back, until it's told to stop.
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
            tracing::warn!("the PostgreSQL server has ended; starting it again");
            let wanted = || !stopped.is_asked();
            let restarted = lock_as_starter(&cluster.data_dir)
                .and_then(|_starter| Postmaster::find_or_start(&cluster, &wanted));
            match restarted {
                Ok(new) => *held(&postmaster) = Some(new),
                Err(error) => {
                    tracing::error!(%error, "the PostgreSQL server stays down; trying again");
                    pause = RETRY_PAUSE;
                }
            }
        }
    };
    let thread = supervise::spawn("embedded database", &stop, work)
        .map_err(EmbeddedError::io("start a thread for", data_dir))?;
    Ok((stop, thread))
}

/// The guarded value, also after a panic elsewhere: it is replaced as a whole or not at all.
fn held(postmaster: &Mutex<Option<Postmaster>>) -> MutexGuard<'_, Option<Postmaster>> {
    postmaster.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until this process is the only one that starts or stops the server. The lock ends with
/// the file's handle, however the process ends.
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
