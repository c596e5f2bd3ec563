//! The findings of a check, for the page and the download.

use std::collections::HashMap;

use diesel::dsl::IntoBoxed;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use vouch_core::code::key_of_reported_code;

use super::model::Comparison;
use crate::features::pushes::{self, PushLine};
use crate::features::stores::Store;
use crate::features::sync_notes::{STILL_SAYS, StoreState, Verdict};
use crate::features::triggers::Trigger;
use crate::kit::db::listing::{contains, count_of, replanned};
use crate::kit::db::schema::{affiliates, comparison_findings as findings, triggers};
use crate::kit::db::{constant, text_enum};
use crate::kit::web::paginate::{COUNT_LIMIT, Count, Cursor, Listing, PAGE_SIZE};

text_enum! {
    /// What a list of findings shows.
    pub enum Show {
        /// What shoppers cannot use, and is still so.
        Unusable = "unusable", "Missing or off";
        /// [`Verdict::VouchOnly`].
        VouchOnly = "vouch_only", "Only in Vouch";
        /// [`Verdict::Off`].
        Off = "off", "Off in the store";
        /// [`Verdict::Different`].
        Different = "different", "Different rules";
        /// [`Verdict::StoreOnly`].
        StoreOnly = "store_only", "Only in the store";
        /// [`Verdict::Retired`].
        Retired = "retired", "Retired here";
        /// [`Verdict::Both`].
        Both = "both", "In both";
    }
}

/// Which findings a list shows.
#[derive(Clone, Debug, Default)]
pub struct FindingFilter {
    /// `None`: all that is not well.
    pub show: Option<Show>,
    /// What the code contains, as typed.
    pub q: String,
}

/// What a check says of a code.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = findings)]
pub struct Finding {
    /// The code as codes are compared.
    pub key: String,
    /// As the store spells it.
    pub code: String,
    /// The trigger of that key.
    pub trigger_id: Option<i64>,
    /// What it comes to.
    #[diesel(select_expression = findings::verdict.assume_not_null())]
    pub verdict: Verdict,
    /// Whether shoppers could use it; `None` where the store has none.
    pub state: Option<StoreState>,
    /// What a shopper gets.
    pub rules: String,
    admin_url: Option<String>,
    /// The trigger that Vouch made it for, by its mark.
    pub marked_for: Option<i64>,
}

impl Finding {
    /// The discount's page in the store's admin, where there is one.
    pub fn admin_url(&self) -> Option<&str> {
        // It came from outside: nothing but the web is linked to.
        self.admin_url.as_deref().filter(|url| url.starts_with("http"))
    }
}

/// A finding with what stands beside it.
#[derive(Clone, Debug)]
pub struct FindingRow {
    /// The finding.
    pub finding: Finding,
    /// The trigger of that key, as it is now.
    pub trigger: Option<Trigger>,
    /// The name of its holder.
    pub holder: String,
    /// The trigger that Vouch made the code for, where that is another one.
    pub made_for: Option<Trigger>,
    /// How the code stands on its way into this store.
    pub push: Option<PushLine>,
}

type Boxed = IntoBoxed<'static, findings::table, Pg>;

fn matching(comparison: (i64, i64), filter: &FindingFilter) -> Boxed {
    let (merchant_id, comparison_id) = comparison;
    let query = findings::table
        .into_boxed::<Pg>()
        .filter(findings::merchant_id.eq(merchant_id))
        .filter(findings::comparison_id.eq(comparison_id));
    let verdict = |verdict: Verdict| findings::verdict.eq(verdict);
    let query = match filter.show {
        // A null is neither.
        None => query.filter(findings::verdict.ne(Verdict::Both)),
        Some(Show::Unusable) => query
            .filter(findings::verdict.eq_any([Verdict::VouchOnly, Verdict::Off]))
            .filter(findings::state.is_distinct_from(Some(StoreState::Scheduled)))
            .filter(constant::<Bool>(STILL_SAYS)),
        Some(Show::VouchOnly) => query.filter(verdict(Verdict::VouchOnly)),
        Some(Show::Off) => query.filter(verdict(Verdict::Off)),
        Some(Show::Different) => query.filter(verdict(Verdict::Different)),
        Some(Show::StoreOnly) => query.filter(verdict(Verdict::StoreOnly)),
        Some(Show::Retired) => query.filter(verdict(Verdict::Retired)),
        Some(Show::Both) => query.filter(verdict(Verdict::Both)),
    };
    match key_of_reported_code(&filter.q).as_str() {
        "" => query,
        key => query.filter(findings::key.like(contains(key))),
    }
}

