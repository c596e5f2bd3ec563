use proptest::prelude::*;

use super::*;
use crate::money::Currency;
use crate::orders::fixtures::{march, order, refund};
use crate::orders::report::ReportedRefund;

fn refund_event(refund: ReportedRefund) -> StoreEvent {
    StoreEvent::Refund { order_ref: "1".into(), refund, currency: Some(Currency::USD) }
}

/// The store's answer, on a day of March, to the question what its refunds were for.
fn lines_event(day: u32, refunds: Vec<ReportedRefund>) -> StoreEvent {
    let currency = Currency::USD;
    StoreEvent::RefundLines { order_ref: "1".into(), currency, read_at: march(day), refunds }
}

fn outline(refund_ref: &str, minor: i64) -> ReportedRefund {
    ReportedRefund { undivided_minor: Some(minor), is_outline: true, ..refund(refund_ref) }
}

fn refs(state: &OrderState) -> Vec<(String, i64)> {
    let refunds = state.refunds();
    refunds.iter().map(|r| (r.refund_ref.clone(), r.adjustment_minor)).collect()
}

fn named(refs: &[(&str, i64)]) -> Vec<(String, i64)> {
    refs.iter().map(|(name, minor)| ((*name).to_owned(), *minor)).collect()
}

#[test]
fn an_older_report_that_arrives_late_changes_nothing() {
    let newer = OrderReport { reported_at: march(12), ..order() };
    let mut state = OrderState::from(newer.clone());
    assert!(!state.apply(StoreEvent::Order(Box::new(order()))));
    assert!(!state.apply(StoreEvent::Order(Box::new(newer.clone()))));
    assert_eq!(state.report, Some(newer));
}

#[test]
fn a_refund_may_come_before_its_order() {
    let mut state = OrderState::default();
    assert!(state.apply(refund_event(refund("7"))));
    assert!(!state.apply(refund_event(refund("7"))), "a repeat changes nothing");
    assert_eq!(refs(&state), named(&[("7", 0)]));
    assert!(state.apply(StoreEvent::Order(Box::new(order()))));
    assert_eq!(refs(&state), named(&[("7", 0)]));
}

#[test]
fn a_refund_that_the_report_has_too_counts_once_as_the_report_says() {
    let own = ReportedRefund { adjustment_minor: 500, ..refund("7") };
    let mut state = OrderState::from(order().with_refund(own));
    state.apply(refund_event(refund("7")));
    state.apply(refund_event(ReportedRefund { adjustment_minor: 90, ..refund("8") }));
    assert_eq!(refs(&state), named(&[("7", 500), ("8", 90)]));
}

#[test]
fn a_refund_in_another_currency_is_not_counted() {
    let mut state = OrderState::from(order());
    state.apply(StoreEvent::Refund {
        order_ref: "1".into(),
        refund: refund("7"),
        currency: Some(Currency::JPY),
    });
    assert_eq!(refs(&state), []);
}

#[test]
fn a_refund_without_a_currency_is_in_its_orders_whichever_comes_first() {
    let one = || StoreEvent::Refund {
        order_ref: "1".into(),
        refund: ReportedRefund { adjustment_minor: 450_050, ..refund("7") },
        currency: None,
    };
    let mut before = OrderState::default();
    before.apply(one());
    assert_eq!(refs(&before), []);
    for (currency, minor) in [(Currency::USD, 4500), (Currency::JPY, 45), (Currency::KWD, 45_005)] {
        let report = OrderReport { currency, ..order() };
        let mut after = OrderState::from(report.clone());
        after.apply(one());
        assert_eq!(refs(&after), named(&[("7", minor)]));
        let mut before = before.clone();
        before.apply(StoreEvent::Order(Box::new(report)));
        assert_eq!(before, after);
    }
}

#[test]
fn lines_that_were_read_count_while_the_order_names_their_refund() {
    let read = ReportedRefund { adjustment_minor: 30, ..refund("7") };
    let mut state = OrderState::from(order().with_refund(outline("7", 99)));
    assert!(state.lacks_refund_lines());
    assert!(state.apply(lines_event(12, vec![read.clone(), refund("8")])));
    assert!(!state.apply(lines_event(12, vec![read.clone()])), "a repeat changes nothing");
    assert!(!state.lacks_refund_lines());
    assert_eq!(refs(&state), named(&[("7", 30)]));
    // A later answer counts, an earlier one does not.
    let other = |minor| ReportedRefund { adjustment_minor: minor, ..refund("7") };
    assert!(!state.apply(lines_event(11, vec![other(5)])));
    assert!(state.apply(lines_event(13, vec![other(6)])));
    assert_eq!(refs(&state), named(&[("7", 6)]));
    // Another refund is named, of which nothing was read.
    let newer = |refund| OrderReport { reported_at: march(14), ..order().with_refund(refund) };
    state.apply(StoreEvent::Order(Box::new(newer(outline("9", 50)))));
    assert!(state.lacks_refund_lines());
    assert_eq!(refs(&state), named(&[("9", 0)]));
    // The refund was deleted.
    let gone = OrderReport { reported_at: march(15), ..order() };
    state.apply(StoreEvent::Order(Box::new(gone)));
    assert!(!state.lacks_refund_lines());
    assert_eq!(refs(&state), []);
}

