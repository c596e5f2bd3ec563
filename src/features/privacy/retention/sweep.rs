//! The background job that applies retention periods, merchant by merchant, in small portions. Each
//! portion is a transaction that skips rows locked by others.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text, Timestamptz};

use super::settings::{Period, Periods, load};
use crate::features::audit::{Act, AuditEvent};
use crate::features::privacy::erase::{Left, deciding_addresses, erase_bodies, erase_customers};
use crate::kit::audit::{self, Actor, SubjectKind, record};
use crate::kit::config::InstanceRetention;
use crate::kit::db::schema::{data_requests, emails, merchants, orders, sessions, stores};
use crate::kit::db::statement::statement;
use crate::kit::db::{Db, Scope};
use crate::kit::error::AppResult;
use crate::kit::supervise::Stop;

/// Rows per transaction.
const PORTION: i64 = 500;
/// Data that's still there this long after it was due is reported, since the job runs every hour.
const GRACE: Duration = Duration::days(1);

/// Deletes data whose retention period is over. Returns how many rows. It checks `stop` between
/// portions.
pub fn sweep(
    db: &Db,
    keep: InstanceRetention,
    now: DateTime<Utc>,
    stop: &Stop,
) -> AppResult<usize> {
    let mut done = db.run_blocking(Scope::Instance, |conn| {
        let old = emails::created_at.lt(now - Duration::days(keep.emails_days));
        diesel::delete(emails::table.filter(old)).execute(conn)
    })?;
    let forgotten = db.run_blocking(Scope::Instance, |conn| {
        audit::forget_instance_ips(conn, now - Duration::days(keep.ips_days))
    })?;
    done += usize::try_from(forgotten).unwrap_or_default();
    done += db.run_blocking(Scope::Unowned, |conn| {
        let old = sessions::created_at.lt(now - Duration::days(keep.sessions_days));
        diesel::delete(sessions::table.filter(old)).execute(conn)
    })?;
    let merchants: Vec<i64> = db.run_blocking(Scope::Instance, |conn| {
        merchants::table.order(merchants::id).select(merchants::id).load(conn)
    })?;
    for merchant_id in merchants {
        if stop.is_asked() {
            break;
        }
        done += sweep_merchant(db, merchant_id, now, stop)?;
    }
    Ok(done)
}

fn sweep_merchant(db: &Db, merchant_id: i64, now: DateTime<Utc>, stop: &Stop) -> AppResult<usize> {
    let scope = Scope::Merchant(merchant_id);
    let periods = db.run_blocking(scope, |conn| load(conn, merchant_id))?;
    let before = |period: Period| now - Duration::days(periods.days(period).into());
    let mut done = 0;
    done += repeat(db, scope, stop, |conn| {
        empty_bodies(conn, merchant_id, before(Period::Bodies), before(Period::FailedBodies))
    })?;
    let forgotten =
        db.run_blocking(scope, |conn| audit::forget_addresses(conn, before(Period::AuditIps)))?;
    done += usize::try_from(forgotten).unwrap_or_default();
    done += repeat(db, scope, stop, |conn| {
        let due = orders_before(conn, merchant_id, before(Period::Customers))?;
        blank_customers(conn, merchant_id, &due, now)
    })?;
    done += sweep_stores(db, merchant_id, (before(Period::Disconnected), now), stop)?;
    Ok(done)
}

/// Runs portion after portion, until one finds nothing or `stop` is set.
fn repeat(
    db: &Db,
    scope: Scope,
    stop: &Stop,
    portion: impl Fn(&mut PgConnection) -> QueryResult<usize>,
) -> AppResult<usize> {
    let mut done = 0;
    while !stop.is_asked() {
        let number = db.run_blocking(scope, &portion)?;
        done += number;
        if number == 0 {
            break;
        }
    }
    Ok(done)
}

/// A delivery that waits for its order contains only the order's reference, which is needed until
/// then.
fn empty_bodies(
    conn: &mut PgConnection,
    merchant_id: i64,
    before: DateTime<Utc>,
    failed_before: DateTime<Utc>,
) -> QueryResult<usize> {
    statement!(
        "UPDATE deliveries d SET body_gzip = NULL \
         FROM (SELECT id FROM deliveries WHERE merchant_id = :merchant_id \
                 AND body_gzip IS NOT NULL \
                 AND received_at < greatest(:before, :failed_before) AND outcome <> 'waiting' \
                 AND received_at < CASE WHEN outcome = 'failed' THEN :failed_before \
                     ELSE :before END \
             ORDER BY received_at LIMIT :portion FOR UPDATE SKIP LOCKED) old \
         WHERE d.merchant_id = :merchant_id AND d.id = old.id",
        merchant_id: BigInt,
        before: Timestamptz,
        failed_before: Timestamptz,
        portion: BigInt = PORTION,
    )
    .execute(conn)
}

/// An order, with the key of its customer's email.
type Due = (i64, Option<String>);

