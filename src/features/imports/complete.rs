//! Deciding to save what was looked at.

use diesel::prelude::*;

use super::choice::Choice;
use super::judge::{Counts, Judged, judge};
use super::model::{Import, LeftOut, leave_out, rows};
use super::run::{Run, left_out, portion};
use crate::features::availability::lock_codes_shared;
use crate::kit::audit::Actor;

/// What came of it.
#[derive(Debug)]
pub enum Completed {
    /// The first triggers are there, and all of them where the import is completed.
    Begun(Import),
    /// It was begun before.
    Already(Import),
    /// Other rows are fine or excluded than when somebody looked; nothing was saved.
    Changed(Import, Vec<Judged>),
    /// Rows look changed by a spreadsheet, and nobody said what to do with them; nothing was saved.
    Undecided(Import, Vec<Judged>),
    /// There is nothing to create; nothing was saved.
    Nothing(Import, Vec<Judged>),
}

/// Begins to create the triggers of an import, with their pushes, and keeps the other rows as refused. A
/// file of up to [`PORTION`](super::PORTION) such rows is done at once, the rest of a larger one by the
/// workers.
///
/// # Errors
/// `NotFound` when the merchant has no such import.
pub fn complete(
    conn: &mut PgConnection,
    actor: &Actor,
    import_id: i64,
    choice: Choice,
) -> QueryResult<Completed> {
    let merchant_id = actor.merchant_id;
    let import = Import::lock(conn, merchant_id, import_id)?;
    if !import.is_open() {
        return Ok(Completed::Already(import));
    }
    lock_codes_shared(conn, merchant_id)?;
    let all = rows(conn, merchant_id, import_id)?;
    let judged = judge(conn, merchant_id, all, actor.now)?;
    let counts = Counts::of(&judged);
    if counts != choice.seen {
        return Ok(Completed::Changed(import, judged));
    }
    if counts.changed > 0 && choice.keep_changed.is_none() {
        return Ok(Completed::Undecided(import, judged));
    }
    let is_wanted = |one: &Judged| choice.wants(one) && one.new_trigger().is_some();
    let others = judged.iter().filter(|one| !is_wanted(one));
    let others: Vec<LeftOut> = others.map(|one| left_out(one, &choice)).collect();
    if others.len() == judged.len() {
        return Ok(Completed::Nothing(import, judged));
    }
    leave_out(conn, &import, &others)?;
    let import = Run::of(actor, &choice).begin(conn, &import)?;
    portion(conn, &import, actor.now).map(Completed::Begun)
}
