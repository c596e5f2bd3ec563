//! Why the database can't be reached, and what to do.

use diesel::PgConnection;

use super::report::{Issue, problem};
use crate::kit::db::connect;
use crate::kit::db::migrate::MigrateError;

/// What PostgreSQL or libpq says, and what to do next; in the order in which they're looked for.
const REMEDIES: [(&str, &str); 8] = [
    ("password authentication failed", "check the user and the password in {setting}"),
    ("no password supplied", "add the password to {setting}"),
    ("no pg_hba.conf entry", "allow this machine in pg_hba.conf on the database server"),
    (
        "does not exist",
        "check the names in {setting}; README.md has the lines that make role and database",
    ),
    ("could not translate host name", "check the host name in {setting}"),
    ("too many", "close other programs' connections, or raise max_connections on the server"),
    ("starting up", "wait until the database server has started"),
    ("Connection refused", "start PostgreSQL, or check host and port in {setting}"),
];

/// Connects to the database at `url`, which `setting` names.
pub(super) fn connect(url: &str, setting: &str) -> Result<PgConnection, Issue> {
    connect::establish_for_command(url).map_err(|error| {
        let said = MigrateError::Connect(error).to_string();
        let found = REMEDIES.iter().find(|(words, _)| said.contains(words));
        let remedy =
            found.map_or("check {setting}, and that PostgreSQL runs there", |found| found.1);
        problem(said, remedy.replace("{setting}", setting))
    })
}
