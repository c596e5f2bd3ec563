//! The data folder, the disk.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::report::{CheckResult, Report, problem};
use crate::kit::config::{self, Config, SECRET_KEY_FILE};
use crate::kit::os;

/// Below this a busy day, or one large import, can fill the disk; and a full disk stops the
/// intake of orders.
const MIN_FREE_SPACE: u64 = 1024 * 1024 * 1024;

pub(super) fn examine(config: &Config, report: &mut Report) {
    report.note("data_folder", "data folder", data_folder(&config.data_dir));
    report.note("secret_key_file", "secret key file", secret_key_file(config));
    report.note("disk", "disk", disk(&config.data_dir));
}

fn data_folder(folder: &Path) -> CheckResult {
    let shown = folder.display();
    let found = fs::metadata(folder).map_err(|cause| {
        problem(format!("can't read {shown}: {cause}"), "set VOUCH_DATA to a folder of this user")
    })?;
    if found.mode() & 0o022 != 0 {
        let next = format!("run `chmod go-w {shown}`");
        return Err(problem(format!("others can write to {shown}"), next));
    }
    let probe = folder.join(format!("doctor-{}", std::process::id()));
    fs::write(&probe, "").and_then(|()| fs::remove_file(&probe)).map_err(|cause| {
        let next = "make room, or give the folder to the user that runs Vouch";
        problem(format!("can't write to {shown}: {cause}"), next)
    })?;
    Ok(shown.to_string())
}

/// That the key is one, and that only we can read its file, was checked when the settings were read.
fn secret_key_file(config: &Config) -> CheckResult {
    if !config::is_kept(&config.secret_key, &config.data_dir) {
        return Ok("not needed: the key is set in VOUCH_SECRET_KEY".to_owned());
    }
    let file = config.data_dir.join(SECRET_KEY_FILE);
    let shown = file.display();
    let found = fs::metadata(&file).map_err(|cause| {
        problem(format!("can't read {shown}: {cause}"), format!("run `ls -l {shown}`"))
    })?;
    if os::effective_uid() != 0 && found.uid() != os::effective_uid() {
        let next = format!("run `chown {} {shown}`", os::effective_uid());
        return Err(problem(format!("another user owns {shown}"), next));
    }
    Ok(format!(
        "{shown}, only readable by its owner; keep a copy apart from the database's backups"
    ))
}

fn disk(folder: &Path) -> CheckResult {
    let free = os::free_space(folder)
        .map_err(|cause| problem(cause.to_string(), "set VOUCH_DATA to a folder that is there"))?;
    let mebibytes = free / (1024 * 1024);
    if free < MIN_FREE_SPACE {
        return Err(problem(
            format!("only {mebibytes} MiB are free where {} is", folder.display()),
            "make room, or move the folder and set VOUCH_DATA",
        ));
    }
    Ok(format!("{mebibytes} MiB free"))
}
