use chrono::Duration;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::money::Currency;
use crate::order::fixtures::{march, order, refund};
use crate::order::snapshot::{IgnoredReason, ReportedRefund};

fn refund_event(refund: ReportedRefund) -> StoreEvent {
    StoreEvent::Refund { order_ref: "1".into(), refund, currency: Some(Currency::USD) }
}

/// Sent in that second of March 20, and received `late` seconds after.
fn sent(second: i64, late: i64) -> DeliveryTimes {
    let sent_at = march(20) + Duration::seconds(second);
    DeliveryTimes { sent_at, received_at: sent_at + Duration::seconds(late) }
}

fn report_event(report: OrderSnapshot) -> StoreEvent {
    StoreEvent::Order(Box::new(report))
}

fn deletion() -> StoreEvent {
    StoreEvent::Trashed { order_ref: "1".into(), reported_at: None }
}

/// The store's answer about its refunds, on a day of March.
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
    let newer = OrderSnapshot { reported_at: march(12), ..order() };
    let mut state = OrderState::default();
    assert_eq!(state.apply(report_event(newer.clone()), sent(1, 0)).change, StateChange::Facts);
    assert_eq!(state.apply(report_event(order()), sent(2, 0)).change, StateChange::None);
    assert_eq!(state.apply(report_event(newer.clone()), sent(1, 0)).change, StateChange::None);
    assert_eq!(state.apply(report_event(newer.clone()), sent(2, 0)).change, StateChange::Times);
    assert_eq!(state.report, Some(newer));
}

#[test]
fn in_the_same_second_the_report_that_was_sent_last_wins_whatever_it_says() {
    // Each report looks older than the one before by its content, which must not decide.
    let reports = [
        OrderSnapshot { cancelled_at: Some(march(10)), ..order() },
        order().with_code("JANE10", 5).with_line("TEE", 2, 1000).with_refund(refund("1")),
        order().with_line("TEE", 1, 1000),
        OrderSnapshot { payment: PaymentState::Pending, ..order() },
    ];
    for processed in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]] {
        let mut state = OrderState::default();
        for which in processed {
            // Received in reverse order.
            let times = sent(which, 100 - 2 * which);
            state.apply(report_event(reports[usize::try_from(which).unwrap()].clone()), times);
        }
        assert_eq!(state.report.as_ref(), reports.last());
    }
    let (one, other) = (order().with_code("A", 1), order().with_code("B", 1));
    let mut state = OrderState::default();
    state.apply(report_event(other.clone()), sent(1, 2));
    state.apply(report_event(one), sent(1, 1));
    assert_eq!(state.report, Some(other), "of two sent at once, the one received last");
}

#[test]
fn a_refund_may_come_before_its_order() {
    let mut state = OrderState::default();
    assert_eq!(state.apply(refund_event(refund("7")), sent(1, 0)).change, StateChange::Facts);
    assert_eq!(state.apply(refund_event(refund("7")), sent(1, 0)).change, StateChange::None);
    assert_eq!(refs(&state), named(&[("7", 0)]));
    assert_eq!(state.apply(report_event(order()), sent(2, 0)).change, StateChange::Facts);
    assert_eq!(refs(&state), named(&[("7", 0)]));
}

#[test]
fn of_two_messages_of_one_refund_the_one_that_was_sent_last_counts() {
    let of = |adjustment_minor| ReportedRefund { adjustment_minor, ..refund("7") };
    for second in [[1, 2], [2, 1]] {
        let mut state = OrderState::default();
        for at in second {
            state.apply(refund_event(of(1000 - at)), sent(at, 0));
        }
        assert_eq!(refs(&state), named(&[("7", 998)]));
    }
}