/// Locks the orders. Those that are being processed are left for the next run.
fn orders_before(
    conn: &mut PgConnection,
    merchant_id: i64,
    before: DateTime<Utc>,
) -> QueryResult<Vec<Due>> {
    orders::table
        .filter(orders::merchant_id.eq(merchant_id))
        .filter(orders::erased_at.is_null())
        .filter(orders::placed_at.lt(before))
        .order(orders::placed_at)
        .limit(PORTION)
        .select((orders::id, orders::customer_email_key))
        .for_update()
        .skip_locked()
        .load(conn)
}

/// Erases the customers and the raw bodies of these orders. An email that decides who earns stays.
fn blank_customers(
    conn: &mut PgConnection,
    merchant_id: i64,
    due: &[Due],
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    if due.is_empty() {
        return Ok(0);
    }
    let deciding = deciding_addresses(conn, merchant_id)?;
    let decides = |(_, key): &&Due| key.as_ref().is_some_and(|key| deciding.contains(key));
    let (kept, others): (Vec<&Due>, Vec<&Due>) = due.iter().partition(decides);
    let ids = |due: Vec<&Due>| due.into_iter().map(|(id, _)| *id).collect::<Vec<i64>>();
    erase_customers(conn, merchant_id, &ids(kept), Left::Address, now)?;
    erase_customers(conn, merchant_id, &ids(others), Left::Nothing, now)?;
    erase_bodies(conn, merchant_id, &ids(due.iter().collect()))?;
    Ok(due.len())
}

/// Stores that were disconnected long enough ago or requested the erasure.
fn sweep_stores(
    db: &Db,
    merchant_id: i64,
    (before, now): (DateTime<Utc>, DateTime<Utc>),
    stop: &Stop,
) -> AppResult<usize> {
    let scope = Scope::Merchant(merchant_id);
    let due: Vec<i64> = db.run_blocking(scope, |conn| {
        stores::table
            .filter(stores::merchant_id.eq(merchant_id))
            .filter(stores::disconnected_at.is_not_null().and(stores::erased_at.is_null()))
            .filter(
                stores::disconnected_at
                    .lt(before)
                    .or(stores::erasure_requested_at.is_not_null())
                    .assume_not_null(),
            )
            .select(stores::id)
            .load(conn)
    })?;
    let mut done = 0;
    for store_id in due {
        done += blank_store(db, (merchant_id, store_id), now, stop)?;
        done += repeat(db, scope, stop, |conn| empty_bodies_of_store(conn, merchant_id, store_id))?;
        if !stop.is_asked() {
            db.run_blocking(scope, |conn| finish_store(conn, merchant_id, store_id, now))?;
        }
    }
    Ok(done)
}

/// Erases the customers of every order of a store, portion after portion.
fn blank_store(
    db: &Db,
    (merchant_id, store_id): (i64, i64),
    now: DateTime<Utc>,
    stop: &Stop,
) -> AppResult<usize> {
    let (mut after, mut done) = (String::new(), 0);
    while !stop.is_asked() {
        let last = db.run_blocking(Scope::Merchant(merchant_id), |conn| {
            let found = orders_of_store(conn, merchant_id, store_id, &after)?;
            let last = found.last().map(|(order_ref, _)| order_ref.clone());
            let due: Vec<Due> = found.into_iter().map(|(_, due)| due).collect();
            done += blank_customers(conn, merchant_id, &due, now)?;
            QueryResult::Ok(last)
        })?;
        match last {
            Some(last) => after = last,
            None => break,
        }
    }
    Ok(done)
}

/// Uses the order of an existing index.
fn orders_of_store(
    conn: &mut PgConnection,
    merchant_id: i64,
    store_id: i64,
    after: &str,
) -> QueryResult<Vec<(String, Due)>> {
    orders::table
        .filter(orders::merchant_id.eq(merchant_id))
        .filter(orders::store_id.eq(store_id))
        .filter(orders::order_ref.gt(after))
        .filter(orders::erased_at.is_null())
        .order(orders::order_ref)
        .limit(PORTION)
        .select((orders::order_ref, (orders::id, orders::customer_email_key)))
        .for_update()
        .skip_locked()
        .load(conn)
}

fn empty_bodies_of_store(
    conn: &mut PgConnection,
    merchant_id: i64,
    store_id: i64,
) -> QueryResult<usize> {
    statement!(
        "UPDATE deliveries d SET body_gzip = NULL, detail = NULL, reason = NULL \
         FROM (SELECT id FROM deliveries \
             WHERE merchant_id = :merchant_id AND store_id = :store_id AND body_gzip IS NOT NULL \
             ORDER BY received_at LIMIT :portion FOR UPDATE SKIP LOCKED) old \
         WHERE d.merchant_id = :merchant_id AND d.id = old.id",
        merchant_id: BigInt,
        store_id: BigInt,
        portion: BigInt = PORTION,
    )
    .execute(conn)
}

