//! Everything that is known of one order: what its page tells.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::Value;
use vouch_core::attribution::{Attribution, EntryKind};
use vouch_core::delivery::DeliveryOutcome;
use vouch_core::money::{Currency, format_money};
use vouch_core::order::snapshot::{NOT_AN_ORDER, ReadNote};
use vouch_core::order::state::OrderState;
use vouch_core::platform::Platform;

use super::list::OrderHead;
use crate::features::conversions::list::{ConversionRow, of_order};
use crate::features::ingest::refund_reads::{self, RefundRead};
use crate::kit::audit;
use crate::kit::db::schema::{audit_log, commission_entries, deliveries, orders, stores};

/// As many lines of each story are shown.
const MAX_LINES: i64 = 200;

/// A message of a store about the order.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = deliveries)]
pub struct DeliveryHead {
    /// Its key within the merchant.
    pub id: i64,
    /// The store that sent it.
    pub store_id: i64,
    /// What it is about, in the platform's word.
    pub topic: String,
    /// When it came in.
    pub received_at: DateTime<Utc>,
    /// What became of it.
    pub outcome: DeliveryOutcome,
    /// Why it failed, or what was noted.
    pub detail: String,
    /// The order it is about, once it was understood.
    pub order_id: Option<i64>,
    /// When it was replayed last.
    pub replayed_at: Option<DateTime<Utc>>,
    notes: Value,
}