#[test]
fn a_refund_that_the_report_has_too_counts_once_as_the_report_says() {
    let own = ReportedRefund { adjustment_minor: 500, ..refund("7") };
    let mut state = OrderState::from(order().with_refund(own));
    state.apply(refund_event(refund("7")), sent(1, 0));
    let other = ReportedRefund { adjustment_minor: 90, ..refund("8") };
    state.apply(refund_event(other), sent(1, 0));
    assert_eq!(refs(&state), named(&[("7", 500), ("8", 90)]));
}

#[test]
fn a_refund_in_another_currency_is_not_counted() {
    let mut state = OrderState::from(order());
    let foreign = StoreEvent::Refund {
        order_ref: "1".into(),
        refund: refund("7"),
        currency: Some(Currency::JPY),
    };
    state.apply(foreign, sent(1, 0));
    assert_eq!(refs(&state), []);
}

/// Applies the events in both orders, which must yield the same state.
fn either_way(events: &[(StoreEvent, DeliveryTimes)]) -> OrderState {
    let state = state_of(events);
    let backward: Vec<_> = events.iter().rev().cloned().collect();
    assert_eq!(state_of(&backward), state);
    state
}

#[test]
fn a_refund_without_a_currency_is_in_its_orders_whichever_comes_first() {
    let one = || StoreEvent::Refund {
        order_ref: "1".into(),
        refund: ReportedRefund { adjustment_minor: 450_050, ..refund("7") },
        currency: None,
    };
    let mut before = OrderState::default();
    before.apply(one(), sent(1, 0));
    assert_eq!(refs(&before), []);
    for (currency, minor) in [(Currency::USD, 4500), (Currency::JPY, 45), (Currency::KWD, 45_005)] {
        let report = OrderSnapshot { currency, ..order() };
        let mut after = OrderState::from(report.clone());
        after.apply(one(), sent(1, 0));
        assert_eq!(refs(&after), named(&[("7", minor)]));
        let mut before = before.clone();
        before.apply(report_event(report), sent(1, 0));
        assert_eq!(refs(&before), refs(&after));
    }
}

#[test]
fn lines_that_were_read_count_while_the_order_names_their_refund() {
    let read = ReportedRefund { adjustment_minor: 30, ..refund("7") };
    let mut state = OrderState::from(order().with_refund(outline("7", 99)));
    assert!(state.lacks_refund_lines());
    let mut answer = |day, lines| state.apply(lines_event(day, lines), sent(1, 0)).change;
    assert_eq!(answer(12, vec![read.clone(), refund("8")]), StateChange::Facts);
    assert_eq!(answer(12, vec![read.clone()]), StateChange::None, "a repeat changes nothing");
    assert!(!state.lacks_refund_lines());
    assert_eq!(refs(&state), named(&[("7", 30)]));
    // A later answer replaces the lines, an earlier one doesn't.
    let other = |minor| ReportedRefund { adjustment_minor: minor, ..refund("7") };
    let mut answer = |day, lines| state.apply(lines_event(day, lines), sent(1, 0)).change;
    assert_eq!(answer(11, vec![other(5)]), StateChange::None);
    assert_eq!(answer(13, vec![other(6)]), StateChange::Facts);
    assert_eq!(refs(&state), named(&[("7", 6)]));
    // The report names another refund, whose lines haven't been fetched.
    let newer = |refund| OrderSnapshot { reported_at: march(14), ..order().with_refund(refund) };
    state.apply(report_event(newer(outline("9", 50))), sent(1, 0));
    assert!(state.lacks_refund_lines());
    assert_eq!(refs(&state), named(&[("9", 0)]));
    // The refund was deleted.
    let gone = OrderSnapshot { reported_at: march(15), ..order() };
    state.apply(report_event(gone), sent(1, 0));
    assert!(!state.lacks_refund_lines());
    assert_eq!(refs(&state), []);
}

