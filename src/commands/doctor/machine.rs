//! The data folder, the key, the disk.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{Finding, Report};
use crate::config::{self, Config, SECRET_KEY_FILE};
use crate::os;

/// Below this a busy day, or one large import, can fill the disk; and a full disk stops the
/// intake of orders.
const LEAST_SPACE: u64 = 1024 * 1024 * 1024;

pub(super) fn examine(config: &Config, report: &mut Report) {
    report.note("data folder", data_folder(&config.data_dir));
    report.note("secret key", secret_key(config));
    report.note("disk", disk(&config.data_dir));
}

fn data_folder(folder: &Path) -> Finding {
    let shown = folder.display();
    let found = fs::metadata(folder).map_err(|cause| format!("cannot read {shown}: {cause}"))?;
    if found.mode() & 0o022 != 0 {
        return Err(format!("others can write to {shown}: run `chmod go-w {shown}`"));
    }
    let probe = folder.join(format!("doctor-{}", std::process::id()));
    fs::write(&probe, "")
        .and_then(|()| fs::remove_file(&probe))
        .map_err(|cause| format!("cannot write to {shown}: {cause}"))?;
    Ok(shown.to_string())
}

/// That the key is one, and that only we can read its file, was settled when the settings were
/// read: without that there is no start.
fn secret_key(config: &Config) -> Finding {
    if !config::is_kept(&config.secret_key, &config.data_dir) {
        return Ok("given in VOUCH_SECRET_KEY".to_owned());
    }
    let file = config.data_dir.join(SECRET_KEY_FILE);
    let shown = file.display();
    let found = fs::metadata(&file).map_err(|cause| format!("cannot read {shown}: {cause}"))?;
    if owned_by_another(&found) {
        let ourselves = os::effective_uid();
        return Err(format!("another user owns {shown}: run `chown {ourselves} {shown}`"));
    }
    Ok(format!("{shown}, for nobody else to read; keep a copy apart from the database's backups"))
}

fn owned_by_another(file: &Metadata) -> bool {
    os::effective_uid() != 0 && file.uid() != os::effective_uid()
}

fn disk(folder: &Path) -> Finding {
    let free = os::free_space(folder).map_err(|cause| cause.to_string())?;
    let mebibytes = free / (1024 * 1024);
    if free < LEAST_SPACE {
        return Err(format!(
            "only {mebibytes} MiB are free where {} is: make room, or move the folder and set VOUCH_DATA",
            folder.display()
        ));
    }
    Ok(format!("{mebibytes} MiB free"))
}
