use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use vouch_core::attribution::{Attribution, CalculationLogic, ManualCredit, Overrides, decide};
use vouch_core::delivery::DeliveryOutcome;
use vouch_core::order::snapshot::StoreEvent;
use vouch_core::order::state::{AppliedEvent, OrderState, StateChange};
use vouch_core::order::times::DeliveryTimes;

use super::batch::Batch;
use super::candidates;
use super::cause::Cause;
use super::clock::{self, HeldPeriod};
use super::converge::{OfOrder, converge};
use super::delivery::{
    DeliveryRecord, DeliverySource, IncomingDelivery, earlier, remember, restate,
};
use super::erased;
use super::held::IfHeld;
use super::notes;
use super::order_row::{OrderRow, OrderUpdate};
use super::parts;
use super::rules::Setting;
use crate::features::ingest::failures::{self, FailureReason};
use crate::features::ingest::in_flight;
use crate::features::ingest::ledger::EntrySource;
use crate::features::ingest::text::DeliveryReason;
use crate::features::ingest::{pending_fetches, refund_reads};
use crate::features::rollups::{Delta, RollupAmounts, SharedAmounts};
use crate::features::stores::jobs::{FETCH_ORDER, READ_REFUNDS};
use crate::features::stores::{self, Store};
use crate::kit::audit::Actor;
use crate::kit::db::schema::deliveries;
use crate::kit::jobs;
use crate::kit::pseudonyms::Pseudonyms;

/// The result of processing a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IngestOutcome {
    /// It changed an order, and the order's conversions were updated.
    Processed {
        order_id: i64,
        /// Whether it was the first delivery for the order.
        is_new: bool,
        /// How many affiliates are newly credited.
        credited: u64,
    },
    /// A newer report of the order is known, or nothing changed.
    Outdated {
        /// The known order.
        order_id: i64,
    },
    /// It only names an order, which must be fetched from the store.
    Waiting,
    /// It contains no order data.
    Ignored,
    /// Another report of the order claims the same time of the store. Nothing is stored, and the
    /// API client must decide which report is right.
    Conflict {
        /// The order with both reports.
        order_id: i64,
    },
    /// This delivery is already stored.
    Repeated,
    /// It can't be processed. It's stored with the reason and can be replayed.
    Failed,
}

impl IngestOutcome {
    /// The label in metrics.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Processed { .. } => "processed",
            Self::Outdated { .. } => "outdated",
            Self::Waiting => "waiting",
            Self::Ignored => "ignored",
            Self::Conflict { .. } => "conflict",
            Self::Repeated => "repeated",
            Self::Failed => "failed",
        }
    }

    pub(crate) fn credited(&self) -> u64 {
        if let Self::Processed { credited, .. } = self { *credited } else { 0 }
    }
}

/// Processes one delivery in its merchant's running transaction, including the totals. On an error,
/// the caller must roll back, and nothing is processed.
pub fn ingest_one(
    conn: &mut PgConnection,
    incoming: &IncomingDelivery,
    event: StoreEvent,
    pseudonyms: &Pseudonyms,
) -> QueryResult<IngestOutcome> {
    in_flight::enter(conn, incoming.merchant_id)?;
    let mut batch = Batch::of_messages(incoming.merchant_id, pseudonyms);
    batch.reserve(conn, &[(incoming, &event)], IfHeld::Wait)?;
    let outcome = ingest(conn, incoming, event, &mut batch)?;
    batch.finish(conn)?;
    Ok(outcome)
}

/// Processes one delivery that the batch has reserved. The caller writes the totals at the end of
/// the transaction, so that several deliveries can share it.
pub(crate) fn ingest(
    conn: &mut PgConnection,
    incoming: &IncomingDelivery,
    mut event: StoreEvent,
    batch: &mut Batch,
) -> QueryResult<IngestOutcome> {
    let is_erased = batch.erase_customer(conn, incoming.store_id, &mut event)?;
    let without_body = is_erased.then(|| erased::without_body(incoming));
    let incoming = without_body.as_ref().unwrap_or(incoming);
    let passed_over = notes::take(&mut event, incoming.received_at);
    if let Some(reason) = notes::refusal(conn, incoming, &passed_over, batch)? {
        fail(conn, incoming, FailureReason::Unreadable, reason)?;
        // Also for a replay, where the delivery is already stored.
        return Ok(IngestOutcome::Failed);
    }
    let outcome = ingest_event(conn, incoming, event, batch)?;
    if let (
        true,
        IngestOutcome::Processed { order_id, .. } | IngestOutcome::Outdated { order_id },
    ) = (is_erased, &outcome)
    {
        erased::mark(conn, incoming, *order_id)?;
    }
    notes::keep(conn, incoming, &passed_over)?;
    Ok(outcome)
}

