use std::sync::LazyLock;
use std::time::UNIX_EPOCH;

/// The build of Vouch: its version, and when its program file was last modified. Builds from source
/// can share a version.
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
