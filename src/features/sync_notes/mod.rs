//! The last sync check's results for triggers, for pages that show triggers: lists, a trigger's
//! page, the dashboard. `code_syncs` writes them.

mod status;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};

pub(crate) use self::status::StoreState;
pub use self::status::SyncStatus;
use crate::kit::db::statement::statement;
use crate::kit::lists::{COUNT_LIMIT, Count};
use crate::kit::urls;

/// Whether a sync result for a trigger is still valid. The trigger must be active or retired as it
/// was then, and its code must not have been pushed to the store since.
macro_rules! still_says {
    () => {
        "(EXISTS (SELECT 1 FROM triggers t \
             WHERE t.merchant_id = code_sync_results.merchant_id \
                 AND t.id = code_sync_results.trigger_id \
                 AND (t.retired_at IS NOT NULL) = (code_sync_results.status = 'retired')) \
         AND NOT (code_sync_results.status = 'vouch_only' AND EXISTS (SELECT 1 FROM pushes p \
             JOIN code_syncs pc ON pc.merchant_id = p.merchant_id \
                 AND pc.id = code_sync_results.code_sync_id \
             JOIN stores ps ON ps.merchant_id = p.merchant_id AND ps.id = p.store_id \
             WHERE p.merchant_id = code_sync_results.merchant_id \
                 AND p.trigger_id = code_sync_results.trigger_id AND p.store_id = pc.store_id \
                 AND (p.status = 'queued' AND ps.creates_codes OR p.settled_at >= pc.started_at))))"
    };
}

/// [`still_says`] for conditions built by Diesel.
pub(crate) const STILL_SAYS: &str = still_says!();

/// The last sync check's result for a trigger in one store.
#[derive(Clone, Debug, QueryableByName)]
pub(crate) struct Note {
    #[diesel(sql_type = Text)]
    pub(crate) status: SyncStatus,
    /// Whether customers could use the code.
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) state: Option<StoreState>,
    /// When the check began.
    #[diesel(sql_type = Timestamptz)]
    pub(crate) checked_at: DateTime<Utc>,
    /// The store's name.
    #[diesel(sql_type = Text)]
    pub(crate) store: String,
    #[diesel(sql_type = BigInt)]
    store_id: i64,
    #[diesel(sql_type = Nullable<Text>)]
    admin_url: Option<String>,
}

impl Note {
    /// The URL of the check.
    pub(crate) fn url(&self) -> String {
        urls::code_sync(self.store_id)
    }

    /// The discount's page in the store's admin, if there is one.
    pub(crate) fn admin_url(&self) -> Option<&str> {
        // It comes from the store, so only web links are allowed.
        self.admin_url.as_deref().filter(|url| url.starts_with("http"))
    }

    /// The problem, in a few words.
    pub(crate) fn words(&self) -> &'static str {
        match (self.status, self.state) {
            (SyncStatus::VouchOnly, _) => "Missing in store",
            (SyncStatus::Off, Some(StoreState::Scheduled)) => "Scheduled in store",
            (SyncStatus::Off, Some(StoreState::Expired)) => "Expired in store",
            (SyncStatus::Off, _) => "Inactive in store",
            (SyncStatus::Different, _) => "Different settings",
            (SyncStatus::Retired, _) => "Still in store",
            (SyncStatus::StoreOnly, _) => "Only in store",
            (SyncStatus::Both, _) => "In sync",
        }
    }
}

/// The last sync checks' results for these triggers in connected stores, without those in sync.
pub(crate) fn of_triggers(
    conn: &mut PgConnection,
    merchant_id: i64,
    trigger_ids: &[i64],
) -> QueryResult<HashMap<i64, Vec<Note>>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        trigger_id: i64,
        #[diesel(embed)]
        note: Note,
    }
    let rows: Vec<Row> = statement!(
        concat!(
            "SELECT code_sync_results.trigger_id, status, state, c.started_at AS checked_at, \
                 s.name AS store, s.id AS store_id, admin_url \
             FROM code_sync_results \
             JOIN code_syncs c ON c.merchant_id = code_sync_results.merchant_id \
                 AND c.id = code_sync_results.code_sync_id AND c.is_shown \
             JOIN stores s ON s.merchant_id = c.merchant_id AND s.id = c.store_id \
                 AND s.disconnected_at IS NULL \
             WHERE code_sync_results.merchant_id = :merchant_id \
                 AND code_sync_results.trigger_id = ANY(:trigger_ids) \
                 AND status <> 'both' AND ",
            still_says!(),
            " ORDER BY s.id"
        ),
        merchant_id: BigInt,
        trigger_ids: Array<BigInt>,
    )
    .load(conn)?;
    let mut of_triggers: HashMap<i64, Vec<Note>> = HashMap::new();
    for Row { trigger_id, note } in rows {
        of_triggers.entry(trigger_id).or_default().push(note);
    }
    Ok(of_triggers)
}

/// How many codes of a store customers can't use there.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub(crate) struct Unusable {
    #[diesel(sql_type = BigInt)]
    pub(crate) store_id: i64,
    /// The store's name.
    #[diesel(sql_type = Text)]
    pub(crate) store: String,
    #[diesel(sql_type = BigInt)]
    pub(crate) count: Count,
}

impl Unusable {
    /// The URL of their list.
    pub(crate) fn url(&self) -> String {
        urls::unusable_codes(self.store_id)
    }
}

/// The connected stores whose last check found missing or inactive codes that are still not usable.
pub(crate) fn unusable(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Vec<Unusable>> {
    let mut unusable: Vec<Unusable> = statement!(
        concat!(
            "SELECT s.id AS store_id, s.name AS store, \
                 (SELECT count(*) FROM (SELECT 1 FROM code_sync_results \
                     WHERE code_sync_results.merchant_id = c.merchant_id \
                         AND code_sync_results.code_sync_id = c.id \
                         AND status IN ('vouch_only', 'off') \
                         AND state IS DISTINCT FROM 'scheduled' AND ",
            still_says!(),
            " LIMIT :at_most) n) AS count \
             FROM code_syncs c \
             JOIN stores s ON s.merchant_id = c.merchant_id AND s.id = c.store_id \
                 AND s.disconnected_at IS NULL \
             WHERE c.merchant_id = :merchant_id AND c.is_shown \
                 AND c.missing_count + c.inactive_count > 0 \
             ORDER BY s.id"
        ),
        merchant_id: BigInt,
        at_most: BigInt = COUNT_LIMIT + 1,
    )
    .load(conn)?;
    unusable.retain(|store| !store.count.is_zero());
    Ok(unusable)
}