fn ingest_event(
    conn: &mut PgConnection,
    incoming: &IncomingDelivery,
    event: StoreEvent,
    batch: &mut Batch,
) -> QueryResult<IngestOutcome> {
    let order_ref = match &event {
        StoreEvent::Order(report) | StoreEvent::Restored(report) => report.order_ref.clone(),
        StoreEvent::Refund { order_ref, .. }
        | StoreEvent::RefundLines { order_ref, .. }
        | StoreEvent::Deleted { order_ref, .. }
        | StoreEvent::Trashed { order_ref, .. } => order_ref.clone(),
        StoreEvent::Announced { order_ref } => return announced(conn, incoming, order_ref, batch),
        StoreEvent::Ignored { reason, .. } => return note(conn, incoming, (*reason).into()),
        StoreEvent::Uninstalled => return uninstalled(conn, incoming),
    };
    let Some(known) = batch.known_order(conn, incoming.store_id, &order_ref)? else {
        if let Some(outcome) = first_heard(conn, incoming, &order_ref, event.clone(), batch)? {
            return Ok(outcome);
        }
        // Another transaction inserted the order first and has committed by now.
        let known = OrderRow::by_ref(conn, incoming.merchant_id, incoming.store_id, &order_ref)?
            .ok_or(diesel::result::Error::NotFound)?;
        return heard_again(conn, incoming, known, event, batch);
    };
    heard_again(conn, incoming, known, event, batch)
}

/// Stores the delivery until its order has been fetched.
fn announced(
    conn: &mut PgConnection,
    incoming: &IncomingDelivery,
    order_ref: &str,
    batch: &mut Batch,
) -> QueryResult<IngestOutcome> {
    let record = DeliveryRecord { outcome: DeliveryOutcome::Ignored, ..DeliveryRecord::default() };
    let Some(delivery_id) = remember(conn, incoming, &record)? else {
        return Ok(IngestOutcome::Repeated);
    };
    pending_fetches::wait_for(conn, incoming.merchant_id, delivery_id, order_ref)?;
    batch.enqueue(incoming.store_id, FETCH_ORDER, order_ref, incoming.received_at);
    Ok(IngestOutcome::Waiting)
}

/// Disconnects the store. Its orders stay. Repeats and replays are ignored, since the store may
/// have been reconnected in the meantime.
fn uninstalled(conn: &mut PgConnection, incoming: &IncomingDelivery) -> QueryResult<IngestOutcome> {
    let outcome = note(conn, incoming, DeliveryReason::Uninstalled)?;
    if outcome == IngestOutcome::Ignored {
        let store = Store::find(conn, incoming.merchant_id, incoming.store_id)?;
        let actor = Actor::system(incoming.merchant_id, incoming.received_at);
        stores::disconnect(conn, &actor, &store)?;
    }
    Ok(outcome)
}

/// Stores a delivery that changes no order.
fn note(
    conn: &mut PgConnection,
    incoming: &IncomingDelivery,
    reason: DeliveryReason,
) -> QueryResult<IngestOutcome> {
    let (outcome, reason) = (DeliveryOutcome::Ignored, Some(reason.into()));
    let record = DeliveryRecord { outcome, reason, ..DeliveryRecord::default() };
    let remembered = remember(conn, incoming, &record)?;
    Ok(remembered.map_or(IngestOutcome::Repeated, |_| IngestOutcome::Ignored))
}

