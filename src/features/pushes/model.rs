use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Timestamptz};

use crate::kit::audit::{Act, Actor, record};
use crate::kit::db::schema::{pushes, stores, triggers};
use crate::kit::db::statement::statement;
use crate::kit::db::text_enum;
use crate::kit::store_jobs::{JobKind, make_due};

text_enum! {
    /// How far a code has come on its way into a store.
    pub enum PushStatus {
        /// It will be brought there.
        Queued = "queued", "Queued";
        /// The store has it: made by Vouch, or attached.
        Pushed = "pushed", "Pushed";
        /// The store refused it for good, or too many tries were in vain.
        Failed = "failed", "Failed";
        /// The store has such a code that Vouch did not make.
        InStore = "in_store", "In store already";
    }
}

/// A code on its way into a store: one row for each code and store, ever.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = pushes)]
pub struct Push {
    /// Its key within the merchant.
    pub id: i64,
    /// The code.
    pub trigger_id: i64,
    /// Where it goes.
    pub store_id: i64,
    /// How far it has come.
    pub status: PushStatus,
    /// Why it failed or waits, for people; may be empty.
    pub reason: String,
    /// The discount's page in the store's admin, where there is one.
    pub admin_url: Option<String>,
    /// When it was last pushed, failed or found in the store.
    pub settled_at: Option<DateTime<Utc>>,
}

/// Queues new codes for every connected store with code creation, in the running transaction and
/// at its end; see [`make_due`].
pub fn queue(conn: &mut PgConnection, actor: &Actor, trigger_ids: &[i64]) -> QueryResult<()> {
    let store_ids: Vec<i64> = statement!(
        "WITH queued AS ( \
             INSERT INTO pushes \
                 (merchant_id, trigger_id, store_id, status, available_at, created_at) \
             SELECT s.merchant_id, t.id, s.id, 'queued', :now, :now \
             FROM stores s CROSS JOIN unnest(:trigger_ids) AS t (id) \
             WHERE s.merchant_id = :merchant_id AND s.creates_codes AND s.disconnected_at IS NULL \
             RETURNING store_id) \
         SELECT DISTINCT store_id FROM queued ORDER BY store_id",
        merchant_id: BigInt = actor.merchant_id,
        trigger_ids: Array<BigInt>,
        now: Timestamptz = actor.now,
    )
    .scalar::<BigInt>()
    .load(conn)?;
    for store_id in store_ids {
        make_due(conn, actor.merchant_id, store_id, JobKind::Push, actor.now)?;
    }
    Ok(())
}

/// What a person's act is about.
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

fn act(action: &str, trigger_id: i64, summary: String) -> Act<'_> {
    Act {
        action,
        subject_kind: "trigger",
        subject_id: Some(trigger_id),
        summary,
        before: None,
        after: None,
    }
}

/// Brings a code on its way again that failed, or that the store had of its own. To do it twice
/// changes nothing.
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
            .set(queued_again(actor.now))
            .execute(conn)?;
        let summary = format!("Sent {} to {} again.", subject.code, subject.store);
        record(conn, actor, act("push.retried", trigger_id, summary))?;
        make_due(conn, actor.merchant_id, subject.store_id, JobKind::Push, actor.now)
    })
}

/// Brings every code on its way again that failed in a connected store; answers how many.
pub fn retry_all(conn: &mut PgConnection, actor: &Actor) -> QueryResult<usize> {
    conn.transaction(|conn| {
        let connected = stores::table
            .filter(stores::merchant_id.eq(actor.merchant_id))
            .filter(stores::disconnected_at.is_null())
            .select(stores::id);
        let failed = pushes::table
            .filter(pushes::merchant_id.eq(actor.merchant_id))
            .filter(pushes::status.eq(PushStatus::Failed))
            .filter(pushes::store_id.eq_any(connected));
        let mut store_ids: Vec<i64> = diesel::update(failed)
            .set(queued_again(actor.now))
            .returning(pushes::store_id)
            .get_results(conn)?;
        let count = store_ids.len();
        if count == 0 {
            return Ok(0);
        }
        let codes =
            if count == 1 { "1 failed code".to_owned() } else { format!("{count} failed codes") };
        let mut act = act("push.all_retried", 0, format!("Sent {codes} to the stores again."));
        act.subject_id = None;
        record(conn, actor, act)?;
        store_ids.sort_unstable();
        store_ids.dedup();
        for store_id in store_ids {
            make_due(conn, actor.merchant_id, store_id, JobKind::Push, actor.now)?;
        }
        Ok(count)
    })
}

/// Brings the codes of these triggers on their way into a store, whatever became of earlier tries;
/// answers how many were not already. Then the store's push job is to be made due.
pub fn send_again(
    conn: &mut PgConnection,
    actor: &Actor,
    store_id: i64,
    trigger_ids: &[i64],
) -> QueryResult<usize> {
    statement!(
        "INSERT INTO pushes AS p \
             (merchant_id, trigger_id, store_id, status, available_at, created_at) \
         SELECT :merchant_id, trigger_id, :store_id, 'queued', :now, :now \
         FROM unnest(:trigger_ids) AS t (trigger_id) \
         ON CONFLICT (merchant_id, trigger_id, store_id) DO UPDATE \
             SET status = 'queued', reason = '', attempts = 0, settled_at = NULL, \
                 available_at = excluded.available_at, remote_ref = NULL, admin_url = NULL \
             WHERE p.status <> 'queued'",
        merchant_id: BigInt = actor.merchant_id,
        store_id: BigInt,
        trigger_ids: Array<BigInt>,
        now: Timestamptz = actor.now,
    )
    .execute(conn)
}

type QueuedAgain = (
    diesel::dsl::Eq<pushes::status, PushStatus>,
    diesel::dsl::Eq<pushes::reason, &'static str>,
    diesel::dsl::Eq<pushes::attempts, i32>,
    diesel::dsl::Eq<pushes::available_at, DateTime<Utc>>,
    diesel::dsl::Eq<pushes::settled_at, Option<DateTime<Utc>>>,
);

fn queued_again(now: DateTime<Utc>) -> QueuedAgain {
    (
        pushes::status.eq(PushStatus::Queued),
        pushes::reason.eq(""),
        pushes::attempts.eq(0),
        pushes::available_at.eq(now),
        pushes::settled_at.eq(None),
    )
}

/// Takes the code that the store has of its own for the trigger's: its orders are credited anyway,
/// and nothing is left to do. To do it twice changes nothing.
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
            .set((pushes::status.eq(PushStatus::Pushed), pushes::reason.eq("Attached.")))
            .execute(conn)?;
        let summary =
            format!("Attached the code {} that {} had already.", subject.code, subject.store);
        record(conn, actor, act("push.attached", trigger_id, summary))
    })
}
