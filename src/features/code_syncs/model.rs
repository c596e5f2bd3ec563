use chrono::{DateTime, Utc};
use diesel::prelude::*;
use vouch_platforms::Reason;

use crate::features::audit::{Act, AuditEvent};
use crate::features::stores::Store;
use crate::features::stores::jobs::{self, enqueue_periodic};
use crate::features::sync_notes::SyncStatus;
use crate::kit::audit::{Actor, SubjectKind, record};
use crate::kit::db::schema::code_syncs;
use crate::kit::stored_text::{StoredText, shown};

/// One sync check of a store's codes.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = code_syncs)]
pub struct CodeSync {
    /// The ID within the merchant.
    pub id: i64,
    /// Who requested it. `None` for the daily check.
    pub requested_by: Option<String>,
    pub requested_at: DateTime<Utc>,
    /// When it began to read, or last restarted.
    pub started_at: Option<DateTime<Utc>>,
    pub(super) advanced_at: Option<DateTime<Utc>>,
    pub(super) cursor: Option<String>,
    pub(super) creates_codes: bool,
    pub(super) discount_rules: Option<serde_json::Value>,
    pub(super) counted_codes: Vec<Option<String>>,
    /// How many codes of the store are read so far.
    pub read_count: i64,
    /// How many of them have no trigger and don't count.
    pub other_count: i64,
    pub(super) in_sync_count: i64,
    pub(super) missing_count: i64,
    pub(super) store_only_count: i64,
    pub(super) inactive_count: i64,
    pub(super) different_count: i64,
    pub(super) retired_count: i64,
    /// Who requested another check while this one runs.
    pub rerun_requested_by: Option<String>,
    pub(super) problem: Option<String>,
    pub(super) reason: Option<StoredText<Reason>>,
    pub finished_at: Option<DateTime<Utc>>,
}

impl CodeSync {
    /// The missing permission of the credentials.
    pub fn problem(&self) -> Option<String> {
        shown(self.reason.as_ref(), self.problem.as_deref())
    }

    /// How many codes have that status after the check has finished.
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

    /// Whether discount settings were compared, which only happens if Vouch creates codes in the
    /// store.
    pub(crate) fn compares_rules(&self) -> bool {
        self.creates_codes && self.discount_rules.is_some()
    }

    /// The store's last finished check, which the page shows.
    pub fn shown(conn: &mut PgConnection, store: &Store) -> QueryResult<Option<Self>> {
        code_syncs::table
            .filter(code_syncs::merchant_id.eq(store.merchant_id))
            .filter(code_syncs::store_id.eq(store.id))
            .filter(code_syncs::is_shown)
            .select(Self::as_select())
            .first(conn)
            .optional()
    }

    /// The store's running or scheduled check.
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

/// The result of a request for a sync check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncRequest {
    Begins,
    /// A check is already reading, so another one follows to include later changes.
    Follows,
}

/// Requests a sync check of the store.
pub fn ask(conn: &mut PgConnection, actor: &Actor, store: &Store) -> QueryResult<SyncRequest> {
    conn.transaction(|conn| {
        // This goes first, because it waits for a check that's about to finish. After that, there's
        // none to follow.
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
        let event = AuditEvent::SyncCheckRequested { store: store.name.clone() };
        let act = Act::new(event, SubjectKind::Store, Some(store.id));
        record(conn, actor, act)?;
        enqueue_periodic(conn, store.merchant_id, store.id, jobs::CHECK_CODES, actor.now)?;
        Ok(if follows > 0 { SyncRequest::Follows } else { SyncRequest::Begins })
    })
}

/// Inserts a scheduled check, unless one is unfinished.
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
