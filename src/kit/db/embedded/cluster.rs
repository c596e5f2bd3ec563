//! Creates the cluster and writes its configuration.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::binaries::Binaries;
use super::error::EmbeddedError;
use super::options::{ADMIN_ROLE, APP_ROLE, EmbeddedOptions, OWNER_ROLE};
use super::run_as::RunAs;

/// The folder of the cluster inside the data folder.
const CLUSTER: &str = "postgres";
/// The prefix of folders with unfinished clusters.
const UNFINISHED: &str = "postgres.unfinished-";

/// The first locale for characters that the system has is used. Collation is by bytes instead,
/// because an update of the system's libraries would silently break every index on text. Character
/// types must be Unicode, because the trigram index otherwise skips every letter that isn't ASCII.
const CHARACTER_TYPES: [&str; 4] = ["C.UTF-8", "en_US.UTF-8", "UTF-8", "C"];

/// Settings for a small machine. They're written once, so that the administrator can change them.
// copy: settings of PostgreSQL
const TUNING: &str = "
# Vouch wrote these settings when it created the database, and doesn't change them again.
max_connections = 100
shared_buffers = 256MB
effective_cache_size = 1GB
work_mem = 8MB
maintenance_work_mem = 128MB
random_page_cost = 1.1            # solid-state disks
wal_compression = on
max_wal_size = 2GB
jit = off                         # no query of Vouch runs long enough for it
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
log_line_prefix = '%m [%p] '
log_checkpoints = off
log_error_verbosity = terse       # details of errors can contain personal data
idle_in_transaction_session_timeout = 5min
";

/// The facts about a cluster before its server runs.
#[derive(Debug)]
pub(super) struct Cluster {
    /// The data folder, with symbolic links resolved.
    pub(crate) data_dir: PathBuf,
    /// The folder of the cluster.
    pub(crate) folder: PathBuf,
    /// The server's log file.
    pub(crate) log: PathBuf,
    pub(crate) binaries: Binaries,
    pub(crate) run_as: RunAs,
    pub(crate) extra_settings: Vec<(String, String)>,
}

impl Cluster {
    /// Finds the cluster of the data folder, or creates it. The caller must hold the starter lock.
    pub(super) fn find_or_make(options: &EmbeddedOptions) -> Result<Self, EmbeddedError> {
        let data_dir = fs::canonicalize(&options.data_dir)
            .map_err(EmbeddedError::io("find", &options.data_dir))?;
        let folder = data_dir.join(CLUSTER);
        let binaries = super::binaries::find(options.pg_bin.as_deref(), &folder)?;
        let cluster = Self {
            run_as: RunAs::choose(&binaries, &data_dir, &folder)?,
            log: data_dir.join("postgres.log"),
            data_dir,
            folder,
            binaries,
            extra_settings: options.extra_settings.clone(),
        };
        cluster.sweep_unfinished();
        if !cluster.folder.exists() {
            cluster.make()?;
        }
        Ok(cluster)
    }

    /// Creates the cluster in a temporary folder and renames it once it's complete. So a crash
    /// leaves nothing that looks like a cluster.
    fn make(&self) -> Result<(), EmbeddedError> {
        let unfinished = self.unfinished_folder();
        for character_type in CHARACTER_TYPES {
            DirBuilder::new()
                .mode(0o700)
                .create(&unfinished)
                .map_err(EmbeddedError::io("create", &unfinished))?;
            self.run_as.give(&unfinished)?;
            match self.initdb(&unfinished, character_type) {
                Ok(()) => break,
                Err(EmbeddedError::Initdb { reason, .. }) if reason.contains("locale") => {
                    remove(&unfinished)?;
                }
                Err(error) => {
                    remove(&unfinished)?;
                    return Err(error);
                }
            }
        }
        let settings = unfinished.join("postgresql.conf");
        OpenOptions::new()
            .append(true)
            .open(&settings)
            .and_then(|mut file| {
                file.write_all(TUNING.as_bytes())?;
                file.sync_all()
            })
            .map_err(EmbeddedError::io("write", &settings))?;
        fs::rename(&unfinished, &self.folder).map_err(EmbeddedError::io("create", &self.folder))?;
        File::open(&self.data_dir)
            .and_then(|folder| folder.sync_all())
            .map_err(EmbeddedError::io("write", &self.data_dir))
    }

    /// Runs `initdb` in an empty folder.
    fn initdb(&self, folder: &Path, character_type: &str) -> Result<(), EmbeddedError> {
        let failed =
            |reason: String| EmbeddedError::Initdb { folder: self.data_dir.clone(), reason };
        let mut command = self.run_as.command(&self.binaries.program("initdb"), &self.data_dir);
        command
            .arg("-D")
            .arg(folder)
            .args(["-U", ADMIN_ROLE, "--data-checksums", "--no-instructions"])
            .args(["--auth=peer", "--encoding=UTF8", "--locale=C"])
            .arg(format!("--lc-ctype={character_type}"));
        if self.is_throw_away() {
            command.arg("--no-sync");
        }
        let answer = command.output().map_err(|cause| failed(cause.to_string()))?;
        if answer.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&answer.stderr);
        let reason = said
            .lines()
            .find(|line| line.contains("error:") || line.contains("FATAL:"))
            .or_else(|| said.lines().last());
        Err(failed(match reason {
            Some(line) => line.to_owned(),
            None => answer.status.to_string(),
        }))
    }

    /// Whether the caller turned `fsync` off, because the data doesn't need to survive.
    fn is_throw_away(&self) -> bool {
        self.extra_settings.iter().any(|(name, value)| name == "fsync" && value == "off")
    }

    /// Writes who may connect: only the intended system users, as one of the three roles of this
    /// cluster. The kernel identifies the users, so no password is needed. It's written at every
    /// start, because those users may have changed. Returns whether the rules changed.
    pub(super) fn write_access_rules(&self) -> Result<bool, EmbeddedError> {
        let mut map = String::from("# Written by Vouch at every start.\n");
        for name in self.run_as.client_names() {
            for role in [APP_ROLE, OWNER_ROLE, ADMIN_ROLE] {
                map.push_str(&format!("vouch \"{name}\" {role}\n"));
            }
        }
        let rules = "# Written by Vouch at every start.\nlocal all all peer map=vouch\n";
        let mut is_changed = false;
        for (name, content) in [("pg_ident.conf", map.as_str()), ("pg_hba.conf", rules)] {
            let path = self.folder.join(name);
            if fs::read_to_string(&path).is_ok_and(|known| known == content) {
                continue;
            }
            is_changed = true;
            fs::write(&path, content).map_err(EmbeddedError::io("write", &path))?;
            self.run_as.give(&path)?;
        }
        Ok(is_changed)
    }

    /// A random name, because an `initdb` of a killed process may still write to its folder.
    fn unfinished_folder(&self) -> PathBuf {
        let name = format!("{UNFINISHED}{:016x}", rand::random::<u64>());
        self.data_dir.join(name)
    }

    /// Removes the folders of earlier attempts. If an `initdb` still writes to one, a later start
    /// removes it.
    fn sweep_unfinished(&self) {
        for entry in fs::read_dir(&self.data_dir).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED)
                && let Err(cause) = fs::remove_dir_all(entry.path())
            {
                tracing::warn!(path = %entry.path().display(), error = %cause, "database_cleanup_failed");
            }
        }
    }
}

fn remove(folder: &Path) -> Result<(), EmbeddedError> {
    fs::remove_dir_all(folder).map_err(EmbeddedError::io("remove", folder))
}
