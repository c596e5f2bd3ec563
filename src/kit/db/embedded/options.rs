use std::path::PathBuf;

/// The application's role, and the name of its database.
pub(super) const APP_ROLE: &str = "vouch";
/// The owner of the database and its contents.
pub(super) const OWNER_ROLE: &str = "vouch_owner";
/// The superuser of the cluster.
pub(super) const ADMIN_ROLE: &str = "vouch_admin";

/// The options for starting an embedded server.
#[derive(Debug, Clone, Default)]
pub struct EmbeddedOptions {
    /// The data folder, which must exist.
    pub data_dir: PathBuf,
    /// The folder of `postgres` and `initdb`; Vouch searches for it if it's none.
    pub pg_bin: Option<PathBuf>,
    /// Additional server settings for tests and benchmarks, for example `fsync`, `off`.
    pub extra_settings: Vec<(String, String)>,
}
