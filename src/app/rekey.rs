//! Keys that Vouch works out and writes down, worked out again where its rules are newer than those
//! in the database: after the migrations, under their lock. docs/codes.md says when.

use diesel::PgConnection;
use diesel::prelude::*;

use crate::features::{exclusions, triggers};
use crate::kit::db::schema::derived_keys;
use crate::kit::db::{Scope, in_scope};

type Rekey = fn(&mut PgConnection) -> QueryResult<()>;

/// Each kind of key: its name, by which rules it's worked out, and how that is done again. Look-alike
/// keys come of code keys, so they come last.
const KINDS: [(&str, i32, Rekey); 2] = [
    ("code", vouch_core::code::VERSION, triggers::rekey),
    ("look_alike", exclusions::look_alike::VERSION, exclusions::rekey),
];

/// Works out again what was worked out by older rules: one transaction for each kind of key.
///
/// # Errors
/// The database's; the kind that failed is as it was before.
pub fn run(conn: &mut PgConnection) -> QueryResult<()> {
    for (name, version, rekey) in KINDS {
        in_scope(conn, Scope::Instance, |conn| {
            let row = derived_keys::table.find(name);
            let held: i32 = row.select(derived_keys::version).first(conn)?;
            if held >= version {
                return Ok(());
            }
            rekey(conn)?;
            diesel::update(row).set(derived_keys::version.eq(version)).execute(conn)?;
            tracing::info!(name, version, "keys_derived");
            QueryResult::Ok(())
        })?;
    }
    Ok(())
}
