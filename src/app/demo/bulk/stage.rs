//! Bulk inserts into tables with row security.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use serde::Serialize;

use super::size::Size;
use crate::kit::db::statement::{Statement, statement};

diesel::table! {
    /// The staging table: one JSON object per row.
    demo_rows (line) {
        line -> Jsonb,
    }
}

/// Reserved IDs that no other session gets: the first of each table.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReservedIds {
    pub(crate) affiliates: i64,
    pub(crate) triggers: i64,
    pub(crate) orders: i64,
    pub(crate) deliveries: i64,
    pub(crate) conversions: i64,
}

impl ReservedIds {
    pub(super) fn reserve(conn: &mut PgConnection, size: Size) -> QueryResult<Self> {
        Ok(Self {
            affiliates: reserve(conn, "affiliates", size.affiliates)?,
            triggers: reserve(conn, "triggers", size.triggers)?,
            orders: reserve(conn, "orders", size.orders)?,
            deliveries: reserve(conn, "deliveries", size.orders)?,
            conversions: reserve(conn, "conversions", size.orders)?,
        })
    }
}

fn reserve(conn: &mut PgConnection, table: &'static str, count: u64) -> QueryResult<i64> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let last: i64 = statement!(
        "SELECT setval(s, nextval(s) + :count) \
         FROM (SELECT pg_get_serial_sequence(:table, 'id')::regclass AS s) q",
        count: BigInt,
        table: Text,
    )
    .scalar::<BigInt>()
    .get_result(conn)?;
    Ok(last - count)
}

/// Moves rows from `demo_rows` to a table of the merchant or its store.
type Distribute = fn(&StagingTables) -> Statement<'static>;

macro_rules! of_merchant {
    ($sql:literal) => {
        |stage| statement!($sql, merchant_id: BigInt = stage.merchant_id)
    };
}

macro_rules! of_store {
    ($sql:literal) => {
        |stage| {
            statement!(
                $sql,
                merchant_id: BigInt = stage.merchant_id,
                store_id: BigInt = stage.store_id,
            )
        }
    };
}

const AFFILIATES: [Distribute; 3] = [
    of_merchant!(
        "INSERT INTO affiliates (merchant_id, id, public_id, name, email, email_key, status, offer_id, \
         created_at, updated_at) \
     SELECT :merchant_id, r.id, r.public_id, r.name, r.email, r.email, r.status, r.offer_id, r.at, r.at \
     FROM demo_rows, jsonb_to_record(line) AS r (id bigint, public_id text, name text, \
         email text, status text, offer_id bigint, at timestamptz)"
    ),
    of_merchant!(
        "INSERT INTO affiliate_terms (merchant_id, affiliate_id, valid_from, status, offer_id) \
     SELECT :merchant_id, r.id, date_trunc('second', r.at), r.status, r.offer_id \
     FROM demo_rows, jsonb_to_record(line) AS r (id bigint, status text, offer_id bigint, \
         at timestamptz)"
    ),
    of_merchant!(
        "INSERT INTO affiliate_emails (merchant_id, affiliate_id, kind, valid_from, emails) \
     SELECT :merchant_id, r.id, 'own', 'epoch', ARRAY[r.email] \
     FROM demo_rows, jsonb_to_record(line) AS r (id bigint, email text)"
    ),
];

const TRIGGERS: [Distribute; 2] = [
    of_merchant!(
        "INSERT INTO triggers (merchant_id, id, kind, value, key, look_alike, affiliate_id, created_at, \
         retired_at) \
     SELECT :merchant_id, r.id, r.kind, r.value, r.key, r.look_alike, r.affiliate_id, r.at, r.retired_at \
     FROM demo_rows, jsonb_to_record(line) AS r (id bigint, kind text, value text, key text, \
         look_alike text, affiliate_id bigint, at timestamptz, retired_at timestamptz)"
    ),
    of_merchant!(
        "INSERT INTO trigger_owners (merchant_id, trigger_id, valid_from, affiliate_id) \
     SELECT :merchant_id, r.id, date_trunc('second', r.at), r.affiliate_id \
     FROM demo_rows, jsonb_to_record(line) AS r (id bigint, affiliate_id bigint, at timestamptz)"
    ),
];