fn fetch(
    conn: &mut PgConnection,
    comparison: (i64, i64),
    filter: &FindingFilter,
    cursor: &Cursor<String>,
    limit: usize,
) -> QueryResult<Vec<Finding>> {
    let query = matching(comparison, filter);
    let query = match cursor {
        Cursor::Start => query.order(findings::key),
        Cursor::After(key) => query.filter(findings::key.gt(key.clone())).order(findings::key),
        Cursor::Before(key) => {
            query.filter(findings::key.lt(key.clone())).order(findings::key.desc())
        }
    };
    replanned(query.select(Finding::as_select()).limit(limit as i64)).load(conn)
}

/// One page of the findings of a check, and how many match in all.
///
/// # Errors
/// The database's.
pub fn page(
    conn: &mut PgConnection,
    store: &Store,
    comparison: &Comparison,
    filter: &FindingFilter,
    cursor: &Cursor<String>,
) -> QueryResult<(Listing<FindingRow>, Count)> {
    let key = (store.merchant_id, comparison.id);
    let some = matching(key, filter).select(findings::id).limit(COUNT_LIMIT + 1);
    let count = Count::new(replanned(count_of(some)).get_result(conn)?, COUNT_LIMIT);
    let found = fetch(conn, key, filter, cursor, PAGE_SIZE + 1)?;
    let rows = complete(conn, store, found)?;
    Ok((Listing::new(rows, cursor, |row| row.finding.key.clone()), count))
}

/// Up to `limit` findings from the cursor on, with the place of the next ones: for downloads.
///
/// # Errors
/// The database's.
pub fn piece(
    conn: &mut PgConnection,
    store: &Store,
    comparison: &Comparison,
    filter: &FindingFilter,
    cursor: &Cursor<String>,
    limit: usize,
) -> QueryResult<(Vec<FindingRow>, Option<Cursor<String>>)> {
    let found = fetch(conn, (store.merchant_id, comparison.id), filter, cursor, limit)?;
    let last = found.last().filter(|_| found.len() == limit);
    let next = last.map(|finding| Cursor::After(finding.key.clone()));
    Ok((complete(conn, store, found)?, next))
}

/// The triggers whose codes the check missed in the store and that are not on their way since, or
/// only that one of them.
pub(super) fn still_missing(
    conn: &mut PgConnection,
    store: &Store,
    comparison: &Comparison,
    trigger_id: Option<i64>,
) -> QueryResult<Vec<i64>> {
    let filter = FindingFilter { show: Some(Show::Unusable), q: String::new() };
    let mut query = matching((store.merchant_id, comparison.id), &filter)
        .filter(findings::verdict.eq(Verdict::VouchOnly))
        .order(findings::trigger_id);
    if let Some(trigger_id) = trigger_id {
        query = query.filter(findings::trigger_id.eq(trigger_id));
    }
    query.select(findings::trigger_id.assume_not_null()).load(conn)
}

/// Adds what stands beside: plain statements rather than one that the planner can get wrong.
fn complete(
    conn: &mut PgConnection,
    store: &Store,
    found: Vec<Finding>,
) -> QueryResult<Vec<FindingRow>> {
    let named = |finding: &Finding| [finding.trigger_id, finding.marked_for].into_iter().flatten();
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
    let row = |finding: Finding| {
        let of = |id: Option<i64>| known.get(&id?).cloned();
        let (trigger, holder) = of(finding.trigger_id).unzip();
        let made_for = finding.marked_for.filter(|id| Some(*id) != finding.trigger_id);
        let push = finding
            .trigger_id
            .and_then(|id| lines.get(&id))
            .and_then(|lines| lines.iter().find(|line| line.push.store_id == store.id).cloned());
        let made_for = of(made_for).map(|(trigger, _)| trigger);
        FindingRow { trigger, holder: holder.unwrap_or_default(), made_for, push, finding }
    };
    Ok(found.into_iter().map(row).collect())
}
