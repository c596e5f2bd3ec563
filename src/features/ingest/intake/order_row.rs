use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Date, Integer, Jsonb, Nullable, Text, Timestamptz};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vouch_core::attribution::{Attribution, Credit, CreditKind};
use vouch_core::money::Currency;
use vouch_core::order::snapshot::OrderSnapshot;
use vouch_core::order::state::OrderState;

use super::clock;
use super::held::IfHeld;
use super::keys::email_key_of;
use crate::kit::db::schema::orders;
use crate::kit::db::statement::{ColumnValues, columns, rows, statement};

/// An order's row, locked for this transaction.
pub(in crate::features::ingest) struct OrderRow {
    pub(crate) id: i64,
    pub(crate) store_id: i64,
    pub(crate) state: OrderState,
    pub(crate) day: Option<NaiveDate>,
    pub(crate) currency: Option<Currency>,
    /// Whether it's counted in the number of orders of its day, as the row was read.
    pub(crate) counted: bool,
    pub(crate) overruled: BTreeSet<i64>,
    /// Whether a member denied it as fraud.
    pub(crate) is_fraud: bool,
    /// Whether its customer was erased.
    pub(crate) is_erased: bool,
    pub(crate) manual: Option<(i64, ManualNote)>,
    /// Seconds from the store's time of placement to Vouch's. `None` if that isn't decided yet, or
    /// for orders older than clock shifts.
    pub(crate) clock_shift: Option<i32>,
}

/// The details of a member's manual credit for the order.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::features::ingest) struct ManualNote {
    pub(crate) credited_by: String,
    pub(crate) at: DateTime<Utc>,
    pub(crate) note: String,
}

/// The columns of [`Row`].
macro_rules! columns_read {
    () => {
        "id, store_id, state, day, currency, overruled_affiliate_ids, manual_affiliate_id, \
         manual_credit, first_seen_at, coalesce(decided_at, first_seen_at) AS decided_at, \
         fraud_by IS NOT NULL AS is_fraud, erased_at IS NOT NULL AS is_erased, clock_shift_seconds"
    };
}

/// Selects the orders that match a condition, locked.
macro_rules! select_order {
    ($condition:literal) => {
        concat!("SELECT ", columns_read!(), " FROM orders WHERE ", $condition, " FOR UPDATE")
    };
}

/// Selects known orders by store and reference, locked in the order of their IDs. If another
/// transaction holds one, its columns may be missing.
macro_rules! select_by_refs {
    ($if_held:literal, $merchant_id:expr, $refs:expr) => {
        statement!(
            concat!(
                "WITH wanted AS MATERIALIZED (\
                     SELECT o.id AS wanted_id, o.store_id AS in_store, o.order_ref FROM :named \
                     JOIN orders o ON o.store_id = named.store_id \
                         AND o.order_ref = named.order_ref \
                     WHERE o.merchant_id = :merchant_id), \
                 free AS MATERIALIZED (SELECT ",
                columns_read!(),
                " FROM orders WHERE merchant_id = :merchant_id \
                         AND id = ANY(ARRAY(SELECT wanted_id FROM wanted)) \
                     ORDER BY id FOR UPDATE",
                $if_held,
                ") SELECT w.in_store, w.order_ref, f.* FROM wanted w \
                 LEFT JOIN free f ON f.id = w.wanted_id"
            ),
            merchant_id: BigInt = $merchant_id,
            ..named = rows!(for (store_id, order_ref) in $refs =>
                store_id: BigInt = *store_id,
                order_ref: Text = *order_ref,
            ),
        )
    };
}

#[derive(QueryableByName)]
#[diesel(table_name = orders)]
struct Row {
    id: i64,
    store_id: i64,
    state: Value,
    day: Option<NaiveDate>,
    currency: Option<Currency>,
    #[diesel(sql_type = Array<BigInt>)]
    overruled_affiliate_ids: Vec<i64>,
    manual_affiliate_id: Option<i64>,
    manual_credit: Option<Value>,
    first_seen_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    decided_at: DateTime<Utc>,
    #[diesel(sql_type = Bool)]
    is_fraud: bool,
    #[diesel(sql_type = Bool)]
    is_erased: bool,
    clock_shift_seconds: Option<i32>,
}

