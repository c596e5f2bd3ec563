//! Saving what was looked at: all of it in one transaction.

use diesel::prelude::*;
use serde_json::json;

use super::judge::{Counts, Judged, Verdict, judge};
use super::model::{Import, LeftOut, Problem, leave_out, rows};
use crate::audit::{Act, Actor, record};
use crate::code_requests;
use crate::db::schema::imports;
use crate::triggers::{NewTrigger, Reach, create_all};

/// What somebody decided who has looked at the rows.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// Create excluded codes as well.
    pub override_exclusions: bool,
    /// Create codes that look changed by a spreadsheet as they are; none where that was not decided.
    pub keep_changed: Option<bool>,
    /// Whether the codes go into the stores.
    pub reach: Reach,
    /// How many rows of each kind there were when they looked.
    pub seen: Counts,
}

impl Choice {
    fn wants(&self, judged: &Judged) -> bool {
        let is_excluded = matches!(judged.verdict, Verdict::Excluded(_));
        (self.override_exclusions || !is_excluded)
            && (self.keep_changed == Some(true) || !judged.is_changed())
            && (self.reach == Reach::VouchOnly || judged.existing_only().is_none())
    }
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
    /// Rows look changed by a spreadsheet, and nobody said what to do with them; nothing was saved.
    Undecided(Import, Vec<Judged>),
    /// There is nothing to create; nothing was saved.
    Nothing(Import, Vec<Judged>),
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
    let counts = Counts::of(&judged);
    if counts != choice.seen {
        return Ok(Completed::Changed(import, judged));
    }
    if counts.changed > 0 && choice.keep_changed.is_none() {
        return Ok(Completed::Undecided(import, judged));
    }
    let wanted = judged.iter().filter(|one| choice.wants(one));
    let new: Vec<NewTrigger<'_>> = wanted.filter_map(Judged::new_trigger).collect();
    if new.is_empty() {
        return Ok(Completed::Nothing(import, judged));
    }
    let cause = format!("Conversion triggers were created from {}", import.file_name);
    let created = create_all(conn, actor, &new, choice.reach, &cause)?;
    let is_created = |one: &&Judged| {
        choice.wants(one)
            && one
                .new_trigger()
                .is_some_and(|new| created.contains_key(&(new.kind, new.value.key.as_str())))
    };
    let left_out: Vec<LeftOut> =
        judged.iter().filter(|one| !is_created(one)).map(|one| left_out(one, &choice)).collect();
    leave_out(conn, merchant_id, import_id, &left_out)?;
    let made: Vec<&Judged> = judged.iter().filter(is_created).collect();
    let import = finish(conn, actor, import_id, &made)?;
    record_completed(conn, actor, &import, choice, &made)?;
    Ok(Completed::Done(import))
}

fn left_out(one: &Judged, choice: &Choice) -> LeftOut {
    let line = one.row.line;
    let is_unconfirmed = one.is_changed() && choice.keep_changed != Some(true);
    let is_existing_only = one.existing_only().is_some() && choice.reach == Reach::Stores;
    let problem = match one.row.problem {
        _ if is_unconfirmed => Some(Problem::LooksChanged),
        _ if is_existing_only => Some(Problem::ExistingOnly),
        problem => problem,
    };
    let words = || one.reason().unwrap_or_else(|| TAKEN_NOW.to_owned());
    let refusal = if problem.is_none() { Some(words()) } else { None };
    LeftOut { line, problem, refusal }
}

/// Somebody was quicker by an instant.
const TAKEN_NOW: &str = "Somebody took it a moment ago.";

fn despite<'a>(made: &[&'a Judged]) -> Vec<NewTrigger<'a>> {
    let new = made.iter().filter_map(|one| one.new_trigger());
    new.filter(|new| new.excluded.is_some()).collect()
}

fn changed<'a>(made: &[&'a Judged]) -> Vec<&'a str> {
    made.iter().filter(|one| one.is_changed()).map(|one| one.text.as_str()).collect()
}

fn finish(
    conn: &mut PgConnection,
    actor: &Actor,
    import_id: i64,
    made: &[&Judged],
) -> QueryResult<Import> {
    let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    diesel::update(imports::table.find((actor.merchant_id, import_id)))
        .set((
            imports::completed_at.eq(actor.now),
            imports::completed_by.eq(&actor.name),
            imports::created_count.eq(count(made.len())),
            imports::despite_count.eq(count(despite(made).len())),
            imports::changed_count.eq(count(changed(made).len())),
        ))
        .returning(Import::as_returning())
        .get_result(conn)
}

fn record_completed(
    conn: &mut PgConnection,
    actor: &Actor,
    import: &Import,
    choice: Choice,
    made: &[&Judged],
) -> QueryResult<()> {
    let triggers = if import.created_count == 1 { "trigger" } else { "triggers" };
    let mut summary =
        format!("Created {} conversion {triggers} from {}", import.created_count, import.file_name);
    let despite = despite(made);
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
            "confirmed_although_changed": changed(made),
            "only_in_vouch": choice.reach == Reach::VouchOnly,
        })),
    };
    record(conn, actor, act)
}
