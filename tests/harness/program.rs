//! The program itself, as a process of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{SECRET_KEY, give_to_server_user, on_this_machine};

/// A data folder that goes with the test.
pub(crate) struct DataFolder(PathBuf);

impl DataFolder {
    /// One that the user of the tests' database can use, whom a process that's started as root becomes.
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("vouch-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        give_to_server_user(&path);
        Self(path)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for DataFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// `vouch` on the database at `database_url`, with the secret key of the tests and a port of its own.
pub(crate) fn vouch(database_url: &str, folder: &DataFolder, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vouch"));
    command
        .args(arguments)
        .env("DATABASE_URL", database_url)
        .env("VOUCH_SECRET_KEY", hex::encode(SECRET_KEY))
        .env("VOUCH_DATA", folder.path())
        .env("VOUCH_LISTEN", "127.0.0.1:0")
        .env_remove("VOUCH_PUBLIC_URL")
        .stdin(Stdio::null());
    command
}

/// Sends a signal to a process of this test; whether there is one.
pub(crate) fn signal(pid: i32, number: i32) -> bool {
    // SAFETY: kill touches no memory of ours; the number is that of a process of this test.
    pid > 0 && unsafe { libc::kill(pid, number) == 0 }
}

/// Waits until `holds`, for half a minute at the most.
pub(crate) fn eventually(what: &str, holds: impl FnMut() -> bool) {
    eventually_within(Duration::from_secs(30), what, holds);
}

/// Waits until `holds`, for `limit` at the most on a machine that does nothing else.
pub(crate) fn eventually_within(limit: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < on_this_machine(limit), "never: {what}");
        std::thread::sleep(limit / 2_000);
    }
}