#[test]
fn lines_in_another_currency_than_the_orders_do_not_count() {
    let mut state = OrderState::from(OrderSnapshot {
        currency: Currency::EUR,
        ..order().with_refund(outline("7", 99))
    });
    state.apply(lines_event(12, vec![refund("7")]), sent(1, 0));
    assert!(state.lacks_refund_lines());
    assert_eq!(state.refunds()[0].undivided_minor, Some(99));
}

#[test]
fn a_deletion_counts_after_everything_sent_before_whatever_the_stores_clock_says() {
    let day = |day| report_event(OrderSnapshot { reported_at: march(day), ..order() });
    // The store's clock is days behind ours (March 20), or right. A time more than a day ahead is
    // clamped.
    for clock in [1, 10, 20] {
        let before = [(day(clock), sent(1, 0)), (deletion(), sent(2, 0))];
        assert_eq!(either_way(&before).gone_at(), Some(sent(2, 0).sent_at));
        let again = [&before[..], &[(day(clock), sent(3, 0))]].concat();
        assert!(either_way(&again).gone_at().is_some(), "what was known brings nothing back");
        let late = [&before[..], &[(day(clock + 1), sent(1, 9))]].concat();
        assert!(either_way(&late).gone_at().is_some(), "it was sent before the deletion");
        let newer = [&before[..], &[(day(clock + 1), sent(3, 0))]].concat();
        assert_eq!(either_way(&newer).gone_at(), None);
        let twice = [&newer[..], &[(deletion(), sent(4, 0))]].concat();
        assert!(either_way(&twice).gone_at().is_some());
    }
}

#[test]
fn an_order_that_is_said_to_be_restored_is_back_also_in_the_same_second() {
    let restored = StoreEvent::Restored(Box::new(order()));
    let known = [(report_event(order()), sent(1, 0)), (deletion(), sent(2, 0))];
    let back = [&known[..], &[(restored.clone(), sent(3, 0))]].concat();
    assert_eq!(either_way(&back).gone_at(), None);
    let again = [&back[..], &[(deletion(), sent(4, 0))]].concat();
    assert!(either_way(&again).gone_at().is_some());
    let early = [&known[..], &[(restored, sent(1, 5))]].concat();
    assert!(either_way(&early).gone_at().is_some());
}

#[test]
fn a_report_from_before_the_trash_does_not_take_the_order_out_of_it() {
    let trashed = StoreEvent::Trashed { order_ref: "1".into(), reported_at: Some(march(12)) };
    let day = |day| report_event(OrderSnapshot { reported_at: march(day), ..order() });
    let gone = |day_of: u32| {
        let known = [(day(10), sent(1, 0)), (trashed.clone(), sent(2, 0))];
        either_way(&[&known[..], &[(day(day_of), sent(3, 0))]].concat()).gone_at().is_some()
    };
    assert_eq!([11, 12, 13].map(gone), [true, true, false]);
}

#[test]
fn an_order_whose_deletion_comes_first_stays_gone() {
    let placed = OrderSnapshot { reported_at: sent(1, 0).sent_at, ..order() };
    let early = [(deletion(), sent(4, 0)), (report_event(placed.clone()), sent(5, 0))];
    assert!(either_way(&early).gone_at().is_some());
    let later = OrderSnapshot { reported_at: sent(9, 0).sent_at, ..order() };
    let back = [&early[..], &[(report_event(later), sent(9, 0))]].concat();
    assert_eq!(either_way(&back).gone_at(), None, "reported again after it");
}