/// Stores a delivery without processing it. Called at the end of the transaction where it failed by
/// our own fault, since that enqueues a retry.
pub(crate) fn fail(
    conn: &mut PgConnection,
    incoming: &IncomingDelivery,
    failure: FailureReason,
    reason: DeliveryReason,
) -> QueryResult<IngestOutcome> {
    let (outcome, reason) = (DeliveryOutcome::Failed, Some(reason.into()));
    let record = DeliveryRecord { outcome, reason, ..DeliveryRecord::default() };
    let Some(delivery_id) = remember(conn, incoming, &record)? else {
        return Ok(IngestOutcome::Repeated);
    };
    failures::record(conn, incoming.merchant_id, &[delivery_id], failure)?;
    if failure == FailureReason::OwnFault {
        failures::retry_later(conn, incoming.merchant_id, delivery_id, incoming.received_at)?;
    }
    Ok(IngestOutcome::Failed)
}

/// Processes the first delivery for an order. `None` if another transaction was first.
fn first_heard(
    conn: &mut PgConnection,
    incoming: &IncomingDelivery,
    order_ref: &str,
    event: StoreEvent,
    batch: &mut Batch,
) -> QueryResult<Option<IngestOutcome>> {
    let heard = OrderKnowledge::new(&OrderState::default(), event, incoming.times());
    let state = &heard.state;
    let due = Due::first(conn, batch, incoming, state, &Overrides::default())?;
    let written = due.written(incoming.merchant_id, state, incoming.received_at);
    let Some(order_id) = written.insert(conn, incoming.store_id, order_ref)? else {
        return Ok(None);
    };
    let record = heard.record(order_id);
    let delivery_id = match (remember(conn, incoming, &record)?, incoming.source) {
        (None, DeliverySource::Read | DeliverySource::Replay) => {
            Some(restate(conn, incoming, &record)?)
        }
        // `None` means that the store reused the ID of another delivery. The order is new anyway.
        (delivery_id, _) => delivery_id,
    };
    finish(conn, incoming, order_id, &due, state, delivery_id, batch).map(Some)
}

/// The state of an order after a delivery.
struct OrderKnowledge {
    state: OrderState,
    applied: AppliedEvent,
}

impl OrderKnowledge {
    fn new(known: &OrderState, event: StoreEvent, times: DeliveryTimes) -> Self {
        let mut state = known.clone();
        let applied = state.apply(event, times);
        Self { state, applied }
    }

    fn record(&self, order_id: i64) -> DeliveryRecord<'_> {
        let is_news = self.applied.change == StateChange::Facts;
        DeliveryRecord {
            outcome: if is_news { DeliveryOutcome::Processed } else { DeliveryOutcome::Outdated },
            reason: None,
            order_id: Some(order_id),
            reported_at: self.applied.reported_at,
            clamped: &self.applied.clamped,
        }
    }
}

fn finish(
    conn: &mut PgConnection,
    incoming: &IncomingDelivery,
    order_id: i64,
    due: &Due,
    state: &OrderState,
    delivery_id: Option<i64>,
    batch: &mut Batch,
) -> QueryResult<IngestOutcome> {
    parts::write(conn, incoming.merchant_id, order_id, state)?;
    if state.lacks_refund_lines() {
        batch.enqueue(incoming.store_id, READ_REFUNDS, &order_id.to_string(), incoming.received_at);
    }
    let cause = Cause {
        source: EntrySource::Topic(&incoming.topic),
        delivery_id,
        now: incoming.received_at,
    };
    let mut credited = 0;
    if let Some(order) = due.order(incoming.merchant_id, order_id, state, false) {
        if state.is_counted() {
            batch.changes.add(&order_counts(&order));
        }
        credited =
            converge(conn, &order, &due.attribution.credits, true, &cause, &mut batch.changes)?;
    }
    Ok(IngestOutcome::Processed { order_id, is_new: true, credited })
}