const ORDERS: Distribute = of_store!(
    "INSERT INTO orders (merchant_id, store_id, id, order_ref, first_seen_at, \
         name, placed_at, reported_at, day, currency, total_minor, payment, cancelled_at, \
         customer_name, customer_email, customer_email_key, state, attribution, decided_at, \
         credited_affiliate_id) \
     SELECT :merchant_id, :store_id, r.id, r.order_ref, r.placed_at, r.name, r.placed_at, r.reported_at, \
         (r.placed_at AT TIME ZONE 'UTC')::date, 'USD', r.total_minor, r.payment, r.cancelled_at, \
         r.customer_name, r.customer_email, r.customer_email, r.state, r.attribution, r.reported_at, \
         r.credited_affiliate_id \
     FROM demo_rows, jsonb_to_record(line) AS r (id bigint, order_ref text, name text, \
         placed_at timestamptz, reported_at timestamptz, total_minor bigint, payment text, \
         cancelled_at timestamptz, customer_name text, customer_email text, state jsonb, \
         attribution jsonb, credited_affiliate_id bigint)"
);

// Bodies of old deliveries are deleted anyway, so none are stored.
const DELIVERIES: Distribute = of_store!(
    "INSERT INTO deliveries (merchant_id, store_id, id, topic, delivery_ref, \
         received_at, outcome, order_id) \
     SELECT :merchant_id, :store_id, r.delivery_id, r.topic, r.order_ref, r.reported_at, 'processed', r.id \
     FROM demo_rows, jsonb_to_record(line) AS r (id bigint, delivery_id bigint, order_ref text, \
         reported_at timestamptz, topic text)"
);

const PARTS: [Distribute; 4] = [
    of_merchant!(
        "INSERT INTO order_lines (merchant_id, order_id, position, line_ref, sku_key, title, \
         quantity, base_minor) \
     SELECT :merchant_id, r.id, l.position, l.position, l.sku_key, l.title, l.quantity, l.base_minor \
     FROM demo_rows, jsonb_to_record(line) AS r (id bigint, lines jsonb), \
         jsonb_to_recordset(r.lines) AS l (position smallint, sku_key text, title text, \
         quantity bigint, base_minor bigint)"
    ),
    of_merchant!(
        "INSERT INTO order_codes (merchant_id, order_id, position, code, code_key, discount_minor) \
     SELECT :merchant_id, r.id, 0, r.code, r.code_key, r.discount_minor \
     FROM demo_rows, jsonb_to_record(line) AS r (id bigint, code text, code_key text, \
         discount_minor bigint) WHERE r.code IS NOT NULL"
    ),
    of_merchant!(
        "INSERT INTO conversions (merchant_id, order_id, id, affiliate_id, trigger_id, offer_id, via, \
         review, reviewed_by, reviewed_at, denial_reason, currency, revenue_minor, discount_minor, refunded_minor, \
         commission_minor, entries, ledger_currency, occurred_at, day, created_at, updated_at) \
     SELECT :merchant_id, r.id, c.id, c.affiliate_id, c.trigger_id, c.offer_id, 'coupon', c.review, \
         c.reviewed_by, CASE WHEN c.reviewed_by IS NOT NULL THEN r.reported_at END, \
         c.denial_reason, 'USD', c.revenue_minor, c.discount_minor, c.refunded_minor, \
         c.commission_minor, c.entries, c.ledger_currency, r.placed_at, (r.placed_at AT TIME ZONE 'UTC')::date, r.reported_at, \
         r.reported_at \
     FROM demo_rows, jsonb_to_record(line) AS r (id bigint, placed_at timestamptz, \
         reported_at timestamptz, conversion jsonb), \
         jsonb_to_record(r.conversion) AS c (id bigint, affiliate_id bigint, trigger_id bigint, \
         offer_id bigint, review text, reviewed_by text, denial_reason text, revenue_minor bigint, \
         discount_minor bigint, refunded_minor bigint, commission_minor bigint, entries integer, \
         ledger_currency text) \
     WHERE c.id IS NOT NULL"
    ),
    of_merchant!(
        "INSERT INTO commission_entries (merchant_id, conversion_id, kind, amount_minor, currency, at, \
         delivery_id, cause, seq, balance_minor, prior_currency) \
     SELECT :merchant_id, c.id, e.kind, e.amount_minor, e.currency, r.reported_at, r.delivery_id, r.topic, \
         e.seq, e.balance_minor, e.prior_currency \
     FROM demo_rows, jsonb_to_record(line) AS r (delivery_id bigint, reported_at timestamptz, \
         topic text, conversion jsonb, entries jsonb), \
         jsonb_to_record(r.conversion) AS c (id bigint), \
         jsonb_to_recordset(r.entries) AS e (kind text, amount_minor bigint, currency text, \
         seq integer, balance_minor bigint, prior_currency text)"
    ),
];

