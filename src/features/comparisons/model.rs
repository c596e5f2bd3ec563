use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::features::stores::Store;
use crate::features::sync_notes::Verdict;
use crate::kit::audit::{Act, Actor, record};
use crate::kit::db::schema::comparisons;
use crate::kit::store_jobs::{JobKind, make_due};

/// One check of a store's codes.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = comparisons)]
pub struct Comparison {
    /// Its key within the merchant.
    pub id: i64,
    /// Who asked for it; `None` for the daily one.
    pub asked_by: Option<String>,
    /// When it was asked for.
    pub asked_at: DateTime<Utc>,
    /// When its reading began, or began anew.
    pub begun_at: Option<DateTime<Utc>>,
    pub(super) advanced_at: Option<DateTime<Utc>>,
    pub(super) cursor: Option<String>,
    pub(super) creates_codes: bool,
    pub(super) discount_rules: Option<serde_json::Value>,
    pub(super) counted_codes: Vec<Option<String>>,
    /// How many codes of the store were read so far.
    pub read_count: i64,
    /// How many of them are nobody's and do not count.
    pub other_count: i64,
    pub(super) both_count: i64,
    pub(super) vouch_only_count: i64,
    pub(super) store_only_count: i64,
    pub(super) off_count: i64,
    pub(super) different_count: i64,
    pub(super) retired_count: i64,
    /// Who asked for another one while this one runs.
    pub again_by: Option<String>,
    /// What the credentials lack for it.
    pub problem: Option<String>,
    /// When it came to its end.
    pub finished_at: Option<DateTime<Utc>>,
}

impl Comparison {
    /// How many codes have that verdict, once it is finished.
    pub fn count(&self, verdict: Verdict) -> i64 {
        match verdict {
            Verdict::VouchOnly => self.vouch_only_count,
            Verdict::Off => self.off_count,
            Verdict::Different => self.different_count,
            Verdict::StoreOnly => self.store_only_count,
            Verdict::Retired => self.retired_count,
            Verdict::Both => self.both_count,
        }
    }

    /// Whether the rules of the codes were compared: only where codes are created.
    pub fn compares_rules(&self) -> bool {
        self.creates_codes && self.discount_rules.is_some()
    }

    /// The one of the store that is shown: the last that was finished.
    ///
    /// # Errors
    /// The database's.
    pub fn shown(conn: &mut PgConnection, store: &Store) -> QueryResult<Option<Self>> {
        comparisons::table
            .filter(comparisons::merchant_id.eq(store.merchant_id))
            .filter(comparisons::store_id.eq(store.id))
            .filter(comparisons::is_shown)
            .select(Self::as_select())
            .first(conn)
            .optional()
    }

    /// The one of the store that runs, or waits to.
    ///
    /// # Errors
    /// The database's.
    pub fn unfinished(conn: &mut PgConnection, store: &Store) -> QueryResult<Option<Self>> {
        comparisons::table
            .filter(comparisons::merchant_id.eq(store.merchant_id))
            .filter(comparisons::store_id.eq(store.id))
            .filter(comparisons::finished_at.is_null())
            .select(Self::as_select())
            .first(conn)
            .optional()
    }
}

/// What became of the wish for a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It begins.
    Begins,
    /// One has begun to read already: another follows it, so that what was changed meanwhile is
    /// seen.
    Follows,
}

/// Has the codes of a store compared.
///
/// # Errors
/// The database's.
pub fn ask(conn: &mut PgConnection, actor: &Actor, store: &Store) -> QueryResult<Asked> {
    conn.transaction(|conn| {
        // First, since it waits for one that is about to end; then there is none to follow.
        let follows = diesel::update(comparisons::table)
            .filter(comparisons::merchant_id.eq(store.merchant_id))
            .filter(comparisons::store_id.eq(store.id))
            .filter(comparisons::finished_at.is_null())
            .filter(comparisons::begun_at.is_not_null())
            .set(comparisons::again_by.eq(&actor.name))
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
        Ok(if follows > 0 { Asked::Follows } else { Asked::Begins })
    })
}

/// Makes a check that is still to begin, unless one is unfinished.
pub(super) fn insert(
    conn: &mut PgConnection,
    store: &Store,
    asked_by: Option<&str>,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::insert_into(comparisons::table)
        .values((
            comparisons::merchant_id.eq(store.merchant_id),
            comparisons::store_id.eq(store.id),
            comparisons::asked_by.eq(asked_by),
            comparisons::asked_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(conn)
        .map(drop)
}