fn heard_again(
    conn: &mut PgConnection,
    incoming: &IncomingDelivery,
    mut known: OrderRow,
    event: StoreEvent,
    batch: &mut Batch,
) -> QueryResult<IngestOutcome> {
    let (merchant_id, order_id) = (incoming.merchant_id, known.id);
    if incoming.source == DeliverySource::Api && contradicts(conn, incoming, &known, &event)? {
        return Ok(IngestOutcome::Conflict { order_id });
    }
    let (heard, delivery_id, is_repeated) = hear(conn, incoming, &known, event)?;
    let lacked_refund_lines = known.state.lacks_refund_lines();
    let is_report_new = heard.state.report != known.state.report;
    let is_first_report = known.state.report.is_none() && heard.state.report.is_some();
    let change = heard.applied.change;
    known.state = heard.state;
    if change != StateChange::Facts {
        if change == StateChange::Times {
            known.write_state(conn, merchant_id)?;
        }
        return Ok(if is_repeated {
            IngestOutcome::Repeated
        } else {
            IngestOutcome::Outdated { order_id }
        });
    }
    if is_report_new {
        parts::replace(conn, merchant_id, order_id, &known.state)?;
        if known.state.lacks_refund_lines() {
            batch.enqueue(
                incoming.store_id,
                READ_REFUNDS,
                &order_id.to_string(),
                incoming.received_at,
            );
        } else if lacked_refund_lines {
            let queue = refund_reads::queue(merchant_id, incoming.store_id);
            jobs::cancel(conn, &queue, &order_id.to_string())?;
        }
    }
    if is_first_report {
        let first = Due::first(conn, batch, incoming, &known.state, &Overrides::default())?;
        known.clock_shift = first.clock_shift;
    }
    let cause = Cause {
        source: EntrySource::Topic(&incoming.topic),
        delivery_id,
        now: incoming.received_at,
    };
    let credited = decide_again(conn, known, &cause, batch)?;
    Ok(IngestOutcome::Processed { order_id, is_new: false, credited })
}

/// The order's state after the delivery, the ID of the stored delivery, and whether this one is a
/// repeat. The store's repeats count with the times of the first delivery.
fn hear(
    conn: &mut PgConnection,
    incoming: &IncomingDelivery,
    known: &OrderRow,
    event: StoreEvent,
) -> QueryResult<(OrderKnowledge, Option<i64>, bool)> {
    let heard = OrderKnowledge::new(&known.state, event.clone(), incoming.times());
    let record = heard.record(known.id);
    let delivery_id = remember(conn, incoming, &record)?;
    if delivery_id.is_some() || heard.applied.change == StateChange::None {
        return Ok((heard, delivery_id, delivery_id.is_none()));
    }
    if matches!(incoming.source, DeliverySource::Read | DeliverySource::Replay) {
        let delivery_id = restate(conn, incoming, &record)?;
        return Ok((heard, Some(delivery_id), true));
    }
    let (delivery_id, times) = earlier(conn, incoming)?;
    Ok((OrderKnowledge::new(&known.state, event, times), Some(delivery_id), true))
}

/// Whether an API report claims the same time of the store as a different report of the order.
fn contradicts(
    conn: &mut PgConnection,
    incoming: &IncomingDelivery,
    known: &OrderRow,
    event: &StoreEvent,
) -> QueryResult<bool> {
    let (StoreEvent::Order(report), Some(newest)) = (event, &known.state.report) else {
        return Ok(false);
    };
    let order = report.reported_at.cmp(&newest.reported_at);
    if order.is_gt() || **report == *newest {
        return Ok(false);
    }
    let of_order = deliveries::table
        .filter(deliveries::merchant_id.eq(incoming.merchant_id))
        .filter(deliveries::order_id.eq(known.id));
    let is_repeated = of_order.filter(deliveries::delivery_ref.eq(&incoming.delivery_ref));
    if diesel::select(exists(is_repeated)).get_result(conn)? {
        return Ok(false);
    }
    let same_time = of_order.filter(deliveries::reported_at.eq(report.reported_at));
    Ok(order.is_eq() || diesel::select(exists(same_time)).get_result(conn)?)
}

/// Recalculates the commissions of an order and writes the difference. Returns how many affiliates
/// are newly credited.
pub(in crate::features::ingest) fn decide_again(
    conn: &mut PgConnection,
    row: OrderRow,
    cause: &Cause<'_>,
    batch: &mut Batch,
) -> QueryResult<u64> {
    let merchant_id = batch.merchant_id;
    let overrides = overrides(conn, merchant_id, &row)?;
    let due = Due::work_out(conn, batch, row.store_id, (&row.state, row.clock_shift), &overrides)?;
    due.written(merchant_id, &row.state, cause.now).update(conn, row.id)?;
    let Some(order) = due.order(merchant_id, row.id, &row.state, row.is_fraud) else {
        return Ok(0);
    };
    if let (true, Some(day), Some(currency)) = (row.counted, row.day, row.currency) {
        batch.changes.subtract(&Delta { day, currency, ..order_counts(&order) });
    }
    if row.state.is_counted() {
        batch.changes.add(&order_counts(&order));
    }
    converge(conn, &order, &due.attribution.credits, false, cause, &mut batch.changes)
}

