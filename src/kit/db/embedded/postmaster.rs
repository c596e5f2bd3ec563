//! Starts, finds and stops the server's process.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;

use super::cluster::Cluster;
use super::error::EmbeddedError;
use super::options::ADMIN_ROLE;
use super::socket;
use crate::kit::db::connect;
use crate::kit::os;

/// The timeout of a start. Recovery after a power cut reads up to `max_wal_size`.
const START_LIMIT: Duration = Duration::from_secs(300);
/// How long Vouch waits for the server to stop, so that Vouch itself ends within ten seconds. A
/// slower server continues to stop alone, and the next start waits for it.
const STOP_LIMIT: Duration = Duration::from_secs(3);
/// How long the last files of a killed server may stay in use.
const LEFTOVER_LIMIT: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(15);
/// A larger log is renamed at the next start.
const LOG_LIMIT: u64 = 16 * 1024 * 1024;

/// A server that runs, or ran until recently.
#[derive(Debug)]
pub(super) struct Postmaster {
    pid: i32,
    pub(crate) socket_folder: PathBuf,
    /// If this process started the server, it must reap it.
    child: Option<Child>,
}

impl Postmaster {
    /// Finds the cluster's running server, or starts it. The caller must hold the starter lock.
    /// After a power cut, a start can take minutes; it stops early once `wanted` returns false.
    pub(super) fn find_or_start(
        cluster: &Cluster,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Self, EmbeddedError> {
        let begun = Instant::now();
        loop {
            match PidFile::read(&cluster.folder) {
                Some(found) if os::runs(found.pid) => {
                    if os::program_name(found.pid).is_some_and(|name| name != "postgres") {
                        // After a restart of the machine or container, another process has this id,
                        // and PostgreSQL would refuse to start.
                        found.remove()?;
                    } else if let Some(socket_folder) = found.answers(cluster)? {
                        // An older version of Vouch may have started it with fewer roles.
                        if cluster.write_access_rules()? {
                            reload(&socket_folder).map_err(|why| cluster.start_error(why))?;
                        }
                        return Ok(Self { pid: found.pid, socket_folder, child: None });
                    }
                }
                _ => match Self::start(cluster, wanted)? {
                    Start::Runs(postmaster) => return Ok(postmaster),
                    Start::Leftovers(reason) if begun.elapsed() > LEFTOVER_LIMIT => {
                        return Err(cluster.start_error(reason));
                    }
                    Start::Leftovers(_) => sleep(PAUSE * 10),
                },
            }
            if begun.elapsed() > START_LIMIT || !wanted() {
                return Err(cluster.start_error("it isn't responding".to_owned()));
            }
            sleep(PAUSE);
        }
    }

    fn start(cluster: &Cluster, wanted: &dyn Fn() -> bool) -> Result<Start, EmbeddedError> {
        cluster.write_access_rules()?;
        let socket_folder = socket::folder(cluster)?;
        let log = open_log(&cluster.log)?;
        cluster.run_as.give(&cluster.log)?;
        let logged_before = log.metadata().map_or(0, |file| file.len());
        let mut child = cluster.spawn(&socket_folder, log)?;
        let begun = Instant::now();
        loop {
            if answers(&socket_folder).is_ok() {
                return Ok(Start::Runs(Self {
                    pid: i32::try_from(child.id()).unwrap_or_default(),
                    socket_folder,
                    child: Some(child),
                }));
            }
            let ended = child
                .try_wait()
                .map_err(EmbeddedError::io("wait for the server of", &cluster.folder))?;
            if let Some(status) = ended {
                let reason = last_complaint(&cluster.log, logged_before)
                    .unwrap_or_else(|| format!("it exited with {status}"));
                // The processes of a killed server need a moment to notice and exit.
                let leftovers = reason.contains("lock file") || reason.contains("shared memory");
                return match leftovers {
                    true => Ok(Start::Leftovers(reason)),
                    false => Err(cluster.start_error(reason)),
                };
            }
            if begun.elapsed() > START_LIMIT || !wanted() {
                stop_process(i32::try_from(child.id()).unwrap_or_default(), Some(&mut child));
                return Err(cluster.start_error("it isn't responding".to_owned()));
            }
            sleep(PAUSE);
        }
    }

    /// Whether the process still runs. Reaps it if it ended and this process started it.
    pub(super) fn runs(&mut self) -> bool {
        match self.child.as_mut().map(Child::try_wait) {
            Some(Ok(Some(_))) => false,
            _ => os::runs(self.pid),
        }
    }

    /// Stops the server and waits for its end, up to a timeout.
    pub(super) fn stop(mut self) {
        stop_process(self.pid, self.child.as_mut());
    }
}

/// The result of an attempt to start that didn't fail.
enum Start {
    Runs(Postmaster),
    /// A killed server still holds resources; contains the server's message.
    Leftovers(String),
}

/// The content of `postmaster.pid`.
struct PidFile {
    path: PathBuf,
    pid: i32,
    /// The folder of the socket; empty while the server starts.
    socket_folder: PathBuf,
}

impl PidFile {
    fn read(cluster: &Path) -> Option<Self> {
        let path = cluster.join("postmaster.pid");
        let content = fs::read_to_string(&path).ok()?;
        let mut lines = content.lines();
        let pid = lines.next()?.trim().parse().ok()?;
        // The lines are: process id, folder, start time, port, folder of the socket, ...
        let socket_folder = PathBuf::from(lines.nth(3).unwrap_or_default().trim());
        Some(Self { path, pid, socket_folder })
    }