#[test]
fn a_time_more_than_a_day_ahead_is_the_time_it_was_received() {
    let distant = march(20) + Duration::days(365_000);
    let odd = OrderSnapshot {
        reported_at: distant,
        placed_at: distant,
        cancelled_at: Some(distant),
        ..order().with_refund(ReportedRefund { refunded_at: distant, ..refund("1") })
    };
    let mut state = OrderState::default();
    let applied = state.apply(report_event(odd.clone()), sent(1, 1));
    use ClampedTime::{Cancelled, Placed, Refunded, Updated};
    assert_eq!(applied.clamped, [Updated, Placed, Cancelled, Refunded]);
    let at = sent(1, 1).received_at;
    let report = state.report.clone().unwrap();
    assert_eq!((report.reported_at, report.placed_at), (at, at));
    assert_eq!((report.cancelled_at, report.refunds[0].refunded_at), (Some(at), at));

    // The store's clock is right again, so a new report replaces the old one.
    let fixed = OrderSnapshot { reported_at: sent(9, 0).sent_at, ..order() };
    state.apply(report_event(fixed.clone()), sent(9, 0));
    assert_eq!(state.report, Some(fixed));

    // Clocks may differ by one day.
    let mut state = OrderState::default();
    let edge = OrderSnapshot { reported_at: at + Duration::days(1), ..order() };
    assert_eq!(state.apply(report_event(edge.clone()), sent(1, 1)).clamped, []);
    assert_eq!(state.report, Some(edge));
}

#[test]
fn an_order_with_an_impossible_time_of_placement_was_placed_when_it_was_first_received() {
    let odd = |at: i64| {
        let report = OrderSnapshot { placed_at: march(20) + Duration::days(9_999), ..order() };
        (report_event(OrderSnapshot { reported_at: sent(at, 0).sent_at, ..report }), sent(at, 0))
    };
    let state = either_way(&[odd(1), odd(500), odd(90_000)]);
    assert_eq!(state.report.unwrap().placed_at, sent(1, 0).received_at);
    let said = (report_event(OrderSnapshot { reported_at: march(21), ..order() }), sent(99_000, 0));
    let state = either_way(&[odd(1), odd(500), said]);
    assert_eq!(state.report.unwrap().placed_at, march(10), "the store says it after all");
}

#[test]
fn what_an_earlier_version_kept_of_a_deletion_still_holds() {
    let kept = |more: serde_json::Value| {
        let mut state = json!({ "report": order(), "refund_messages": {} });
        state.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value::<OrderState>(state).unwrap()
    };
    let mut deleted = kept(json!({ "deleted_at": march(9), "binned_at": null }));
    let newer = report_event(OrderSnapshot { reported_at: march(11), ..order() });
    deleted.apply(newer.clone(), sent(1, 0));
    assert_eq!(deleted.gone_at(), Some(march(9)), "for good");
    for (state, gone) in [
        (kept(json!({ "deleted_at": null, "binned_at": null })), false),
        (kept(json!({ "binned_at": march(9) })), false),
        (kept(json!({ "binned_at": march(10) })), true),
    ] {
        assert_eq!(state.gone_at().is_some(), gone, "{state:?}");
        let mut again = state.clone();
        again.apply(report_event(order()), sent(1, 0));
        assert_eq!(again.gone_at().is_some(), gone, "what was known brings nothing back");
        let mut later = state;
        later.apply(newer.clone(), sent(1, 0));
        assert_eq!(later.gone_at(), None);
    }
}

#[test]
fn what_an_earlier_version_kept_came_when_it_was_decided() {
    let distant = march(10) + Duration::days(365_000);
    let mut state = OrderState::from(OrderSnapshot { reported_at: distant, ..order() });
    state.date_report(march(10), march(15));
    assert_eq!(state.report.as_ref().unwrap().reported_at, march(15), "not frozen any more");

    let mut state = OrderState::from(order().with_code("NEW", 1));
    state.date_report(march(10), march(15));
    let times = |day| DeliveryTimes { sent_at: march(day), received_at: march(day) };
    state.apply(report_event(order().with_code("OLD", 1)), times(14));
    assert_eq!(state.report.as_ref().unwrap().codes[0].code, "NEW", "a replay of an old message");
    state.apply(report_event(order().with_code("NEWER", 1)), times(16));
    assert_eq!(state.report.as_ref().unwrap().codes[0].code, "NEWER");
}

