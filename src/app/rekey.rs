//! Recalculates stored keys when Vouch's rules are newer than those in the database. Runs after the
//! migrations, under their lock. See docs/codes.md.

use diesel::PgConnection;
use diesel::prelude::*;

use crate::features::{exclusions, triggers};
use crate::kit::db::schema::derived_keys;
use crate::kit::db::{Scope, in_scope};

type Rekey = fn(&mut PgConnection) -> QueryResult<()>;

/// Each kind of key: its name, the version of its rules, and the function that recalculates it.
/// Look-alike keys are derived from code keys, so they come last.
const KINDS: [(&str, i32, Rekey); 2] = [
    ("code", vouch_core::code::VERSION, triggers::rekey),
    ("look_alike", exclusions::look_alike::VERSION, exclusions::rekey),
];

/// Recalculates keys with outdated rules, in one transaction per kind. If one fails, that kind
/// stays unchanged.
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
            tracing::info!(name, version, "keys_recalculated");
            QueryResult::Ok(())
        })?;
    }
    Ok(())
}
