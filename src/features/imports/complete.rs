//! Decides to save an import that a member has reviewed.

use diesel::prelude::*;

use super::check::{CheckedRow, ImportCounts, check};
use super::choice::ImportDecisions;
use super::model::{Import, SkippedRow, rows, skip};
use super::run::{ImportRun, portion, skipped};
use crate::features::availability::lock_codes_shared;
use crate::kit::audit::Actor;

/// The result.
#[derive(Debug)]
pub(crate) enum Completed {
    /// The first triggers are saved, or all of them if the import is completed.
    Begun(Import),
    /// It had already begun.
    Already(Import),
    /// Other rows are fine or excluded than when the member looked. Nothing was saved.
    Changed(Import, Vec<CheckedRow>),
    /// A spreadsheet seems to have changed rows, and the member hasn't chosen what to do with them.
    /// Nothing was saved.
    Undecided(Import, Vec<CheckedRow>),
    /// There's nothing to create. Nothing was saved.
    Nothing(Import, Vec<CheckedRow>),
}

/// Starts to create the triggers of an import, with their pushes, and stores the other rows as
/// rejected. Up to [`PORTION`](super::PORTION) triggers are created immediately. The workers create
/// the rest.
pub(crate) fn complete(
    conn: &mut PgConnection,
    actor: &Actor,
    import_id: i64,
    choice: ImportDecisions,
) -> QueryResult<Completed> {
    let merchant_id = actor.merchant_id;
    let import = Import::lock(conn, merchant_id, import_id)?;
    if !import.is_open() {
        return Ok(Completed::Already(import));
    }
    lock_codes_shared(conn, merchant_id)?;
    let all = rows(conn, merchant_id, import_id)?;
    let checked = check(conn, merchant_id, all, actor.now)?;
    let counts = ImportCounts::of(&checked);
    if counts != choice.seen {
        return Ok(Completed::Changed(import, checked));
    }
    if counts.changed > 0 && choice.keep_changed.is_none() {
        return Ok(Completed::Undecided(import, checked));
    }
    let is_wanted = |one: &CheckedRow| choice.wants(one) && one.new_trigger().is_some();
    let others = checked.iter().filter(|one| !is_wanted(one));
    let others: Vec<SkippedRow> = others.map(|one| skipped(one, &choice)).collect();
    if others.len() == checked.len() {
        return Ok(Completed::Nothing(import, checked));
    }
    skip(conn, &import, &others)?;
    let import = ImportRun::of(actor, &choice).begin(conn, &import)?;
    portion(conn, &import, actor.now).map(Completed::Begun)
}
