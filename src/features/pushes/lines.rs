//! The state of codes in the stores, as pages show it.

use std::collections::HashMap;

use diesel::pg::Pg;
use diesel::prelude::*;

use super::model::{Push, PushStatus};
use super::text;
use crate::kit::db::schema::{pushes, stores};
use crate::kit::lists::Count;
use crate::kit::urls;

/// A code in one connected store.
#[derive(Clone, Debug, Queryable)]
pub(crate) struct PushLine {
    pub(crate) push: Push,
    /// The store's name.
    pub(crate) store: String,
    /// Whether new codes are pushed to it.
    pub(crate) creates_codes: bool,
    /// Whether it can't be called.
    pub(crate) is_refused: bool,
}

impl PushLine {
    /// Whether its state may change at any moment.
    pub(crate) fn is_moving(&self) -> bool {
        self.push.status == PushStatus::Queued && self.creates_codes && !self.is_refused
    }

    /// Why it failed or waits. Empty if there's no reason to show.
    pub(crate) fn reason(&self) -> String {
        if self.push.status != PushStatus::Queued {
            return self.push.reason();
        }
        if self.is_refused {
            // The reason is already at the top of every page.
            return text::waiting_for_access(&self.store);
        }
        if !self.creates_codes {
            return text::creation_off(&self.store);
        }
        match self.push.reason() {
            reason if reason.is_empty() => reason,
            reason => text::will_retry(&reason),
        }
    }

    /// The discount's page in the store's admin, if there is one.
    pub(crate) fn admin_url(&self) -> Option<&str> {
        // It comes from the store, so only web links are allowed.
        self.push.admin_url.as_deref().filter(|url| url.starts_with("http"))
    }

    pub(crate) fn retry_url(&self) -> String {
        urls::push_retry(self.push.trigger_id, self.push.id)
    }

    /// The URL that links the store's own code to the trigger.
    pub(crate) fn attachment_url(&self) -> String {
        urls::push_attachment(self.push.trigger_id, self.push.id)
    }
}

/// The state of one trigger in the stores, as `templates/pushes/_cell.html` shows it.
#[derive(Clone, Debug)]
pub(crate) struct PushCell {
    pub(crate) trigger_id: i64,
    /// One for each store.
    pub(crate) lines: Vec<PushLine>,
}

impl PushCell {
    /// The names of the stores that have it, with its page in their admin.
    pub(crate) fn links(&self) -> Vec<(&str, &str)> {
        let link = |line| -> Option<(&str, &str)> {
            let line: &PushLine = line;
            Some((line.store.as_str(), line.admin_url()?))
        };
        self.lines.iter().filter_map(link).collect()
    }

    fn is_moving(&self) -> bool {
        self.lines.iter().any(PushLine::is_moving)
    }
}

/// The codes on a page whose state may change while it's open.
pub(crate) struct Poll {
    trigger_ids: Vec<i64>,
}

impl Poll {
    /// Those among `cells` that are being pushed.
    pub(crate) fn of<'a>(cells: impl IntoIterator<Item = &'a PushCell>) -> Self {
        let moving = cells.into_iter().filter(|cell| cell.is_moving());
        Self { trigger_ids: moving.map(|cell| cell.trigger_id).collect() }
    }

    /// Where the page requests their state. `None` if none of them is being pushed.
    pub(crate) fn url(&self) -> Option<String> {
        let ids: Vec<String> = self.trigger_ids.iter().map(i64::to_string).collect();
        (!ids.is_empty()).then(|| urls::with_query(&urls::pushes(), &[("ids", &ids.join(","))]))
    }
}

/// How many codes failed in a connected store.
pub(crate) fn count_failed(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Count> {
    Count::of(conn, in_status(merchant_id, PushStatus::Failed))
}

/// The state of each of these triggers in the connected stores, by trigger ID.
pub(crate) fn of_triggers(
    conn: &mut PgConnection,
    merchant_id: i64,
    trigger_ids: &[i64],
) -> QueryResult<HashMap<i64, Vec<PushLine>>> {
    let lines: Vec<PushLine> =
        pushes::table
            .inner_join(stores::table.on(
                stores::merchant_id.eq(pushes::merchant_id).and(stores::id.eq(pushes::store_id)),
            ))
            .filter(pushes::merchant_id.eq(merchant_id))
            .filter(pushes::trigger_id.eq_any(trigger_ids))
            .filter(stores::disconnected_at.is_null())
            .order((pushes::trigger_id, pushes::store_id))
            .select((
                Push::as_select(),
                stores::name,
                stores::creates_codes,
                stores::access_problem.is_not_null().or(stores::access_reason.is_not_null()),
            ))
            .load(conn)?;
    let mut of_triggers: HashMap<i64, Vec<PushLine>> = HashMap::new();
    for line in lines {
        of_triggers.entry(line.push.trigger_id).or_default().push(line);
    }
    Ok(of_triggers)
}

/// The state of one trigger in the connected stores.
pub(crate) fn of_trigger(
    conn: &mut PgConnection,
    merchant_id: i64,
    trigger_id: i64,
) -> QueryResult<Vec<PushLine>> {
    Ok(of_triggers(conn, merchant_id, &[trigger_id])?.remove(&trigger_id).unwrap_or_default())
}

/// The names of the stores that new codes are pushed to.
pub(crate) fn destinations(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Vec<String>> {
    stores::table
        .filter(stores::merchant_id.eq(merchant_id))
        .filter(stores::creates_codes)
        .filter(stores::disconnected_at.is_null())
        .order(stores::id)
        .select(stores::name)
        .load(conn)
}

/// The IDs of the triggers with this status in a connected store, for a list's filter.
pub(crate) fn in_status(
    merchant_id: i64,
    status: PushStatus,
) -> diesel::dsl::IntoBoxed<'static, diesel::dsl::Select<pushes::table, pushes::trigger_id>, Pg> {
    let connected = stores::table
        .filter(stores::merchant_id.eq(merchant_id))
        .filter(stores::disconnected_at.is_null())
        .select(stores::id);
    pushes::table
        .select(pushes::trigger_id)
        .into_boxed::<Pg>()
        .filter(pushes::merchant_id.eq(merchant_id))
        .filter(pushes::status.eq(status))
        .filter(pushes::store_id.eq_any(connected))
}