/// Temporary tables that hold rows between `COPY` and their real tables.
pub(super) struct StagingTables {
    merchant_id: i64,
    store_id: i64,
}

impl StagingTables {
    pub(super) fn new(
        conn: &mut PgConnection,
        merchant_id: i64,
        store_id: i64,
    ) -> QueryResult<Self> {
        conn.batch_execute(
            "CREATE TEMPORARY TABLE demo_rows (line jsonb NOT NULL) ON COMMIT DROP; \
             ALTER TABLE demo_rows ALTER COLUMN line SET STORAGE EXTERNAL",
        )?;
        Ok(Self { merchant_id, store_id })
    }

    pub(super) fn affiliates(
        &self,
        conn: &mut PgConnection,
        rows: impl Iterator<Item = impl Serialize>,
    ) -> QueryResult<()> {
        copy(conn, rows)?;
        self.distribute(conn, &AFFILIATES)
    }

    pub(super) fn triggers(
        &self,
        conn: &mut PgConnection,
        rows: impl Iterator<Item = impl Serialize>,
    ) -> QueryResult<()> {
        copy(conn, rows)?;
        self.distribute(conn, &TRIGGERS)
    }

    pub(super) fn orders(
        &self,
        conn: &mut PgConnection,
        rows: impl Iterator<Item = impl Serialize>,
    ) -> QueryResult<()> {
        copy(conn, rows)?;
        self.distribute(conn, &[ORDERS, DELIVERIES])?;
        self.distribute(conn, &PARTS)
    }

    fn distribute(&self, conn: &mut PgConnection, statements: &[Distribute]) -> QueryResult<()> {
        for statement in statements {
            statement(self).execute(conn)?;
        }
        Ok(())
    }
}

fn copy(conn: &mut PgConnection, rows: impl Iterator<Item = impl Serialize>) -> QueryResult<()> {
    let mut lines = String::new();
    for row in rows {
        let json = serde_json::to_string(&row)
            .map_err(|error| diesel::result::Error::SerializationError(Box::new(error)))?;
        // JSON has no bare tabs or line ends, so only COPY's escape character needs escaping.
        lines.push_str(&json.replace('\\', "\\\\"));
        lines.push('\n');
    }
    conn.batch_execute("TRUNCATE demo_rows")?;
    diesel::copy_from(demo_rows::table)
        .from_raw_data(demo_rows::table, move |out| {
            out.write_all(lines.as_bytes())
                .map_err(|error| diesel::result::Error::SerializationError(Box::new(error)))
        })
        .execute(conn)?;
    Ok(())
}
