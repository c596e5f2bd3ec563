use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Date, Integer, Jsonb, Nullable, Text, Timestamptz};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vouch_core::attribution::{Attribution, Credit, CreditKind};
use vouch_core::order::snapshot::OrderSnapshot;
use vouch_core::order::state::OrderState;

use super::clock;
use super::held::IfHeld;
use super::keys::email_key_of;
use crate::kit::db::prepared;

/// An order as it is kept, locked for this transaction.
pub(in crate::features::ingest) struct OrderRow {
    pub id: i64,
    pub store_id: i64,
    pub state: OrderState,
    pub day: Option<NaiveDate>,
    pub currency: Option<String>,
    /// Whether it adds to the number of orders of its day, as it was read.
    pub counted: bool,
    pub overruled: BTreeSet<i64>,
    /// A member denied it as fraud.
    pub is_fraud: bool,
    /// Its customer was erased.
    pub is_erased: bool,
    pub manual: Option<(i64, ManualNote)>,
    /// By how much the store's time of placement is moved to Vouch's clock; none where that wasn't
    /// decided yet, or before it could be.
    pub clock_shift: Option<i32>,
}

/// What was noted when a member credited the order by hand.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::features::ingest) struct ManualNote {
    pub credited_by: String,
    pub at: DateTime<Utc>,
    pub note: String,
}

/// What is read of an order.
macro_rules! columns {
    () => {
        "id, store_id, state, day, currency::text, overruled_affiliate_ids, manual_affiliate_id, \
         manual_credit, first_seen_at, coalesce(decided_at, first_seen_at), fraud_by IS NOT NULL, \
         erased_at IS NOT NULL, clock_shift_seconds"
    };
}

/// The orders under a condition, locked.
macro_rules! select_order {
    ($condition:literal) => {
        concat!("SELECT ", columns!(), " FROM orders WHERE ", $condition, " FOR UPDATE")
    };
}

/// Known orders by store and reference, locked in the order of their keys; where somebody else has
/// one, perhaps without its columns.
macro_rules! select_by_refs {
    ($if_held:literal) => {
        concat!(
            "WITH wanted AS MATERIALIZED (SELECT o.id AS wanted_id, o.store_id AS in_store, o.order_ref \
                 FROM unnest(?::bigint[], ?::text[]) AS n (store_id, order_ref) \
                 JOIN orders o ON o.store_id = n.store_id AND o.order_ref = n.order_ref \
                 WHERE o.merchant_id = ?), \
             free AS MATERIALIZED (SELECT ",
            columns!(),
            " FROM orders WHERE merchant_id = ? AND id = ANY(ARRAY(SELECT wanted_id FROM wanted)) \
                 ORDER BY id FOR UPDATE",
            $if_held,
            ") SELECT w.in_store, w.order_ref, f.* FROM wanted w \
             LEFT JOIN free f ON f.id = w.wanted_id"
        )
    };
}

type Sql = (
    BigInt,
    BigInt,
    Jsonb,
    Nullable<Date>,
    Nullable<Text>,
    Array<BigInt>,
    Nullable<BigInt>,
    Nullable<Jsonb>,
    Timestamptz,
    Timestamptz,
    Bool,
    Bool,
    Nullable<Integer>,
);
type Row = (
    i64,
    i64,
    Value,
    Option<NaiveDate>,
    Option<String>,
    Vec<i64>,
    Option<i64>,
    Option<Value>,
    DateTime<Utc>,
    DateTime<Utc>,
    bool,
    bool,
    Option<i32>,
);

