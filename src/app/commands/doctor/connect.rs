//! Connects to the database, or says why that fails.

use diesel::PgConnection;

use super::report::{Issue, problem};
use super::text;
use crate::kit::db::connect;
use crate::kit::db::migrate::MigrateError;

/// Connects to the database at `url`, which `setting` names.
pub(super) fn connect(url: &str, setting: &str) -> Result<PgConnection, Issue> {
    connect::establish_for_command(url).map_err(|error| {
        let said = MigrateError::Connect(error).to_string();
        problem(text::cannot_connect(&said, setting))
    })
}