impl DeliveryHead {
    /// What became of it in sentences, and which fields were passed over.
    pub fn words(&self) -> String {
        let detail = match self.detail.as_str() {
            NOT_AN_ORDER => "This isn’t about an order, so there’s nothing to process.",
            sentence => sentence,
        };
        let notes: Vec<ReadNote> = serde_json::from_value(self.notes.clone()).unwrap_or_default();
        let notes = notes.iter().map(|note| format!("“{}” {}.", note.path, note.code));
        let all = std::iter::once(detail.to_owned()).chain(notes);
        all.filter(|sentence| !sentence.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

/// One entry of a conversion's ledger.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = commission_entries)]
pub struct LedgerLine {
    /// Whose ledger.
    pub conversion_id: i64,
    /// When it was written.
    pub at: DateTime<Utc>,
    /// What kind of entry.
    pub kind: EntryKind,
    /// An order's currency can be corrected.
    pub currency: Currency,
    /// Minor units.
    pub amount_minor: i64,
    /// What the ledger came to after it, in its currency.
    pub balance_minor: i64,
    /// What made it: a topic of the store, or a member's act in words.
    pub cause: String,
    /// The message that made it, if one did.
    pub delivery_id: Option<i64>,
}

/// Everything that is known of one order.
pub struct Explanation {
    /// The order.
    pub order: OrderHead,
    /// The store's name.
    pub store: String,
    /// What the store runs on.
    pub platform: Platform,
    /// What the store reported.
    pub state: OrderState,
    /// How the reading of its refunds' lines stands, if they are still to be read.
    pub refund_read: Option<RefundRead>,
    /// Whether the store can be called: it is connected, and its credentials are good.
    pub can_read_store: bool,
    /// Why it was credited to whom, or to nobody.
    pub attribution: Attribution,
    /// When that was last decided.
    pub decided_at: Option<DateTime<Utc>>,
    /// The affiliate whom a member credited by hand.
    pub manual_affiliate_id: Option<i64>,
    /// By how many seconds the store's time of placement was moved to Vouch's clock.
    pub clock_shift: i32,
    /// A member's denial of the order as fraud, which holds for every conversion of it.
    pub fraud: Option<FraudNote>,
    /// Every conversion it made.
    pub conversions: Vec<ConversionRow>,
    /// Their ledgers, the oldest entry first.
    pub ledger: Vec<LedgerLine>,
    /// The messages about it, the oldest first.
    pub deliveries: Vec<DeliveryHead>,
    /// What members did, the oldest first.
    pub history: Vec<audit::Entry>,
}

/// Who denied an order as fraud, and what they noted.
#[derive(Clone, Debug)]
pub struct FraudNote {
    pub by: String,
    pub at: DateTime<Utc>,
    pub note: String,
}

type FraudRow = (Option<String>, Option<DateTime<Utc>>, Option<String>);
type Decided = (Option<Value>, Option<DateTime<Utc>>, Option<i64>, Option<i32>);
type Row = (OrderHead, Value, Decided, FraudRow, (String, Platform, bool));

impl Explanation {
    /// Reads everything about one order.
    pub fn load(conn: &mut PgConnection, merchant_id: i64, order_id: i64) -> QueryResult<Self> {
        let (order, state, decided, fraud, store): Row = orders::table
            .inner_join(stores::table.on(
                stores::merchant_id.eq(orders::merchant_id).and(stores::id.eq(orders::store_id)),
            ))
            .filter(orders::merchant_id.eq(merchant_id))
            .filter(orders::id.eq(order_id))
            .select((
                OrderHead::as_select(),
                orders::state,
                (
                    orders::attribution,
                    orders::decided_at,
                    orders::manual_affiliate_id,
                    orders::clock_shift_seconds,
                ),
                (orders::fraud_by, orders::fraud_at, orders::fraud_note),
                (
                    stores::name,
                    stores::platform,
                    stores::credentials
                        .is_not_null()
                        .and(stores::disconnected_at.is_null())
                        .and(stores::access_problem.is_null()),
                ),
            ))
            .first(conn)?;
        let (attribution, decided_at, manual_affiliate_id, clock_shift) = decided;
        let (store, platform, can_read_store) = store;
        let conversions = of_order(conn, merchant_id, order_id)?;
        let conversion_ids: Vec<i64> = conversions.iter().map(|row| row.conversion.id).collect();
        let (by, at, note) = fraud;
        let fraud = by.zip(at).map(|(by, at)| FraudNote { by, at, note: note.unwrap_or_default() });
        Ok(Self {
            fraud,
            state: serde_json::from_value(state).map_err(not_json)?,
            attribution: attribution_of(attribution)?,
            ledger: ledger(conn, merchant_id, &conversion_ids)?,
            deliveries: deliveries_of(conn, merchant_id, order_id)?,
            refund_read: refund_reads::find(conn, merchant_id, order_id)?,
            can_read_store,
            history: history(conn, merchant_id, order_id, &conversion_ids)?,
            order,
            store,
            platform,
            decided_at,
            manual_affiliate_id,
            clock_shift: clock_shift.unwrap_or_default(),
            conversions,
        })
    }
}

/// The decision on an order as its row has it.
///
/// # Errors
/// `DeserializationError` if it's another version's.
pub fn attribution_of(stored: Option<Value>) -> QueryResult<Attribution> {
    Ok(stored.map(serde_json::from_value).transpose().map_err(not_json)?.unwrap_or_default())
}

fn not_json(error: serde_json::Error) -> diesel::result::Error {
    diesel::result::Error::DeserializationError(Box::new(error))
}

fn ledger(
    conn: &mut PgConnection,
    merchant_id: i64,
    conversion_ids: &[i64],
) -> QueryResult<Vec<LedgerLine>> {
    commission_entries::table
        .filter(commission_entries::merchant_id.eq(merchant_id))
        .filter(commission_entries::conversion_id.eq_any(conversion_ids.to_vec()))
        .order((commission_entries::conversion_id, commission_entries::seq))
        .limit(MAX_LINES)
        .select(LedgerLine::as_select())
        .load(conn)
}

impl LedgerLine {
    /// In its own currency.
    pub fn amount(&self) -> String {
        format_money(self.amount_minor, self.currency)
    }

    /// In its own currency.
    pub fn balance(&self) -> String {
        format_money(self.balance_minor, self.currency)
    }

    /// The kind in words.
    pub fn kind_label(&self) -> &'static str {
        self.kind.label()
    }
}

fn deliveries_of(
    conn: &mut PgConnection,
    merchant_id: i64,
    order_id: i64,
) -> QueryResult<Vec<DeliveryHead>> {
    deliveries::table
        .filter(deliveries::merchant_id.eq(merchant_id))
        .filter(deliveries::order_id.eq(order_id))
        .order(deliveries::id)
        .limit(MAX_LINES)
        .select(DeliveryHead::as_select())
        .load(conn)
}

/// What members did to the order and to its conversions.
fn history(
    conn: &mut PgConnection,
    merchant_id: i64,
    order_id: i64,
    conversion_ids: &[i64],
) -> QueryResult<Vec<audit::Entry>> {
    let of_order = audit_log::subject_kind.eq("order").and(audit_log::subject_id.eq(order_id));
    let of_conversions = audit_log::subject_kind
        .eq("conversion")
        .and(audit_log::subject_id.eq_any(conversion_ids.to_vec()));
    audit_log::table
        .filter(audit_log::merchant_id.eq(merchant_id))
        .filter(of_order.or(of_conversions).assume_not_null())
        .order(audit_log::id)
        .limit(MAX_LINES)
        .select(audit::Entry::as_select())
        .load(conn)
}
