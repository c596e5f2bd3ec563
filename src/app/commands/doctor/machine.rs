//! The data folder, the disk.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::report::{CheckResult, Report, problem};
use super::text;
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
    let found =
        fs::metadata(folder).map_err(|cause| problem(text::folder_unreadable(folder, cause)))?;
    if found.mode() & 0o022 != 0 {
        return Err(problem(text::folder_writable_by_others(folder)));
    }
    let probe = folder.join(format!("doctor-{}", std::process::id()));
    fs::write(&probe, "")
        .and_then(|()| fs::remove_file(&probe))
        .map_err(|cause| problem(text::folder_unwritable(folder, cause)))?;
    Ok(folder.display().to_string())
}

/// That the key is one, and that only we can read its file, was checked when the settings were read.
fn secret_key_file(config: &Config) -> CheckResult {
    if !config::is_kept(&config.secret_key, &config.data_dir) {
        return Ok(text::KEY_FILE_NOT_NEEDED.to_owned());
    }
    let file = config.data_dir.join(SECRET_KEY_FILE);
    let shown = file.display();
    let found =
        fs::metadata(&file).map_err(|cause| problem(text::key_file_unreadable(&shown, cause)))?;
    if os::effective_uid() != 0 && found.uid() != os::effective_uid() {
        return Err(problem(text::key_file_owned_by_another(&shown, os::effective_uid())));
    }
    Ok(text::key_file(shown))
}

fn disk(folder: &Path) -> CheckResult {
    let free = os::free_space(folder).map_err(|cause| problem(text::disk_unknown(cause)))?;
    let mebibytes = free / (1024 * 1024);
    if free < MIN_FREE_SPACE {
        return Err(problem(text::disk_full(mebibytes, folder)));
    }
    Ok(text::disk(mebibytes))
}
