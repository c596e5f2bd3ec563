//! Creating the triggers of a file in portions, each in a transaction of its own. What is left to create
//! is what `import_rows` has without a problem and a refusal, so that a portion that is broken off is
//! done by the next worker, and none is done twice.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::check::{CheckedRow, check};
use super::choice::ImportDecisions;
use super::model::{Import, SkippedRow, created, next_rows, skip};
use crate::features::audit::{Act, AuditEvent};
use crate::features::availability::lock_codes_shared;
use crate::features::triggers::{NewTrigger, Reach, create_all};
use crate::kit::audit::{Actor, ActorKind, SubjectKind, record};
use crate::kit::clock;
use crate::kit::db::schema::imports;
use crate::kit::db::{Db, Scope};
use crate::kit::error::AppResult;
use crate::kit::supervise::{Stop, contained};

/// As many rows are created in one transaction. A smaller file is saved as a whole or not at all.
pub const PORTION: usize = 1_000;
/// A run ends after this time, so that a worker that is told to stop does.
const MAX_RUN_TIME: Duration = Duration::from_secs(1);

/// An import that is being saved: who decided it, what they decided, and what came of it so far.
#[derive(Serialize, Deserialize)]
pub(super) struct ImportRun {
    kind: ActorKind,
    user_id: Option<i64>,
    name: String,
    came_from: Option<String>,
    override_exclusions: bool,
    keep_changed: Option<bool>,
    only_in_vouch: bool,
    /// Excluded codes that were created, each with the exclusion.
    overridden: Vec<serde_json::Value>,
    /// Codes that look changed and were created.
    confirmed: Vec<String>,
}

impl ImportRun {
    pub(super) fn of(actor: &Actor, choice: &ImportDecisions) -> Self {
        Self {
            kind: actor.kind,
            user_id: actor.user_id,
            name: actor.name.clone(),
            came_from: actor.came_from.clone(),
            override_exclusions: choice.override_exclusions,
            keep_changed: choice.keep_changed,
            only_in_vouch: choice.reach == Reach::VouchOnly,
            overridden: Vec::new(),
            confirmed: Vec::new(),
        }
    }

    /// The run of an import, while there is one.
    fn of_import(import: &Import) -> Option<Self> {
        serde_json::from_value(import.run.clone()?).ok()
    }

    pub(super) fn begin(&self, conn: &mut PgConnection, import: &Import) -> QueryResult<Import> {
        diesel::update(imports::table.find((import.merchant_id, import.id)))
            .set(imports::run.eq(Some(self.json()?)))
            .returning(Import::as_returning())
            .get_result(conn)
    }

    fn json(&self) -> QueryResult<serde_json::Value> {
        serde_json::to_value(self)
            .map_err(|error| diesel::result::Error::SerializationError(error.into()))
    }

    fn actor(&self, merchant_id: i64, now: DateTime<Utc>) -> Actor {
        Actor {
            merchant_id,
            kind: self.kind,
            user_id: self.user_id,
            name: self.name.clone(),
            came_from: self.came_from.clone(),
            now,
        }
    }

    fn choice(&self) -> ImportDecisions {
        ImportDecisions {
            override_exclusions: self.override_exclusions,
            keep_changed: self.keep_changed,
            reach: if self.only_in_vouch { Reach::VouchOnly } else { Reach::Stores },
            seen: Default::default(),
        }
    }

    fn note(&mut self, made: &[&CheckedRow]) {
        let overridden = made.iter().filter_map(|one| one.new_trigger()).filter_map(|new| {
            let exclusion = new.excluded?;
            Some(json!({ "code": new.value.value, "exclusion": exclusion.value }))
        });
        self.overridden.extend(overridden);
        let changed = made.iter().filter(|one| one.is_changed());
        self.confirmed.extend(changed.map(|one| one.text.clone()));
    }
}

