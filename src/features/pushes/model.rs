use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Timestamptz};

use super::reason::{OwnReason, PushReason};
use crate::features::audit::{Act, AuditEvent};
use crate::features::stores::Store;
use crate::features::stores::jobs::PUSH;
use crate::kit::audit::{Actor, SubjectKind, record};
use crate::kit::db::schema::{pushes, stores, triggers};
use crate::kit::db::statement::statement;
use crate::kit::db::text_enum;
use crate::kit::jobs::{self, Priority, Queue};
use crate::kit::stored_text::{StoredText, shown};

text_enum! {
    /// The progress of a code's push to a store.
    pub(crate) enum PushStatus {
        /// It will be pushed.
        Queued = "queued", "Queued";
        /// The store has it. Vouch created it, or a member attached it.
        Pushed = "pushed", "Pushed";
        /// The store refused it, or too many attempts failed.
        Failed = "failed", "Failed";
        /// The store has this code already, and Vouch didn't create it.
        InStore = "in_store", "Already in store";
    }
}

/// The push of a code to a store. There's only ever one row for each code and store.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = pushes)]
pub(crate) struct Push {
    /// The ID within the merchant.
    pub(crate) id: i64,
    pub(crate) trigger_id: i64,
    pub(crate) store_id: i64,
    pub(crate) status: PushStatus,
    reason: String,
    pub(crate) details: Option<StoredText<PushReason>>,
    /// The discount's page in the store's admin, if there is one.
    pub(crate) admin_url: Option<String>,
    /// When it was last pushed, failed or found in the store.
    pub(crate) settled_at: Option<DateTime<Utc>>,
}

impl Push {
    /// Why it failed or waits, as text for users. May be empty.
    pub(crate) fn reason(&self) -> String {
        shown(self.details.as_ref(), Some(&self.reason)).unwrap_or_default()
    }

    /// The code of that reason. `None` if there's none, or only the text of an earlier version.
    pub(crate) fn reason_code(&self) -> Option<String> {
        self.details.as_ref().map(StoredText::code)
    }
}

/// Queues new codes for every connected store with code creation. It must run at the end of the
/// transaction (see [`jobs::enqueue`]).
pub fn queue(conn: &mut PgConnection, actor: &Actor, trigger_ids: &[i64]) -> QueryResult<()> {
    let queued = statement!(
        "INSERT INTO pushes (merchant_id, trigger_id, store_id, status, created_at) \
         SELECT s.merchant_id, t.id, s.id, 'queued', :now \
         FROM stores s CROSS JOIN unnest(:trigger_ids) AS t (id) \
         WHERE s.merchant_id = :merchant_id AND s.creates_codes AND s.disconnected_at IS NULL \
         RETURNING store_id, id",
        now: Timestamptz = actor.now,
        trigger_ids: Array<BigInt> = trigger_ids,
        merchant_id: BigInt = actor.merchant_id,
    )
    .load::<QueuedPush>(conn)?;
    enqueue(conn, actor, queued)
}

#[derive(Queryable, QueryableByName)]
#[diesel(table_name = pushes)]
struct QueuedPush {
    store_id: i64,
    id: i64,
}

/// Larger sets of codes, as from a file, come after those that a member creates one by one.
const MANY: usize = 10;

fn enqueue(conn: &mut PgConnection, actor: &Actor, mut pushes: Vec<QueuedPush>) -> QueryResult<()> {
    let priority = if pushes.len() > MANY { Priority::Normal } else { Priority::High };
    pushes.sort_unstable_by_key(|push| (push.store_id, push.id));
    for of_store in pushes.chunk_by(|a, b| a.store_id == b.store_id) {
        let store_id = of_store[0].store_id;
        let keys: Vec<String> = of_store.iter().map(|push| push.id.to_string()).collect();
        let queue = Queue::of_store(actor.merchant_id, store_id, PUSH);
        jobs::enqueue_with(conn, &queue, priority, &keys, actor.now)?;
    }
    Ok(())
}

/// The push that a member changes, for the audit log.
struct Subject {
    store_id: i64,
    status: PushStatus,
    code: String,
    store: String,
}

fn lock(
    conn: &mut PgConnection,
    merchant_id: i64,
    trigger_id: i64,
    push_id: i64,
) -> QueryResult<Subject> {
    let (store_id, status) = pushes::table
        .find((merchant_id, push_id))
        .filter(pushes::trigger_id.eq(trigger_id))
        .select((pushes::store_id, pushes::status))
        .for_update()
        .first(conn)?;
    let code =
        triggers::table.find((merchant_id, trigger_id)).select(triggers::value).first(conn)?;
    let store = stores::table.find((merchant_id, store_id)).select(stores::name).first(conn)?;
    Ok(Subject { store_id, status, code, store })
}

