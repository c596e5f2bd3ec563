use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::features::stores::Store;
use crate::features::sync_notes::SyncStatus;
use crate::kit::audit::{Act, Actor, record};
use crate::kit::db::schema::code_syncs;
use crate::kit::store_jobs::{JobKind, make_due};

/// One check of a store's codes.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = code_syncs)]
pub struct CodeSync {
    /// Its key within the merchant.
    pub id: i64,
    /// Who asked for it; `None` for the daily one.
    pub requested_by: Option<String>,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// When its reading began, or began anew.
    pub started_at: Option<DateTime<Utc>>,
    pub(super) advanced_at: Option<DateTime<Utc>>,
    pub(super) cursor: Option<String>,
    pub(super) creates_codes: bool,
    pub(super) discount_rules: Option<serde_json::Value>,
    pub(super) counted_codes: Vec<Option<String>>,
    /// How many codes of the store were read so far.
    pub read_count: i64,
    /// How many of them are nobody's and do not count.
    pub other_count: i64,
    pub(super) in_sync_count: i64,
    pub(super) missing_count: i64,
    pub(super) store_only_count: i64,
    pub(super) inactive_count: i64,
    pub(super) different_count: i64,
    pub(super) retired_count: i64,
    /// Who asked for another one while this one runs.
    pub rerun_requested_by: Option<String>,
    /// What the credentials lack for it.
    pub problem: Option<String>,
    /// When it came to its end.
    pub finished_at: Option<DateTime<Utc>>,
}

impl CodeSync {
    /// How many codes have that status, once it is finished.
    pub fn count(&self, status: SyncStatus) -> i64 {
        match status {
            SyncStatus::VouchOnly => self.missing_count,
            SyncStatus::Off => self.inactive_count,
            SyncStatus::Different => self.different_count,
            SyncStatus::StoreOnly => self.store_only_count,
            SyncStatus::Retired => self.retired_count,
            SyncStatus::Both => self.in_sync_count,
        }
    }

    /// Whether the rules of the codes were compared: only where codes are created.
    pub fn compares_rules(&self) -> bool {
        self.creates_codes && self.discount_rules.is_some()
    }

    /// The one of the store that is shown: the last that was finished.
    pub fn shown(conn: &mut PgConnection, store: &Store) -> QueryResult<Option<Self>> {
        code_syncs::table
            .filter(code_syncs::merchant_id.eq(store.merchant_id))
            .filter(code_syncs::store_id.eq(store.id))
            .filter(code_syncs::is_shown)
            .select(Self::as_select())
            .first(conn)
            .optional()
    }

    /// The one of the store that runs, or waits to.
    pub fn unfinished(conn: &mut PgConnection, store: &Store) -> QueryResult<Option<Self>> {
        code_syncs::table
            .filter(code_syncs::merchant_id.eq(store.merchant_id))
            .filter(code_syncs::store_id.eq(store.id))
            .filter(code_syncs::finished_at.is_null())
            .select(Self::as_select())
            .first(conn)
            .optional()
    }
}

/// What became of the wish for a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncRequest {
    /// It begins.
    Begins,
    /// One has begun to read already: another follows it, so that what was changed meanwhile is
    /// seen.
    Follows,
}

/// Has the codes of a store compared.
pub fn ask(conn: &mut PgConnection, actor: &Actor, store: &Store) -> QueryResult<SyncRequest> {
    conn.transaction(|conn| {
        // First, since it waits for one that is about to end; then there is none to follow.
        let follows = diesel::update(code_syncs::table)
            .filter(code_syncs::merchant_id.eq(store.merchant_id))
            .filter(code_syncs::store_id.eq(store.id))
            .filter(code_syncs::finished_at.is_null())
            .filter(code_syncs::started_at.is_not_null())
            .set(code_syncs::rerun_requested_by.eq(&actor.name))
            .execute(conn)?;
        if follows == 0 {
            insert(conn, store, Some(&actor.name), actor.now)?;
        }
        let act = Act {
            action: "store.comparison_asked_for",
            subject_kind: "store",
            subject_id: Some(store.id),
            summary: format!("Had the codes of {} compared.", store.name),
            before: None,
            after: None,
        };
        record(conn, actor, act)?;
        make_due(conn, store.merchant_id, store.id, JobKind::Compare, actor.now)?;
        Ok(if follows > 0 { SyncRequest::Follows } else { SyncRequest::Begins })
    })
}

/// Makes a check that is still to begin, unless one is unfinished.
pub(super) fn insert(
    conn: &mut PgConnection,
    store: &Store,
    requested_by: Option<&str>,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::insert_into(code_syncs::table)
        .values((
            code_syncs::merchant_id.eq(store.merchant_id),
            code_syncs::store_id.eq(store.id),
            code_syncs::requested_by.eq(requested_by),
            code_syncs::requested_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(conn)
        .map(drop)
}
