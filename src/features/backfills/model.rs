use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use vouch_platforms::{Reason, TimeRange};

use super::text;
use crate::features::audit::{Act, AuditEvent};
use crate::features::stores::Store;
use crate::features::stores::jobs::{self, enqueue_periodic};
use crate::kit::audit::{Actor, SubjectKind, record};
use crate::kit::db::schema::backfills;
use crate::kit::jobs::last_problem;

/// The import of a period that a member requested.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = backfills)]
pub(crate) struct Backfill {
    /// The ID within the merchant.
    pub(crate) id: i64,
    /// Orders that changed from this time on are imported.
    pub(crate) period_from: DateTime<Utc>,
    /// Orders that changed up to this time are imported.
    pub(crate) period_until: DateTime<Utc>,
    /// The member's name.
    pub(crate) requested_by: String,
    pub(crate) requested_at: DateTime<Utc>,
    pub(super) cursor: Option<String>,
    /// How many orders have been imported so far.
    pub(crate) read_count: i64,
    /// How many of them were new to Vouch.
    pub(crate) new_count: i64,
    /// How many of them had changed.
    pub(crate) changed_count: i64,
    pub(crate) finished_at: Option<DateTime<Utc>>,
}

/// Why a backfill can't begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    /// A store has one unfinished backfill at a time.
    #[error("{}", text::RUNNING)]
    Running,
    #[error(transparent)]
    Database(#[from] Error),
}

/// Requests the import of the orders of `period`. Fails with [`AskError::Running`] while another
/// period of the store is being imported.
pub(crate) fn ask(
    conn: &mut PgConnection,
    actor: &Actor,
    store: &Store,
    period: &TimeRange,
) -> Result<(), AskError> {
    conn.transaction(|conn| {
        diesel::insert_into(backfills::table)
            .values((
                backfills::merchant_id.eq(store.merchant_id),
                backfills::store_id.eq(store.id),
                backfills::period_from.eq(period.from),
                backfills::period_until.eq(period.until),
                backfills::requested_by.eq(&actor.name),
                backfills::requested_at.eq(actor.now),
            ))
            .execute(conn)
            .map_err(|error| match error {
                Error::DatabaseError(DatabaseErrorKind::UniqueViolation, ref info)
                    if info.constraint_name() == Some("backfills_one_unfinished") =>
                {
                    AskError::Running
                }
                error => AskError::Database(error),
            })?;
        let event = AuditEvent::OrderImportRequested {
            store: store.name.clone(),
            from: period.from,
            until: period.until,
        };
        let act = Act::new(event, SubjectKind::Store, Some(store.id));
        record(conn, actor, act)?;
        enqueue_periodic(conn, store.merchant_id, store.id, jobs::IMPORT_ORDERS, actor.now)?;
        Ok(())
    })
}

/// The latest backfills that members requested, the newest first.
pub(crate) fn latest(
    conn: &mut PgConnection,
    store: &Store,
    limit: i64,
) -> QueryResult<Vec<Backfill>> {
    backfills::table
        .filter(backfills::merchant_id.eq(store.merchant_id))
        .filter(backfills::store_id.eq(store.id))
        .order(backfills::id.desc())
        .limit(limit)
        .select(Backfill::as_select())
        .load(conn)
}

pub(super) fn unfinished(conn: &mut PgConnection, store: &Store) -> QueryResult<Option<Backfill>> {
    backfills::table
        .filter(backfills::merchant_id.eq(store.merchant_id))
        .filter(backfills::store_id.eq(store.id))
        .filter(backfills::finished_at.is_null())
        .select(Backfill::as_select())
        .first(conn)
        .optional()
}

/// The state of a store's order import.
#[derive(Clone, Debug)]
pub(crate) struct BackfillProgress {
    /// Why the last run failed. `None` if it succeeded.
    pub(crate) problem: Option<String>,
}

impl BackfillProgress {
    pub(crate) fn of(conn: &mut PgConnection, store: &Store) -> QueryResult<Self> {
        let problem = last_problem::<Reason>(conn, &store.queue(jobs::IMPORT_ORDERS))?;
        Ok(Self { problem })
    }
}