/// Queues a code again that failed, or that the store had already. A second call changes nothing.
pub fn retry(
    conn: &mut PgConnection,
    actor: &Actor,
    trigger_id: i64,
    push_id: i64,
) -> QueryResult<()> {
    conn.transaction(|conn| {
        let subject = lock(conn, actor.merchant_id, trigger_id, push_id)?;
        if !matches!(subject.status, PushStatus::Failed | PushStatus::InStore) {
            return Ok(());
        }
        diesel::update(pushes::table.find((actor.merchant_id, push_id)))
            .set(queued_again())
            .execute(conn)?;
        let event = AuditEvent::PushRetried { code: subject.code, store: subject.store };
        record(conn, actor, Act::new(event, SubjectKind::Trigger, Some(trigger_id)))?;
        enqueue(conn, actor, vec![QueuedPush { store_id: subject.store_id, id: push_id }])
    })
}

/// Like [`retry`], with the ID of the push alone. If the push is gone, nothing changes.
pub(crate) fn retry_by_id(conn: &mut PgConnection, actor: &Actor, push_id: i64) -> QueryResult<()> {
    let push = pushes::table.find((actor.merchant_id, push_id));
    let trigger_id = push.select(pushes::trigger_id).first(conn).optional()?;
    trigger_id.map_or(Ok(()), |trigger_id| retry(conn, actor, trigger_id, push_id))
}

/// Queues every code again that failed in a connected store. Returns how many.
pub(crate) fn retry_all(conn: &mut PgConnection, actor: &Actor) -> QueryResult<usize> {
    conn.transaction(|conn| {
        let connected = stores::table
            .filter(stores::merchant_id.eq(actor.merchant_id))
            .filter(stores::disconnected_at.is_null())
            .select(stores::id);
        let failed = pushes::table
            .filter(pushes::merchant_id.eq(actor.merchant_id))
            .filter(pushes::status.eq(PushStatus::Failed))
            .filter(pushes::store_id.eq_any(connected));
        let queued: Vec<QueuedPush> = diesel::update(failed)
            .set(queued_again())
            .returning((pushes::store_id, pushes::id))
            .get_results(conn)?;
        let count = queued.len();
        if count == 0 {
            return Ok(0);
        }
        let event = AuditEvent::PushesRetried { count };
        record(conn, actor, Act::new(event, SubjectKind::Trigger, None))?;
        enqueue(conn, actor, queued)?;
        Ok(count)
    })
}

/// Queues the codes of these triggers for a store, whatever the result of earlier attempts was.
/// Returns how many weren't queued yet. Call it at the end of the transaction (see
/// [`jobs::enqueue`]).
pub(crate) fn send_again(
    conn: &mut PgConnection,
    actor: &Actor,
    store: &Store,
    trigger_ids: &[i64],
) -> QueryResult<usize> {
    let queued = statement!(
        "INSERT INTO pushes AS p (merchant_id, trigger_id, store_id, status, created_at) \
         SELECT :merchant_id, trigger_id, :store_id, 'queued', :now \
         FROM unnest(:trigger_ids) AS t (trigger_id) \
         ON CONFLICT (merchant_id, trigger_id, store_id) DO UPDATE \
             SET status = 'queued', reason = '', details = NULL, settled_at = NULL, remote_ref = NULL, \
                 admin_url = NULL \
             WHERE p.status <> 'queued' \
         RETURNING p.store_id, p.id",
        merchant_id: BigInt = actor.merchant_id,
        store_id: BigInt = store.id,
        now: Timestamptz = actor.now,
        trigger_ids: Array<BigInt> = trigger_ids,
    )
    .load::<QueuedPush>(conn)?;
    let count = queued.len();
    enqueue(conn, actor, queued)?;
    Ok(count)
}

pub(super) type Because = (
    diesel::dsl::Eq<pushes::reason, &'static str>,
    diesel::dsl::Eq<pushes::details, Option<StoredText<PushReason>>>,
);

/// Sets or clears the reason.
pub(super) fn because(reason: Option<PushReason>) -> Because {
    (pushes::reason.eq(""), pushes::details.eq(reason.map(StoredText::from)))
}

type QueuedAgain = (
    diesel::dsl::Eq<pushes::status, PushStatus>,
    Because,
    diesel::dsl::Eq<pushes::settled_at, Option<DateTime<Utc>>>,
);

fn queued_again() -> QueuedAgain {
    (pushes::status.eq(PushStatus::Queued), because(None), pushes::settled_at.eq(None))
}

/// Links the store's own code to the trigger. Its orders are credited anyway, so nothing else is
/// needed. A second call changes nothing.
pub fn attach(
    conn: &mut PgConnection,
    actor: &Actor,
    trigger_id: i64,
    push_id: i64,
) -> QueryResult<()> {
    conn.transaction(|conn| {
        let subject = lock(conn, actor.merchant_id, trigger_id, push_id)?;
        if subject.status != PushStatus::InStore {
            return Ok(());
        }
        diesel::update(pushes::table.find((actor.merchant_id, push_id)))
            .set((
                pushes::status.eq(PushStatus::Pushed),
                because(Some(PushReason::Own(OwnReason::Attached))),
            ))
            .execute(conn)?;
        let event = AuditEvent::PushAttached { code: subject.code, store: subject.store };
        record(conn, actor, Act::new(event, SubjectKind::Trigger, Some(trigger_id)))
    })
}