fn order_counts(order: &OfOrder) -> Delta {
    Delta {
        merchant_id: order.merchant_id,
        day: order.day,
        currency: order.currency,
        seed: order.order_id,
        affiliate_id: None,
        trigger_id: None,
        amounts: RollupAmounts { orders: 1, ..RollupAmounts::default() },
        shared: SharedAmounts::default(),
    }
}

fn overrides(conn: &mut PgConnection, merchant_id: i64, row: &OrderRow) -> QueryResult<Overrides> {
    let report = row.state.report.as_ref();
    let placed_at = report.map(|report| clock::by_ours(report.placed_at, row.clock_shift));
    let manual = match (&row.manual, placed_at) {
        (Some((affiliate_id, note)), Some(placed_at)) => {
            let (affiliate, terms) =
                candidates::manual_terms(conn, merchant_id, *affiliate_id, placed_at)?;
            Some(ManualCredit {
                affiliate,
                terms,
                credited_by: note.credited_by.clone(),
                at: note.at,
                note: note.note.clone(),
            })
        }
        _ => None,
    };
    Ok(Overrides { manual, overruled: row.overruled.clone() })
}

/// The attribution of an order, with the facts that it's based on.
struct Due {
    attribution: Attribution,
    setting: Option<Setting>,
    /// By Vouch's clock.
    placed_at: Option<DateTime<Utc>>,
    /// How many seconds were added to the store's time.
    clock_shift: Option<i32>,
    /// When affiliates held the matching triggers.
    holdings: Vec<HeldPeriod>,
}

impl Due {
    /// For the first report of an order, which decides the clock shift.
    fn first(
        conn: &mut PgConnection,
        batch: &mut Batch,
        incoming: &IncomingDelivery,
        state: &OrderState,
        overrides: &Overrides,
    ) -> QueryResult<Self> {
        let due = Self::work_out(conn, batch, incoming.store_id, (state, None), overrides)?;
        let Some(report) = &state.report else { return Ok(due) };
        let shift = clock::shift(conn, incoming, report, &due.holdings)?;
        if shift == 0 {
            return Ok(Self { clock_shift: Some(0), ..due });
        }
        Self::work_out(conn, batch, incoming.store_id, (state, Some(shift)), overrides)
    }

    fn work_out(
        conn: &mut PgConnection,
        batch: &mut Batch,
        store_id: i64,
        (state, clock_shift): (&OrderState, Option<i32>),
        overrides: &Overrides,
    ) -> QueryResult<Self> {
        let state = &*clock::dated(state, clock_shift);
        let Some(report) = &state.report else {
            let attribution = decide(state, &[], &CalculationLogic::default(), overrides);
            return Ok(Self {
                attribution,
                setting: None,
                placed_at: None,
                clock_shift: None,
                holdings: Vec::new(),
            });
        };
        let setting = batch.settings(conn)?.at(store_id, report.placed_at);
        let candidates = candidates::of(conn, batch, report, setting.has_exclusions)?;
        let attribution = decide(state, &candidates, &setting.rules, overrides);
        Ok(Self {
            attribution,
            setting: Some(setting),
            placed_at: Some(report.placed_at),
            clock_shift,
            holdings: candidates.iter().map(HeldPeriod::of).collect(),
        })
    }

    fn written<'a>(
        &'a self,
        merchant_id: i64,
        state: &'a OrderState,
        now: DateTime<Utc>,
    ) -> OrderUpdate<'a> {
        let day = self.setting.as_ref().map(|setting| setting.day);
        let clock_shift = self.clock_shift;
        OrderUpdate { merchant_id, state, attribution: &self.attribution, day, clock_shift, now }
    }

    /// `None` until the order itself has been reported.
    fn order(
        &self,
        merchant_id: i64,
        order_id: i64,
        state: &OrderState,
        is_fraud: bool,
    ) -> Option<OfOrder> {
        let (report, setting) = (state.report.as_ref()?, self.setting.as_ref()?);
        Some(OfOrder {
            merchant_id,
            order_id,
            currency: report.currency,
            placed_at: self.placed_at?,
            day: setting.day,
            is_fraud,
        })
    }
}
