//! The differences found by a sync check, for the page and the download.

use std::collections::HashMap;

use diesel::dsl::IntoBoxed;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use vouch_core::code::key_of_reported_code;

use super::model::CodeSync;
use crate::features::pushes::{self, PushLine};
use crate::features::stores::Store;
use crate::features::sync_notes::{STILL_SAYS, StoreState, SyncStatus};
use crate::features::triggers::Trigger;
use crate::kit::db::schema::{affiliates, code_sync_results as findings, triggers};
use crate::kit::db::{constant, text_enum};
use crate::kit::lists::{
    COUNT_LIMIT, ColumnType, Count, ListUrl, Listing, Range, SortOrder, contains, replanned,
};

text_enum! {
    /// Which differences a list shows.
    pub(crate) enum Show {
        /// Codes that customers still can't use.
        Unusable = "unusable", "Missing or inactive";
        /// [`SyncStatus::VouchOnly`].
        VouchOnly = "vouch_only", "Missing in store";
        /// [`SyncStatus::Off`].
        Off = "off", "Inactive in store";
        /// [`SyncStatus::Different`].
        Different = "different", "Different settings";
        /// [`SyncStatus::StoreOnly`].
        StoreOnly = "store_only", "Only in store";
        /// [`SyncStatus::Retired`].
        Retired = "retired", "Retired in Vouch";
        /// [`SyncStatus::Both`].
        Both = "both", "In sync";
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct DifferenceFilter {
    /// `None` for everything that's not in sync.
    pub(crate) show: Option<Show>,
    /// Part of the code, as typed.
    pub(crate) q: String,
}

/// The result of a sync check for one code.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = findings)]
pub(crate) struct Difference {
    /// The normalized code, as used for comparison.
    pub(crate) key: String,
    /// As the store spells it.
    pub(crate) code: String,
    /// The trigger with that key.
    pub(crate) trigger_id: Option<i64>,
    #[diesel(select_expression = findings::status.assume_not_null())]
    pub(crate) status: SyncStatus,
    /// Whether customers could use it. `None` if the store doesn't have it.
    pub(crate) state: Option<StoreState>,
    /// The customer's discount.
    pub(crate) rules: String,
    admin_url: Option<String>,
    /// The trigger in the discount's mark, which Vouch created it for.
    pub(crate) marked_for: Option<i64>,
}

impl Difference {
    /// The discount's page in the store's admin, if there is one.
    pub(crate) fn admin_url(&self) -> Option<&str> {
        // It comes from the store, so only web links are allowed.
        self.admin_url.as_deref().filter(|url| url.starts_with("http"))
    }
}

/// A difference with its related rows.
#[derive(Clone, Debug)]
pub(crate) struct DifferenceRow {
    pub(crate) finding: Difference,
    /// The trigger with that key, in its current state.
    pub(crate) trigger: Option<Trigger>,
    pub(crate) holder: String,
    /// The trigger that Vouch created the code for, if it's another one.
    pub(crate) made_for: Option<Trigger>,
    /// The state of the code's push to this store.
    pub(crate) push: Option<PushLine>,
}

impl DifferenceFilter {
    pub(crate) fn read(address: &mut ListUrl) -> Self {
        Self { q: address.search(), show: address.choice("finding", "Result") }
    }
}

type Boxed = IntoBoxed<'static, findings::table, Pg>;

fn matching(code_sync: (i64, i64), filter: &DifferenceFilter) -> Boxed {
    let (merchant_id, code_sync_id) = code_sync;
    let query = findings::table
        .into_boxed::<Pg>()
        .filter(findings::merchant_id.eq(merchant_id))
        .filter(findings::code_sync_id.eq(code_sync_id));
    let status = |status: SyncStatus| findings::status.eq(status);
    let query = match filter.show {
        // Null matches neither condition.
        None => query.filter(findings::status.ne(SyncStatus::Both)),
        Some(Show::Unusable) => query
            .filter(findings::status.eq_any([SyncStatus::VouchOnly, SyncStatus::Off]))
            .filter(findings::state.is_distinct_from(Some(StoreState::Scheduled)))
            .filter(constant::<Bool>(STILL_SAYS)),
        Some(Show::VouchOnly) => query.filter(status(SyncStatus::VouchOnly)),
        Some(Show::Off) => query.filter(status(SyncStatus::Off)),
        Some(Show::Different) => query.filter(status(SyncStatus::Different)),
        Some(Show::StoreOnly) => query.filter(status(SyncStatus::StoreOnly)),
        Some(Show::Retired) => query.filter(status(SyncStatus::Retired)),
        Some(Show::Both) => query.filter(status(SyncStatus::Both)),
    };
    match key_of_reported_code(&filter.q).as_str() {
        "" => query,
        key => query.filter(findings::key.like(contains(key))),
    }
}

pub(crate) const BY_CODE: SortOrder = SortOrder::ascending(&[("key", ColumnType::Text)]);

/// Some of the results of a check.
pub(crate) fn rows(
    conn: &mut PgConnection,
    store: &Store,
    code_sync: &CodeSync,
    filter: &DifferenceFilter,
    range: &Range,
) -> QueryResult<Listing<DifferenceRow>> {
    let all = matching((store.merchant_id, code_sync.id), filter);
    let found: Vec<Difference> =
        replanned(range.walk(all.select(Difference::as_select()))).load(conn)?;
    range
        .listing(found, |finding| (finding.key.clone(),))
        .complete(|found| complete(conn, store, found))
}

/// The results of a page, and the count of all that match.
pub(crate) fn page(
    conn: &mut PgConnection,
    store: &Store,
    code_sync: &CodeSync,
    filter: &DifferenceFilter,
    range: &Range,
) -> QueryResult<(Listing<DifferenceRow>, Count)> {
    let all = matching((store.merchant_id, code_sync.id), filter).select(findings::id);
    let count = Count::of_search(conn, all, COUNT_LIMIT)?;
    Ok((rows(conn, store, code_sync, filter, range)?, count))
}

/// The triggers whose codes the check didn't find in the store and that weren't pushed since. With
/// `trigger_id`, only that trigger.
pub(super) fn still_missing(
    conn: &mut PgConnection,
    store: &Store,
    code_sync: &CodeSync,
    trigger_id: Option<i64>,
) -> QueryResult<Vec<i64>> {
    let filter = DifferenceFilter { show: Some(Show::Unusable), q: String::new() };
    let mut query = matching((store.merchant_id, code_sync.id), &filter)
        .filter(findings::status.eq(SyncStatus::VouchOnly))
        .order(findings::trigger_id);
    if let Some(trigger_id) = trigger_id {
        query = query.filter(findings::trigger_id.eq(trigger_id));
    }
    query.select(findings::trigger_id.assume_not_null()).load(conn)
}

/// Adds the related rows. It uses simple statements, because the planner can get a large one wrong.
fn complete(
    conn: &mut PgConnection,
    store: &Store,
    found: Vec<Difference>,
) -> QueryResult<Vec<DifferenceRow>> {
    let named =
        |finding: &Difference| [finding.trigger_id, finding.marked_for].into_iter().flatten();
    let ids: Vec<i64> = found.iter().flat_map(named).collect();
    let known: HashMap<i64, (Trigger, String)> = triggers::table
        .inner_join(
            affiliates::table.on(affiliates::merchant_id
                .eq(triggers::merchant_id)
                .and(affiliates::id.eq(triggers::affiliate_id))),
        )
        .filter(triggers::merchant_id.eq(store.merchant_id))
        .filter(triggers::id.eq_any(&ids))
        .select((Trigger::as_select(), affiliates::name))
        .load::<(Trigger, String)>(conn)?
        .into_iter()
        .map(|(trigger, holder)| (trigger.id, (trigger, holder)))
        .collect();
    let lines = pushes::of_triggers(conn, store.merchant_id, &ids)?;
    let row = |finding: Difference| {
        let of = |id: Option<i64>| known.get(&id?).cloned();
        let (trigger, holder) = of(finding.trigger_id).unzip();
        let made_for = finding.marked_for.filter(|id| Some(*id) != finding.trigger_id);
        let push = finding
            .trigger_id
            .and_then(|id| lines.get(&id))
            .and_then(|lines| lines.iter().find(|line| line.push.store_id == store.id).cloned());
        let made_for = of(made_for).map(|(trigger, _)| trigger);
        DifferenceRow { trigger, holder: holder.unwrap_or_default(), made_for, push, finding }
    };
    Ok(found.into_iter().map(row).collect())
}
