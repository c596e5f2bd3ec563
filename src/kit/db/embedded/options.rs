use std::path::PathBuf;

/// The application's role, and the name of its database.
pub(super) const APP_ROLE: &str = "vouch";
/// The owner of the database and of what is in it.
pub(super) const OWNER_ROLE: &str = "vouch_owner";
/// The superuser of the cluster.
pub(super) const ADMIN_ROLE: &str = "vouch_admin";

/// What an embedded server is started with.
#[derive(Debug, Clone, Default)]
pub struct EmbeddedOptions {
    /// The data folder. It exists.
    pub data_dir: PathBuf,
    /// The folder of `postgres` and `initdb`; searched for when not given.
    pub pg_bin: Option<PathBuf>,
    /// Settings of the server beyond the usual ones, for tests and measurements: `fsync`, `off`.
    pub extra_settings: Vec<(String, String)>,
}
