//! All data about one order, for its page.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::Value;
use vouch_core::attribution::{Attribution, EntryKind};
use vouch_core::delivery::DeliveryOutcome;
use vouch_core::money::{Currency, format_money};
use vouch_core::order::snapshot::ReadNote;
use vouch_core::order::state::OrderState;

use super::list::OrderHead;
use super::stored::{attribution_of, not_json};
use super::text;
use crate::features::audit::AuditEntry;
use crate::features::conversions::list::{ConversionRow, of_order};
use crate::features::ingest::ledger::EntryReason;
use crate::features::ingest::refund_reads::{self, RefundReadStatus};
use crate::features::ingest::text::DeliveryReason;
use crate::kit::audit::SubjectKind;
use crate::kit::db::schema::{audit_log, commission_entries, deliveries, orders, stores};
use crate::kit::stored_text::{self, StoredText};

/// How many lines of each history are shown.
const MAX_LINES: i64 = 200;

/// The main fields of a delivery.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = deliveries)]
pub(crate) struct DeliveryHead {
    pub(crate) id: i64,
    pub(crate) store_id: i64,
    /// The platform's name of the event.
    pub(crate) topic: String,
    pub(crate) received_at: DateTime<Utc>,
    pub(crate) outcome: DeliveryOutcome,
    /// Why it failed, waits or was ignored.
    reason: Option<StoredText<DeliveryReason>>,
    /// The same, in the words of an earlier version.
    #[diesel(column_name = detail)]
    earlier: Option<String>,
    /// The order it's about, once it's parsed.
    pub(crate) order_id: Option<i64>,
    /// When it was last replayed.
    pub(crate) replayed_at: Option<DateTime<Utc>>,
    notes: Value,
}

impl DeliveryHead {
    /// The reason and the skipped fields as sentences.
    pub(crate) fn detail(&self) -> String {
        let earlier = self.earlier.as_deref().filter(|text| !text.is_empty());
        let reason = stored_text::shown(self.reason.as_ref(), earlier);
        let notes: Vec<ReadNote> = serde_json::from_value(self.notes.clone()).unwrap_or_default();
        let notes = notes.iter().map(text::skipped_field);
        reason.into_iter().chain(notes).collect::<Vec<_>>().join(" ")
    }

    /// The code of the reason.
    pub(crate) fn code(&self) -> Option<String> {
        self.reason.as_ref().map(StoredText::code)
    }
}

/// One entry of a conversion's ledger.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = commission_entries)]
pub(crate) struct LedgerLine {
    pub(crate) conversion_id: i64,
    pub(crate) at: DateTime<Utc>,
    pub(crate) kind: EntryKind,
    /// It can differ between entries, because an order's currency can be corrected.
    pub(crate) currency: Currency,
    /// Minor units.
    pub(crate) amount_minor: i64,
    /// The ledger's balance after this entry, in its currency.
    pub(crate) balance_minor: i64,
    /// The topic of a delivery, or the text of an earlier version.
    cause: Option<String>,
    reason: Option<StoredText<EntryReason>>,
    /// The delivery that caused it, if any.
    pub(crate) delivery_id: Option<i64>,
}

/// All data about one order.
pub(crate) struct Explanation {
    pub(crate) order: OrderHead,
    /// The store's name.
    pub(crate) store: String,
    /// The data that the store reported.
    pub(crate) state: OrderState,
    /// The pending or failed import of its refunds' lines; `None` if no lines are missing.
    pub(crate) refund_read: Option<RefundReadStatus>,
    /// Whether the store is connected with valid credentials.
    pub(crate) can_read_store: bool,
    /// Who is credited and why, or why no one is.
    pub(crate) attribution: Attribution,
    /// When it was last attributed.
    pub(crate) decided_at: Option<DateTime<Utc>>,
    /// The affiliate that a member credited manually.
    pub(crate) manual_affiliate_id: Option<i64>,
    /// Seconds from the store's time of placement to Vouch's.
    pub(crate) clock_shift: i32,
    /// A member's denial of the order as fraud, which applies to all of its conversions.
    pub(crate) fraud: Option<FraudNote>,
    pub(crate) conversions: Vec<ConversionRow>,
    /// The conversions' ledgers, the oldest entry first.
    pub(crate) ledger: Vec<LedgerLine>,
    /// The oldest first.
    pub(crate) deliveries: Vec<DeliveryHead>,
    /// Members' actions, the oldest first.
    pub(crate) history: Vec<AuditEntry>,
}

