use std::sync::LazyLock;
use std::time::UNIX_EPOCH;

/// Which build of Vouch this is: its version, and when its program file was made. The version alone
/// stays the same where Vouch is built from source.
pub fn build() -> &'static str {
    static BUILD: LazyLock<String> = LazyLock::new(|| {
        let modified = std::env::current_exe()
            .and_then(std::fs::metadata)
            .and_then(|file| file.modified())
            .ok()
            .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let seconds = modified.map_or(0, |since| since.as_secs());
        format!("{} {seconds}", env!("CARGO_PKG_VERSION"))
    });
    &BUILD
}