impl OrderRow {
    fn read(row: Row) -> QueryResult<Self> {
        let (
            id,
            store_id,
            state,
            day,
            currency,
            overruled,
            manual_affiliate_id,
            manual,
            first_seen_at,
            decided_at,
            is_fraud,
            is_erased,
            clock_shift,
        ) = row;
        let unreadable =
            |error: serde_json::Error| diesel::result::Error::DeserializationError(Box::new(error));
        let manual = match (manual_affiliate_id, manual) {
            (Some(id), Some(note)) => Some((id, serde_json::from_value(note).map_err(unreadable)?)),
            (Some(id), None) => Some((id, ManualNote::default())),
            (None, _) => None,
        };
        let mut state: OrderState = serde_json::from_value(state).map_err(unreadable)?;
        let counted = state.is_counted();
        state.date_report(first_seen_at, decided_at);
        Ok(Self {
            id,
            store_id,
            counted,
            state,
            day,
            currency,
            overruled: overruled.into_iter().collect(),
            is_fraud,
            is_erased,
            manual,
            clock_shift,
        })
    }

    /// Those of these references that are known, each locked; without a row where somebody else has it
    /// and that is passed over.
    pub(super) fn by_refs(
        conn: &mut PgConnection,
        merchant_id: i64,
        refs: &[(i64, &str)],
        if_held: IfHeld,
    ) -> QueryResult<Vec<((i64, String), Option<Self>)>> {
        let statement = match if_held {
            IfHeld::Wait => select_by_refs!(""),
            IfHeld::PassOver => select_by_refs!(" SKIP LOCKED"),
        };
        let (store_ids, order_refs): (Vec<i64>, Vec<&str>) = refs.iter().copied().unzip();
        let rows: Vec<(i64, String, Option<Row>)> =
            prepared::<(BigInt, Text, Nullable<Sql>)>(statement)
                .bind::<Array<BigInt>, _>(store_ids)
                .bind::<Array<Text>, _>(order_refs)
                .bind::<BigInt, _>(merchant_id)
                .bind::<BigInt, _>(merchant_id)
                .load(conn)?;
        let read = |(store_id, order_ref, row): (i64, String, Option<Row>)| {
            Ok(((store_id, order_ref), row.map(Self::read).transpose()?))
        };
        rows.into_iter().map(read).collect()
    }

    /// The order of that reference in that store.
    pub(super) fn by_ref(
        conn: &mut PgConnection,
        merchant_id: i64,
        store_id: i64,
        order_ref: &str,
    ) -> QueryResult<Option<Self>> {
        let row: Option<Row> =
            prepared::<Sql>(select_order!("merchant_id = ? AND store_id = ? AND order_ref = ?"))
                .bind::<BigInt, _>(merchant_id)
                .bind::<BigInt, _>(store_id)
                .bind::<Text, _>(order_ref)
                .get_result(conn)
                .optional()?;
        row.map(Self::read).transpose()
    }

    /// Those of these orders that nobody else has, by their keys; the others are passed over.
    pub(in crate::features::ingest) fn free(
        conn: &mut PgConnection,
        merchant_id: i64,
        order_ids: &[i64],
    ) -> QueryResult<Vec<Self>> {
        let rows: Vec<Row> = prepared::<Sql>(concat!(
            select_order!("merchant_id = ? AND id = ANY(?) ORDER BY id"),
            " SKIP LOCKED"
        ))
        .bind::<BigInt, _>(merchant_id)
        .bind::<Array<BigInt>, _>(order_ids)
        .load(conn)?;
        rows.into_iter().map(Self::read).collect()
    }

    /// The order of that key.
    pub(in crate::features::ingest) fn by_id(
        conn: &mut PgConnection,
        merchant_id: i64,
        order_id: i64,
    ) -> QueryResult<Self> {
        let row: Row = prepared::<Sql>(select_order!("merchant_id = ? AND id = ?"))
            .bind::<BigInt, _>(merchant_id)
            .bind::<BigInt, _>(order_id)
            .get_result(conn)?;
        Self::read(row)
    }

    /// Writes what is known of the order, where nothing is decided anew.
    pub(super) fn write_state(&self, conn: &mut PgConnection, merchant_id: i64) -> QueryResult<()> {
        let state = serde_json::to_value(&self.state)
            .map_err(|error| diesel::result::Error::SerializationError(Box::new(error)))?;
        prepared::<()>("UPDATE orders SET state = ? WHERE merchant_id = ? AND id = ?")
            .bind::<Jsonb, _>(state)
            .bind::<BigInt, _>(merchant_id)
            .bind::<BigInt, _>(self.id)
            .execute(conn)
            .map(drop)
    }
}