/// The member who denied an order as fraud, and their note.
#[derive(Clone, Debug)]
pub(crate) struct FraudNote {
    pub(crate) by: String,
    pub(crate) at: DateTime<Utc>,
    pub(crate) note: String,
}

type FraudRow = (Option<String>, Option<DateTime<Utc>>, Option<String>);
type Decided = (Option<Value>, Option<DateTime<Utc>>, Option<i64>, Option<i32>);
type Row = (OrderHead, Value, Decided, FraudRow, (String, bool));

impl Explanation {
    pub(crate) fn load(
        conn: &mut PgConnection,
        merchant_id: i64,
        order_id: i64,
    ) -> QueryResult<Self> {
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
                    stores::credentials
                        .is_not_null()
                        .and(stores::disconnected_at.is_null())
                        .and(stores::access_problem.is_null())
                        .and(stores::access_reason.is_null()),
                ),
            ))
            .first(conn)?;
        let (attribution, decided_at, manual_affiliate_id, clock_shift) = decided;
        let (store, can_read_store) = store;
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
            decided_at,
            manual_affiliate_id,
            clock_shift: clock_shift.unwrap_or_default(),
            conversions,
        })
    }
}

/// The order with the store's own ID, and who is credited.
pub(crate) fn by_ref(
    conn: &mut PgConnection,
    merchant_id: i64,
    store_id: i64,
    order_ref: &str,
) -> QueryResult<(OrderHead, Attribution)> {
    let (order, attribution) = orders::table
        .filter(orders::merchant_id.eq(merchant_id))
        .filter(orders::store_id.eq(store_id))
        .filter(orders::order_ref.eq(order_ref))
        .select((OrderHead::as_select(), orders::attribution))
        .first::<(OrderHead, Option<Value>)>(conn)?;
    Ok((order, attribution_of(attribution)?))
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
    /// What made the entry.
    pub(crate) fn source(&self) -> String {
        let topic = self.cause.as_deref().map(text::topic);
        stored_text::shown(self.reason.as_ref(), topic).unwrap_or_default()
    }

    /// The same for clients: the code, or the topic.
    pub(crate) fn source_code(&self) -> String {
        let code = self.reason.as_ref().map(StoredText::code);
        code.or_else(|| self.cause.clone()).unwrap_or_default()
    }

    /// In its own currency.
    pub(crate) fn amount(&self) -> String {
        format_money(self.amount_minor, self.currency)
    }

    /// In its own currency.
    pub(crate) fn balance(&self) -> String {
        format_money(self.balance_minor, self.currency)
    }

    pub(crate) fn kind_label(&self) -> &'static str {
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

/// Members' actions on the order and its conversions.
fn history(
    conn: &mut PgConnection,
    merchant_id: i64,
    order_id: i64,
    conversion_ids: &[i64],
) -> QueryResult<Vec<AuditEntry>> {
    let of_order =
        audit_log::subject_kind.eq(SubjectKind::Order).and(audit_log::subject_id.eq(order_id));
    let of_conversions = audit_log::subject_kind
        .eq(SubjectKind::Conversion)
        .and(audit_log::subject_id.eq_any(conversion_ids.to_vec()));
    audit_log::table
        .filter(audit_log::merchant_id.eq(merchant_id))
        .filter(of_order.or(of_conversions).assume_not_null())
        .order(audit_log::id)
        .limit(MAX_LINES)
        .select(AuditEntry::as_select())
        .load(conn)
}
