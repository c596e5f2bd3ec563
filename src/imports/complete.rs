//! Saving what was looked at: all of it in one transaction.

use diesel::prelude::*;
use serde_json::json;

use super::judge::{Judged, Verdict, judge};
use super::model::{Import, refuse, rows};
use crate::audit::{Act, Actor, record};
use crate::code_requests;
use crate::db::schema::imports;
use crate::triggers::{NewTrigger, Reach, create_all};

/// What somebody decided who has looked at the rows.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// Create excluded codes as well.
    pub override_exclusions: bool,
    /// Whether the codes go into the stores.
    pub reach: Reach,
    /// How many rows were fine, and how many excluded, when they looked.
    pub seen: (usize, usize),
}

/// What came of it.
#[derive(Debug)]
pub enum Completed {
    /// The triggers are there.
    Done(Import),
    /// They were before.
    Already(Import),
    /// Other rows are fine or excluded than when somebody looked; nothing was saved.
    Changed(Import, Vec<Judged>),
    /// There is nothing to create; nothing was saved.
    Nothing(Import, Vec<Judged>),
}

/// How many rows are fine, and how many are excluded.
pub(super) fn counts(judged: &[Judged]) -> (usize, usize) {
    let count = |is: fn(&Verdict) -> bool| judged.iter().filter(|one| is(&one.verdict)).count();
    (
        count(|verdict| *verdict == Verdict::Fine),
        count(|verdict| matches!(verdict, Verdict::Excluded(_))),
    )
}

/// Creates the triggers of an import, with their pushes, and keeps the other rows as refused.
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
    if import.completed_at.is_some() {
        return Ok(Completed::Already(import));
    }
    code_requests::hold_against_requests(conn, merchant_id)?;
    let all = rows(conn, merchant_id, import_id)?;
    let judged = judge(conn, merchant_id, all, actor.now)?;
    if counts(&judged) != choice.seen {
        return Ok(Completed::Changed(import, judged));
    }
    let is_wanted = |new: &NewTrigger<'_>| choice.override_exclusions || new.excluded.is_none();
    let wanted: Vec<NewTrigger<'_>> =
        judged.iter().filter_map(Judged::new_trigger).filter(is_wanted).collect();
    if wanted.is_empty() {
        return Ok(Completed::Nothing(import, judged));
    }
    let cause = format!("Conversion triggers were created from {}", import.file_name);
    let created = create_all(conn, actor, &wanted, choice.reach, &cause)?;
    let is_created = |new: &NewTrigger<'_>| {
        is_wanted(new) && created.contains_key(&(new.kind, new.value.key.as_str()))
    };
    let refusals: Vec<(i32, String)> = judged
        .iter()
        .filter(|one| !one.new_trigger().is_some_and(|new| is_created(&new)))
        .map(|one| (one.row.line, one.reason().unwrap_or_else(|| TAKEN_NOW.to_owned())))
        .collect();
    refuse(conn, merchant_id, import_id, &refusals)?;
    let despite: Vec<&NewTrigger<'_>> =
        wanted.iter().filter(|new| new.excluded.is_some() && is_created(new)).collect();
    let import = finish(conn, actor, import_id, created.len(), despite.len())?;
    record_completed(conn, actor, &import, choice, &despite)?;
    Ok(Completed::Done(import))
}

/// Somebody was quicker by an instant.
const TAKEN_NOW: &str = "Somebody took it a moment ago.";

fn finish(
    conn: &mut PgConnection,
    actor: &Actor,
    import_id: i64,
    created: usize,
    despite: usize,
) -> QueryResult<Import> {
    let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    diesel::update(imports::table.find((actor.merchant_id, import_id)))
        .set((
            imports::completed_at.eq(actor.now),
            imports::completed_by.eq(&actor.name),
            imports::created_count.eq(count(created)),
            imports::despite_count.eq(count(despite)),
        ))
        .returning(Import::as_returning())
        .get_result(conn)
}

fn record_completed(
    conn: &mut PgConnection,
    actor: &Actor,
    import: &Import,
    choice: Choice,
    despite: &[&NewTrigger<'_>],
) -> QueryResult<()> {
    let triggers = if import.created_count == 1 { "trigger" } else { "triggers" };
    let mut summary =
        format!("Created {} conversion {triggers} from {}", import.created_count, import.file_name);
    if !despite.is_empty() {
        summary.push_str(&format!(", {} of them although exclusions stop them", despite.len()));
    }
    summary.push('.');
    let overridden: Vec<_> = despite
        .iter()
        .map(|new| json!({ "code": new.value.value, "exclusion": new.excluded.map(|e| &e.value) }))
        .collect();
    let act = Act {
        action: "trigger.imported",
        subject_kind: "trigger",
        subject_id: None,
        summary,
        before: None,
        after: Some(json!({
            "import_id": import.id,
            "created": import.created_count,
            "refused": import.refused_count(),
            "override_exclusions": choice.override_exclusions,
            "overridden": overridden,
            "only_in_vouch": choice.reach == Reach::VouchOnly,
        })),
    };
    record(conn, actor, act)
}
