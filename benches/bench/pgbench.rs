//! `pgbench`, on scripts that were captured from the server.

use std::process::Command;

use crate::program::Running;

/// What pgbench reached.
pub(crate) struct Bound {
    pub per_second: f64,
}

/// Runs `script` as `role`, its statements prepared as the server has them.
pub(crate) fn run(
    running: &Running,
    role: &str,
    script: &str,
    clients: u32,
    seconds: u64,
) -> Bound {
    let path = running.folder.join("script.sql");
    std::fs::write(&path, script).expect("the bench folder can be written");
    let mut command = Command::new(running.postgres.join("pgbench"));
    command.args(["-n", "-M", "prepared", "-j", "2"]);
    command.args(["-c", &clients.to_string(), "-T", &seconds.to_string(), "-f"]).arg(&path);
    let output = command.arg(running.url_of(role)).output().expect("pgbench runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let per_second = text
        .lines()
        .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok())
        .unwrap_or_else(|| panic!("pgbench: {text}{}", String::from_utf8_lossy(&output.stderr)));
    assert!(!text.contains("aborted"), "pgbench: {text}");
    Bound { per_second }
}