    /// The socket's folder once the server answers there; `None` while it starts or stops.
    fn answers(&self, cluster: &Cluster) -> Result<Option<PathBuf>, EmbeddedError> {
        if self.socket_folder.as_os_str().is_empty() {
            return Ok(None);
        }
        match answers(&self.socket_folder) {
            Ok(()) => Ok(Some(self.socket_folder.clone())),
            Err(reason) if reason.contains("authentication failed") => {
                Err(cluster.start_error(reason))
            }
            Err(_) => Ok(None),
        }
    }

    fn remove(&self) -> Result<(), EmbeddedError> {
        fs::remove_file(&self.path).map_err(EmbeddedError::io("remove", &self.path))
    }
}

impl Cluster {
    /// Starts the process. Mandatory settings are on the command line, which overrides the files.
    fn spawn(&self, socket_folder: &Path, log: File) -> Result<Child, EmbeddedError> {
        let failed = |cause: std::io::Error| self.start_error(cause.to_string());
        let mut command = self.run_as.command(&self.binaries.program("postgres"), &self.data_dir);
        command
            .arg("-D")
            .arg(&self.folder)
            .args(["-p", socket::PORT, "-c", "listen_addresses="])
            .arg("-k")
            .arg(socket_folder)
            .args(["-c", "unix_socket_permissions=0700"])
            .args(["-c", "cluster_name=vouch"]);
        for (name, value) in &self.extra_settings {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        command.stdout(Stdio::from(log.try_clone().map_err(failed)?)).stderr(Stdio::from(log));
        os::detach(&mut command);
        command.spawn().map_err(failed)
    }

    fn start_error(&self, reason: String) -> EmbeddedError {
        EmbeddedError::Start { reason, log: self.log.clone() }
    }
}

/// Whether the server on this socket accepts connections. Fails with libpq's message.
fn answers(socket_folder: &Path) -> Result<(), String> {
    if !socket_folder.join(format!(".s.PGSQL.{}", socket::PORT)).exists() {
        return Err("no socket".to_owned());
    }
    connect::establish(&socket::url(socket_folder, ADMIN_ROLE, "postgres"))
        .map(drop)
        .map_err(|error| error.to_string())
}

/// Makes the running server reload its access rules, and waits a moment.
fn reload(socket_folder: &Path) -> Result<(), String> {
    let url = socket::url(socket_folder, ADMIN_ROLE, "postgres");
    let mut conn = connect::establish(&url).map_err(|error| error.to_string())?;
    conn.batch_execute("SELECT pg_reload_conf()").map_err(|error| error.to_string())?;
    sleep(PAUSE * 10);
    Ok(())
}

/// Asks the process to end and waits for it. Clients are disconnected, but no data is lost.
fn stop_process(pid: i32, mut child: Option<&mut Child>) {
    if os::signal(pid, libc::SIGINT).is_err() {
        return;
    }
    let begun = Instant::now();
    while begun.elapsed() < STOP_LIMIT {
        let reaped = matches!(child.as_mut().map(|child| child.try_wait()), Some(Ok(Some(_))));
        if reaped || !os::runs(pid) {
            return;
        }
        sleep(PAUSE);
    }
    tracing::info!(pid, "postgres_still_stopping");
}

fn open_log(path: &Path) -> Result<File, EmbeddedError> {
    if fs::metadata(path).is_ok_and(|log| log.len() > LOG_LIMIT) {
        let aside = path.with_extension("log.1");
        fs::rename(path, &aside).map_err(EmbeddedError::io("rename", path))?;
    }
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
        .map_err(EmbeddedError::io("open", path))
}

/// The most severe line logged since the file had `from` bytes, without its time.
fn last_complaint(log: &Path, from: u64) -> Option<String> {
    let mut file = File::open(log).ok()?;
    file.seek(SeekFrom::Start(from)).ok()?;
    let mut logged = Vec::new();
    file.read_to_end(&mut logged).ok()?;
    let logged = String::from_utf8_lossy(&logged);
    let grave = logged.lines().find_map(|line| {
        Some(line.get(line.find("FATAL:").or(line.find("PANIC:"))?..)?.to_owned())
    });
    grave.or_else(|| logged.lines().last().map(str::to_owned))
}