/// A known order, without its row if another transaction holds it.
#[derive(QueryableByName)]
struct ByRef {
    #[diesel(sql_type = BigInt)]
    in_store: i64,
    #[diesel(sql_type = Text)]
    order_ref: String,
    #[diesel(embed)]
    row: Option<Row>,
}

impl OrderRow {
    fn read(row: Row) -> QueryResult<Self> {
        let unreadable =
            |error: serde_json::Error| diesel::result::Error::DeserializationError(Box::new(error));
        let manual = match (row.manual_affiliate_id, row.manual_credit) {
            (Some(id), Some(note)) => Some((id, serde_json::from_value(note).map_err(unreadable)?)),
            (Some(id), None) => Some((id, ManualNote::default())),
            (None, _) => None,
        };
        let mut state: OrderState = serde_json::from_value(row.state).map_err(unreadable)?;
        let counted = state.is_counted();
        state.date_report(row.first_seen_at, row.decided_at);
        Ok(Self {
            id: row.id,
            store_id: row.store_id,
            counted,
            state,
            day: row.day,
            currency: row.currency,
            overruled: row.overruled_affiliate_ids.into_iter().collect(),
            is_fraud: row.is_fraud,
            is_erased: row.is_erased,
            manual,
            clock_shift: row.clock_shift_seconds,
        })
    }

    /// The known orders among these references, each locked. With [`IfHeld::PassOver`], an order
    /// that another transaction holds has no row.
    pub(super) fn by_refs(
        conn: &mut PgConnection,
        merchant_id: i64,
        refs: &[(i64, &str)],
        if_held: IfHeld,
    ) -> QueryResult<Vec<((i64, String), Option<Self>)>> {
        let rows: Vec<ByRef> = match if_held {
            IfHeld::Wait => select_by_refs!("", merchant_id, refs).load(conn)?,
            IfHeld::PassOver => select_by_refs!(" SKIP LOCKED", merchant_id, refs).load(conn)?,
        };
        let read = |found: ByRef| {
            let row = found.row.map(Self::read).transpose()?;
            Ok(((found.in_store, found.order_ref), row))
        };
        rows.into_iter().map(read).collect()
    }

    /// The order with that reference, locked.
    pub(super) fn by_ref(
        conn: &mut PgConnection,
        merchant_id: i64,
        store_id: i64,
        order_ref: &str,
    ) -> QueryResult<Option<Self>> {
        let row: Option<Row> = statement!(
            select_order!(
                "merchant_id = :merchant_id AND store_id = :store_id AND order_ref = :order_ref"
            ),
            merchant_id: BigInt,
            store_id: BigInt,
            order_ref: Text,
        )
        .get_result(conn)
        .optional()?;
        row.map(Self::read).transpose()
    }

    /// Locks and returns the orders that no other transaction holds, by ID. The others are skipped.
    pub(in crate::features::ingest) fn free(
        conn: &mut PgConnection,
        merchant_id: i64,
        order_ids: &[i64],
    ) -> QueryResult<Vec<Self>> {
        let rows: Vec<Row> = statement!(
            concat!(
                select_order!("merchant_id = :merchant_id AND id = ANY(:order_ids) ORDER BY id"),
                " SKIP LOCKED"
            ),
            merchant_id: BigInt,
            order_ids: Array<BigInt>,
        )
        .load(conn)?;
        rows.into_iter().map(Self::read).collect()
    }

    /// The order with that ID, locked.
    pub(in crate::features::ingest) fn by_id(
        conn: &mut PgConnection,
        merchant_id: i64,
        order_id: i64,
    ) -> QueryResult<Self> {
        let row: Row = statement!(
            select_order!("merchant_id = :merchant_id AND id = :order_id"),
            merchant_id: BigInt,
            order_id: BigInt,
        )
        .get_result(conn)?;
        Self::read(row)
    }