/// Everything that is written of an order.
pub(super) struct Written<'a> {
    pub merchant_id: i64,
    pub state: &'a OrderState,
    pub attribution: &'a Attribution,
    pub day: Option<NaiveDate>,
    pub clock_shift: Option<i32>,
    pub now: DateTime<Utc>,
}

impl Written<'_> {
    fn report(&self) -> Option<&OrderSnapshot> {
        self.state.report.as_ref()
    }

    /// Whoever won the order itself; royalties stand beside.
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
        let statement = prepared::<BigInt>(
            "INSERT INTO orders (merchant_id, store_id, order_ref, first_seen_at, name, placed_at, \
                 reported_at, day, currency, total_minor, payment, is_test, cancelled_at, \
                 deleted_at, customer_name, customer_email, customer_email_key, state, attribution, \
                 decided_at, credited_affiliate_id, clock_shift_seconds) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
             ON CONFLICT (merchant_id, store_id, order_ref) DO NOTHING RETURNING id",
        )
        .bind::<BigInt, _>(self.merchant_id)
        .bind::<BigInt, _>(store_id)
        .bind::<Text, _>(order_ref)
        .bind::<Timestamptz, _>(self.now);
        self.bind_columns(statement)?.get_result(conn).optional()
    }

    /// Writes the order anew.
    pub(super) fn update(&self, conn: &mut PgConnection, order_id: i64) -> QueryResult<()> {
        let statement = prepared::<()>(
            "UPDATE orders SET (name, placed_at, reported_at, day, currency, total_minor, payment, \
                 is_test, cancelled_at, deleted_at, customer_name, customer_email, \
                 customer_email_key, state, attribution, decided_at, credited_affiliate_id, \
                 clock_shift_seconds) \
             = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
             WHERE merchant_id = ? AND id = ?",
        );
        self.bind_columns(statement)?
            .bind::<BigInt, _>(self.merchant_id)
            .bind::<BigInt, _>(order_id)
            .execute(conn)?;
        Ok(())
    }

    fn bind_columns<'s, ST>(
        &'s self,
        statement: crate::kit::db::Prepared<'s, ST>,
    ) -> QueryResult<crate::kit::db::Prepared<'s, ST>> {
        let report = self.report();
        let json = |value: serde_json::Result<Value>| {
            value.map_err(|error| diesel::result::Error::SerializationError(Box::new(error)))
        };
        Ok(statement
            .bind::<Nullable<Text>, _>(report.map(|report| report.name.as_str()))
            .bind::<Nullable<Timestamptz>, _>(
                report.map(|report| clock::by_ours(report.placed_at, self.clock_shift)),
            )
            .bind::<Nullable<Timestamptz>, _>(report.map(|report| report.reported_at))
            .bind::<Nullable<Date>, _>(self.day)
            .bind::<Nullable<Text>, _>(report.map(|report| report.currency.code()))
            .bind::<Nullable<BigInt>, _>(report.map(|report| report.total_minor))
            .bind::<Nullable<Text>, _>(report.map(|report| report.payment.as_str()))
            .bind::<Bool, _>(report.is_some_and(|report| report.is_test))
            .bind::<Nullable<Timestamptz>, _>(report.and_then(|report| report.cancelled_at))
            .bind::<Nullable<Timestamptz>, _>(self.state.gone_at())
            .bind::<Nullable<Text>, _>(report.and_then(|report| report.customer_name.as_deref()))
            .bind::<Nullable<Text>, _>(report.and_then(|report| report.customer_email.as_deref()))
            .bind::<Nullable<Text>, _>(report.and_then(email_key_of))
            .bind::<Jsonb, _>(json(serde_json::to_value(self.state))?)
            .bind::<Jsonb, _>(json(serde_json::to_value(self.attribution))?)
            .bind::<Timestamptz, _>(self.now)
            .bind::<Nullable<BigInt>, _>(self.winner())
            .bind::<Nullable<Integer>, _>(self.clock_shift))
    }
}