/// Creates the next [`PORTION`] of a running import, which is locked; answers it as it is then.
pub(super) fn portion(
    conn: &mut PgConnection,
    import: &Import,
    now: DateTime<Utc>,
) -> QueryResult<Import> {
    let Some(mut run) = ImportRun::of_import(import) else { return Ok(import.clone()) };
    let actor = run.actor(import.merchant_id, now);
    let choice = run.choice();
    lock_codes_shared(conn, import.merchant_id)?;
    let mut rows = next_rows(conn, import, PORTION + 1)?;
    let is_last = rows.len() <= PORTION;
    rows.truncate(PORTION);
    let checked = check(conn, import.merchant_id, rows, now)?;
    let wanted = checked.iter().filter(|one| choice.wants(one));
    let new: Vec<NewTrigger<'_>> = wanted.filter_map(CheckedRow::new_trigger).collect();
    let cause = format!("Conversion triggers were created from {}", import.file_name);
    let ids = create_all(conn, &actor, &new, choice.reach, &cause)?;
    let is_created = |one: &&CheckedRow| {
        let new = one.new_trigger().filter(|_| choice.wants(one));
        new.is_some_and(|new| ids.contains_key(&new.value.id()))
    };
    let (made, others): (Vec<&CheckedRow>, Vec<&CheckedRow>) = checked.iter().partition(is_created);
    let is_lost = |one: &&CheckedRow| choice.wants(one) && one.new_trigger().is_some();
    let (lost, others): (Vec<&CheckedRow>, Vec<&CheckedRow>) =
        others.into_iter().partition(is_lost);
    // Others got these while the portion ran: asked again, it says who.
    let lost = lost.into_iter().map(|one| one.row.clone()).collect();
    let lost = check(conn, import.merchant_id, lost, now)?;
    let others = others.into_iter().chain(&lost);
    let others: Vec<SkippedRow> = others.map(|one| skipped(one, &choice)).collect();
    skip(conn, import, &others)?;
    let lines: Vec<i32> = made.iter().map(|one| one.row.line).collect();
    created(conn, import, &lines)?;
    run.note(&made);
    let import = keep(conn, import, &run, &actor, made.len(), is_last)?;
    if is_last {
        record_completed(conn, &actor, &import, &run)?;
    }
    Ok(import)
}

/// A row that isn't created, with the reason.
pub(super) fn skipped(one: &CheckedRow, choice: &ImportDecisions) -> SkippedRow {
    let problem = choice.problem_of(one);
    let refusal = if problem.is_none() { one.reason() } else { None };
    SkippedRow { line: one.row.line, problem, refusal }
}

fn keep(
    conn: &mut PgConnection,
    import: &Import,
    run: &ImportRun,
    actor: &Actor,
    made: usize,
    is_last: bool,
) -> QueryResult<Import> {
    let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    let json = run.json()?;
    diesel::update(imports::table.find((import.merchant_id, import.id)))
        .set((
            imports::run.eq((!is_last).then_some(json)),
            imports::completed_at.eq(is_last.then_some(actor.now)),
            imports::completed_by.eq(is_last.then_some(&actor.name)),
            imports::created_count.eq(imports::created_count + count(made)),
            imports::despite_count.eq(count(run.overridden.len())),
            imports::changed_count.eq(count(run.confirmed.len())),
        ))
        .returning(Import::as_returning())
        .get_result(conn)
}

fn record_completed(
    conn: &mut PgConnection,
    actor: &Actor,
    import: &Import,
    run: &ImportRun,
) -> QueryResult<()> {
    let event = AuditEvent::TriggersImported {
        count: import.created_count,
        file: import.file_name.clone(),
        overridden: run.overridden.len(),
    };
    let act = Act {
        after: Some(json!({
            "import_id": import.id,
            "created": import.created_count,
            "refused": import.refused_count(),
            "override_exclusions": run.override_exclusions,
            "overridden": run.overridden,
            "confirmed_although_changed": run.confirmed,
            "only_in_vouch": run.only_in_vouch,
        })),
        ..Act::new(event, SubjectKind::Trigger, None)
    };
    record(conn, actor, act)
}

/// Runs portions of the running imports for a worker. Returns how many triggers were created.
///
/// # Errors
/// The database's. A portion that fails is done again by a later run.
pub fn run_due(db: &Db, stop: &Stop) -> AppResult<usize> {
    let begun = Instant::now();
    let mut total = 0;
    while begun.elapsed() < MAX_RUN_TIME && !stop.is_asked() {
        let Some(created) = round(db, stop)? else { break };
        total += created;
    }
    Ok(total)
}

/// Runs until no import is running. For tests.
pub fn drain(db: &Db) -> AppResult<()> {
    while round(db, &Stop::default())?.is_some() {}
    Ok(())
}

/// A portion of every import that runs; `None` if there is none. One that another worker has is passed
/// over, and one that fails or panics keeps none of the others.
fn round(db: &Db, stop: &Stop) -> AppResult<Option<usize>> {
    let running: Vec<(i64, i64)> = db.run_blocking(Scope::Instance, |conn| {
        imports::table
            .filter(imports::run.is_not_null())
            .select((imports::merchant_id, imports::id))
            .order((imports::merchant_id, imports::id))
            .load(conn)
    })?;
    let (mut total, mut failed) = (None, None);
    for (merchant_id, id) in running {
        if stop.is_asked() {
            break;
        }
        let created = contained(|| {
            db.run_blocking(Scope::Merchant(merchant_id), |conn| {
                let Some(import) = Import::take(conn, merchant_id, id)? else { return Ok(None) };
                let after = portion(conn, &import, clock::now())?;
                QueryResult::Ok(Some(after.created_count - import.created_count))
            })
        });
        match created {
            Ok(Some(count)) => {
                total = Some(total.unwrap_or(0) + usize::try_from(count).unwrap_or(0));
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(merchant_id, import_id = id, %error, "import_batch_failed");
                failed = Some(error);
            }
        }
    }
    failed.map_or(Ok(total), Err)
}