/// Finishes only if no order is left, since locked orders follow in the next run. It also deletes
/// the secret for the store's privacy requests and closes its open data requests.
fn finish_store(
    conn: &mut PgConnection,
    merchant_id: i64,
    store_id: i64,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let left: i64 = orders::table
        .filter(orders::merchant_id.eq(merchant_id))
        .filter(orders::store_id.eq(store_id))
        .filter(orders::erased_at.is_null())
        .count()
        .get_result(conn)?;
    let ended = diesel::update(stores::table.find((merchant_id, store_id)))
        .filter(stores::disconnected_at.is_not_null().and(stores::erased_at.is_null()))
        .filter((left == 0).into_sql::<diesel::sql_types::Bool>())
        .set((stores::erased_at.eq(now), stores::privacy_secret.eq(None::<Vec<u8>>)))
        .execute(conn)?;
    if ended == 0 {
        return Ok(());
    }
    let open = data_requests::table
        .filter(data_requests::merchant_id.eq(merchant_id))
        .filter(data_requests::store_id.eq(store_id))
        .filter(data_requests::completed_at.is_null());
    diesel::update(open)
        .set((
            data_requests::email.eq(""),
            data_requests::order_refs.eq(Vec::<Option<String>>::new()),
            data_requests::completed_at.eq(now),
        ))
        .execute(conn)?;
    let act = Act::new(AuditEvent::StoreCustomersErased, SubjectKind::Store, Some(store_id));
    record(conn, &Actor::system(merchant_id, now), act)
}

/// The highest count per merchant.
const COUNTED: i64 = 1_000;

/// Counts the merchants' rows that have been due for a day.
macro_rules! due {
    ($name:literal, $days:literal, $table:literal, $condition:literal, $since:literal) => {
        concat!(
            "SELECT '",
            $name,
            "' AS what, coalesce(sum(n.number), 0)::bigint AS number FROM kept k \
             CROSS JOIN LATERAL (SELECT count(*) AS number FROM (SELECT FROM ",
            $table,
            " t WHERE t.merchant_id = k.id AND ",
            $condition,
            " AND t.",
            $since,
            " < k.now - k.",
            $days,
            " * interval '1 day' LIMIT k.counted) x) n"
        )
    };
}

const OVERDUE: &str = concat!(
    "WITH kept AS (SELECT m.id, :now AS now, :counted AS counted, \
         coalesce(r.bodies_days, :bodies_days) AS bodies_days, \
         coalesce(r.failed_bodies_days, :failed_bodies_days) AS failed_bodies_days, \
         coalesce(r.customers_days, :customers_days) AS customers_days, \
         coalesce(r.audit_ips_days, :audit_ips_days) AS audit_ips_days, \
         coalesce(r.disconnected_days, :disconnected_days) AS disconnected_days \
     FROM merchants m LEFT JOIN retention_settings r ON r.merchant_id = m.id) ",
    due!(
        "bodies",
        "bodies_days",
        "deliveries",
        "t.body_gzip IS NOT NULL AND t.outcome NOT IN ('failed', 'waiting')",
        "received_at"
    ),
    " UNION ALL ",
    due!(
        "failed_bodies",
        "failed_bodies_days",
        "deliveries",
        "t.body_gzip IS NOT NULL AND t.outcome = 'failed'",
        "received_at"
    ),
    " UNION ALL ",
    due!("customers", "customers_days", "orders", "t.erased_at IS NULL", "placed_at"),
    " UNION ALL ",
    due!("audit_ips", "audit_ips_days", "audit_log", "t.came_from IS NOT NULL", "at"),
    " UNION ALL ",
    due!("disconnected", "disconnected_days", "stores", "t.erased_at IS NULL", "disconnected_at"),
    " UNION ALL SELECT 'emails', count(*) FROM emails WHERE created_at < :emails_before \
      UNION ALL SELECT 'sessions', count(*) FROM sessions WHERE created_at < :sessions_before \
      UNION ALL SELECT 'instance_ips', count(*) FROM instance_log \
          WHERE came_from IS NOT NULL AND at < :ips_before",
);

/// How many rows of each kind are still there a day after they were due. The count per merchant has
/// a limit. The caller holds `Scope::Instance`.
pub fn overdue(
    conn: &mut PgConnection,
    keep: InstanceRetention,
    now: DateTime<Utc>,
) -> QueryResult<Vec<(String, i64)>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        what: String,
        #[diesel(sql_type = BigInt)]
        number: i64,
    }
    let (now, days) = (now - GRACE, Periods::default());
    let rows: Vec<Row> = statement!(
        OVERDUE,
        now: Timestamptz,
        counted: BigInt = COUNTED,
        bodies_days: Integer = days.bodies_days,
        failed_bodies_days: Integer = days.failed_bodies_days,
        customers_days: Integer = days.customers_days,
        audit_ips_days: Integer = days.audit_ips_days,
        disconnected_days: Integer = days.disconnected_days,
        emails_before: Timestamptz = now - Duration::days(keep.emails_days),
        sessions_before: Timestamptz = now - Duration::days(keep.sessions_days),
        ips_before: Timestamptz = now - Duration::days(keep.ips_days),
    )
    .load(conn)?;
    Ok(rows.into_iter().map(|row| (row.what, row.number)).collect())
}