#[test]
fn cancelled_deleted_and_voided_orders_are_undone() {
    assert_eq!(OrderState::from(order()).undone(), None);
    let cancelled = OrderSnapshot { cancelled_at: Some(march(11)), ..order() };
    assert_eq!(OrderState::from(cancelled).undone(), Some(Undone::Cancelled { at: march(11) }));
    let voided = OrderSnapshot { payment: PaymentState::Voided, ..order() };
    assert_eq!(OrderState::from(voided).undone(), Some(Undone::Voided));
    let mut deleted = OrderState::from(order());
    deleted.apply(deletion(), sent(0, 0));
    assert_eq!(deleted.undone(), Some(Undone::Deleted { at: march(20) }));
    deleted.apply(StoreEvent::Deleted { order_ref: "1".into(), at: march(12) }, sent(0, 0));
    assert_eq!(deleted.undone(), Some(Undone::Deleted { at: march(12) }));
}

#[test]
fn messages_without_a_state_change_nothing() {
    let mut state = OrderState::from(order());
    let noted = StoreEvent::Ignored { order_ref: "1".into(), reason: IgnoredReason::NotAnOrder };
    for event in [StoreEvent::Uninstalled, noted] {
        assert_eq!(state.apply(event, sent(1, 0)).change, StateChange::None);
    }
}

fn any_event() -> impl Strategy<Value = (StoreEvent, DeliveryTimes)> {
    // Few seconds of the store's clock, one of them impossible, and few sending times, so that ties
    // occur.
    let day = || prop_oneof![Just(march(10)), Just(march(11)), Just(march(12)), Just(march(31))];
    let placed = prop_oneof![3 => Just(march(10)), 1 => Just(march(30))];
    let report =
        (day(), placed, 0..3_i64, any::<bool>()).prop_map(|(day, placed_at, total, cancelled)| {
            Box::new(OrderSnapshot {
                reported_at: day,
                placed_at,
                total_minor: total,
                cancelled_at: cancelled.then(|| march(9)),
                ..order()
            })
        });
    let event = prop_oneof![
        4 => (report, any::<u8>()).prop_map(|(report, which)| {
            if which < 64 { StoreEvent::Restored(report) } else { StoreEvent::Order(report) }
        }),
        2 => (0..3_u8, day(), 0..3_i64).prop_map(|(id, day, adjustment_minor)| {
            refund_event(ReportedRefund {
                refunded_at: day,
                adjustment_minor,
                ..refund(&id.to_string())
            })
        }),
        1 => (0..3_u8, 10..13_u32, 0..3_i64).prop_map(|(id, day, adjustment_minor)| {
            let read = ReportedRefund { adjustment_minor, ..refund(&id.to_string()) };
            lines_event(day, vec![read])
        }),
        1 => prop::option::of(day()).prop_map(|reported_at| StoreEvent::Trashed {
            order_ref: "1".into(),
            reported_at,
        }),
        1 => day().prop_map(|at| StoreEvent::Deleted { order_ref: "1".into(), at }),
    ];
    (event, (0..4_i64, 0..3_i64).prop_map(|(second, late)| sent(second, late)))
}

fn state_of(events: &[(StoreEvent, DeliveryTimes)]) -> OrderState {
    let mut state = OrderState::default();
    for (event, times) in events {
        state.apply(event.clone(), *times);
    }
    state
}

fn merged(a: &OrderState, b: &OrderState) -> OrderState {
    let mut a = a.clone();
    a.merge(b.clone());
    a
}

fn any_events() -> impl Strategy<Value = Vec<(StoreEvent, DeliveryTimes)>> {
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
        prop_assert_eq!(a.clone().merge(a), StateChange::None);
    }

    #[test]
    fn a_state_survives_json(events in any_events()) {
        let state = state_of(&events);
        let json = serde_json::to_value(&state).unwrap();
        prop_assert_eq!(serde_json::from_value::<OrderState>(json).unwrap(), state);
    }
}