    /// Writes the order's state without a new attribution.
    pub(super) fn write_state(&self, conn: &mut PgConnection, merchant_id: i64) -> QueryResult<()> {
        let state = serde_json::to_value(&self.state)
            .map_err(|error| diesel::result::Error::SerializationError(Box::new(error)))?;
        statement!(
            "UPDATE orders SET state = :state WHERE merchant_id = :merchant_id AND id = :id",
            state: Jsonb,
            merchant_id: BigInt,
            id: BigInt = self.id,
        )
        .execute(conn)
        .map(drop)
    }
}

/// The columns that are written for an order.
pub(super) struct OrderUpdate<'a> {
    pub(crate) merchant_id: i64,
    pub(crate) state: &'a OrderState,
    pub(crate) attribution: &'a Attribution,
    pub(crate) day: Option<NaiveDate>,
    pub(crate) clock_shift: Option<i32>,
    pub(crate) now: DateTime<Utc>,
}

impl OrderUpdate<'_> {
    fn report(&self) -> Option<&OrderSnapshot> {
        self.state.report.as_ref()
    }

    /// The affiliate that won the order itself. Royalties come on top.
    fn winner(&self) -> Option<i64> {
        let main = |credit: &&Credit| credit.via != CreditKind::Sku && credit.is_qualified();
        self.attribution.credits.iter().find(main).map(|credit| credit.affiliate.id)
    }

    /// Inserts the order. `None` if another transaction was first.
    pub(super) fn insert(
        &self,
        conn: &mut PgConnection,
        store_id: i64,
        order_ref: &str,
    ) -> QueryResult<Option<i64>> {
        statement!(
            "INSERT INTO orders (merchant_id, store_id, order_ref, first_seen_at, :order.columns) \
             VALUES (:merchant_id, :store_id, :order_ref, :now, :order.values) \
             ON CONFLICT (merchant_id, store_id, order_ref) DO NOTHING RETURNING id",
            merchant_id: BigInt = self.merchant_id,
            store_id: BigInt,
            order_ref: Text,
            now: Timestamptz = self.now,
            ..order = self.columns()?,
        )
        .scalar::<BigInt>()
        .get_result(conn)
        .optional()
    }

    pub(super) fn update(&self, conn: &mut PgConnection, order_id: i64) -> QueryResult<()> {
        statement!(
            "UPDATE orders SET (:order.columns) = (:order.values) \
             WHERE merchant_id = :merchant_id AND id = :order_id",
            merchant_id: BigInt = self.merchant_id,
            order_id: BigInt,
            ..order = self.columns()?,
        )
        .execute(conn)
        .map(drop)
    }

    fn columns(&self) -> QueryResult<ColumnValues<'_>> {
        let report = self.report();
        let placed_at = report.map(|report| clock::by_ours(report.placed_at, self.clock_shift));
        let json = |value: serde_json::Result<Value>| {
            value.map_err(|error| diesel::result::Error::SerializationError(Box::new(error)))
        };
        Ok(columns!(
            name: Nullable<Text> = report.map(|report| report.name.as_str()),
            placed_at: Nullable<Timestamptz> = placed_at,
            reported_at: Nullable<Timestamptz> = report.map(|report| report.reported_at),
            day: Nullable<Date> = self.day,
            currency: Nullable<Text> = report.map(|report| report.currency),
            total_minor: Nullable<BigInt> = report.map(|report| report.total_minor),
            payment: Nullable<Text> = report.map(|report| report.payment),
            is_test: Bool = report.is_some_and(|report| report.is_test),
            cancelled_at: Nullable<Timestamptz> = report.and_then(|report| report.cancelled_at),
            deleted_at: Nullable<Timestamptz> = self.state.gone_at(),
            customer_name: Nullable<Text> = report.and_then(|report| report.customer_name.as_deref()),
            customer_email: Nullable<Text> =
                report.and_then(|report| report.customer_email.as_deref()),
            customer_email_key: Nullable<Text> = report.and_then(email_key_of),
            state: Jsonb = json(serde_json::to_value(self.state))?,
            attribution: Jsonb = json(serde_json::to_value(self.attribution))?,
            decided_at: Timestamptz = self.now,
            credited_affiliate_id: Nullable<BigInt> = self.winner(),
            clock_shift_seconds: Nullable<Integer> = self.clock_shift,
        ))
    }
}