#[test]
fn lines_in_another_currency_than_the_orders_do_not_count() {
    let mut state = OrderState::from(OrderReport {
        currency: Currency::EUR,
        ..order().with_refund(outline("7", 99))
    });
    state.apply(lines_event(12, vec![refund("7")]));
    assert!(state.lacks_refund_lines());
    assert_eq!(state.refunds()[0].undivided_minor, Some(99));
}

#[test]
fn an_order_in_the_bin_comes_back_by_a_later_report_only() {
    let binned = || StoreEvent::Binned { order_ref: "1".into(), at: march(12) };
    let report = |day| OrderState::from(OrderReport { reported_at: march(day), ..order() });
    for (day, gone) in [(11, true), (12, true), (13, false)] {
        let mut state = report(day);
        assert!(state.apply(binned()));
        assert_eq!(state.gone_at().is_some(), gone, "{day}");
        let mut other = OrderState::default();
        other.apply(binned());
        assert_eq!(other.gone_at(), Some(march(12)));
        other.merge(report(day));
        assert_eq!(other, state, "whichever comes first");
    }
}

#[test]
fn cancelled_deleted_and_voided_orders_are_undone() {
    assert_eq!(OrderState::from(order()).undone(), None);
    let cancelled = OrderReport { cancelled_at: Some(march(11)), ..order() };
    assert_eq!(OrderState::from(cancelled).undone(), Some(Undone::Cancelled { at: march(11) }));
    let voided = OrderReport { payment: PaymentState::Voided, ..order() };
    assert_eq!(OrderState::from(voided).undone(), Some(Undone::Voided));
    let mut deleted = OrderState::from(order());
    deleted.apply(StoreEvent::Deleted { order_ref: "1".into(), at: march(12) });
    assert_eq!(deleted.undone(), Some(Undone::Deleted { at: march(12) }));
}

#[test]
fn messages_without_a_state_change_nothing() {
    let mut state = OrderState::from(order());
    assert!(!state.apply(StoreEvent::Uninstalled));
    assert!(!state.apply(StoreEvent::Noted { order_ref: "1".into(), what: "" }));
}

fn any_event() -> impl Strategy<Value = StoreEvent> {
    prop_oneof![
        (10..13_u32, 0..3_i64, any::<bool>()).prop_map(|(day, total_minor, cancelled)| {
            StoreEvent::Order(Box::new(OrderReport {
                reported_at: march(day),
                total_minor,
                cancelled_at: cancelled.then(|| march(9)),
                ..order()
            }))
        }),
        (0..3_u8, 10..13_u32, 0..3_i64).prop_map(|(id, day, adjustment_minor)| {
            refund_event(ReportedRefund {
                refunded_at: march(day),
                adjustment_minor,
                ..refund(&id.to_string())
            })
        }),
        (0..3_u8, 10..13_u32, 0..3_i64).prop_map(|(id, day, adjustment_minor)| {
            let read = ReportedRefund { adjustment_minor, ..refund(&id.to_string()) };
            lines_event(day, vec![read])
        }),
        (10..13_u32).prop_map(|day| StoreEvent::Deleted { order_ref: "1".into(), at: march(day) }),
        (10..13_u32).prop_map(|day| StoreEvent::Binned { order_ref: "1".into(), at: march(day) }),
    ]
}

fn state_of(events: &[StoreEvent]) -> OrderState {
    let mut state = OrderState::default();
    for event in events {
        state.apply(event.clone());
    }
    state
}

fn merged(a: &OrderState, b: &OrderState) -> OrderState {
    let mut a = a.clone();
    a.merge(b.clone());
    a
}

fn any_events() -> impl Strategy<Value = Vec<StoreEvent>> {
    prop::collection::vec(any_event(), 0..8)
}

proptest! {
    #[test]
    fn neither_order_nor_repetition_of_events_matters(
        (events, shuffled) in any_events().prop_flat_map(|events| {
            let twice: Vec<_> = events.iter().chain(&events).cloned().collect();
            (Just(events), Just(twice).prop_shuffle())
        }),
    ) {
        prop_assert_eq!(state_of(&events), state_of(&shuffled));
    }

    #[test]
    fn merging_is_commutative_associative_and_idempotent(
        a in any_events(), b in any_events(), c in any_events(),
    ) {
        let (a, b, c) = (state_of(&a), state_of(&b), state_of(&c));
        prop_assert_eq!(merged(&a, &b), merged(&b, &a));
        prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
        prop_assert_eq!(merged(&a, &a), a.clone());
        prop_assert!(!a.clone().merge(a));
    }

    #[test]
    fn a_state_survives_json(events in any_events()) {
        let state = state_of(&events);
        let json = serde_json::to_value(&state).unwrap();
        prop_assert_eq!(serde_json::from_value::<OrderState>(json).unwrap(), state);
    }
}
