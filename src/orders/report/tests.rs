use proptest::prelude::*;

use super::*;
use crate::orders::fixtures::{march, order, refund};

#[test]
fn the_later_report_supersedes_the_earlier_one() {
    let (early, mut late) = (order(), order());
    late.reported_at = march(11);
    assert!(late.supersedes(&early) && !early.supersedes(&late));
}

#[test]
fn in_the_same_second_the_report_that_is_further_on_wins() {
    let steps: Vec<OrderReport> = vec![
        OrderReport { payment: PaymentState::Pending, ..order() },
        OrderReport { payment: PaymentState::Paid, ..order() },
        OrderReport { payment: PaymentState::PartiallyRefunded, ..order() }
            .with_refund(refund("1")),
        OrderReport { payment: PaymentState::PartiallyRefunded, ..order() }
            .with_refund(refund("1"))
            .with_refund(refund("2")),
        OrderReport { payment: PaymentState::Refunded, ..order() }.with_refund(refund("1")),
        OrderReport { payment: PaymentState::Paid, cancelled_at: Some(march(10)), ..order() },
    ];
    for pair in steps.windows(2) {
        assert!(pair[1].supersedes(&pair[0]) && !pair[0].supersedes(&pair[1]));
    }
}

#[test]
fn equal_reports_do_not_supersede_and_different_ones_are_never_tied() {
    let (one, other) = (order().with_code("A", 1), order().with_code("B", 1));
    assert!(!one.supersedes(&one.clone()));
    assert_ne!(one.supersedes(&other), other.supersedes(&one));
}

#[test]
fn a_report_of_an_earlier_version_is_read_with_defaults() {
    let report: OrderReport = serde_json::from_value(serde_json::json!({
        "order_ref": "1", "name": "#1", "currency": "USD", "a field of tomorrow": {},
        "reported_at": "2026-03-10T12:00:00Z", "placed_at": "2026-03-10T12:00:00Z",
        "payment": "a state of tomorrow",
        "lines": [{"line_ref": "1", "quantity": 1, "price_minor": 5}],
    }))
    .unwrap();
    assert_eq!(report.payment, PaymentState::Unknown);
    assert_eq!(report.lines[0].remaining_quantity, None);
    assert!(report.codes.is_empty() && report.cancelled_at.is_none() && !report.is_test);
}

fn any_report() -> impl Strategy<Value = OrderReport> {
    let payments = vec![PaymentState::Pending, PaymentState::Paid, PaymentState::Voided];
    (10..13_u32, prop::sample::select(payments), any::<bool>(), 0..3_usize, 0..3_i64).prop_map(
        |(day, payment, cancelled, refunds, total_minor)| OrderReport {
            reported_at: march(day),
            payment,
            cancelled_at: cancelled.then(|| march(12)),
            refunds: (0..refunds).map(|i| refund(&i.to_string())).collect(),
            total_minor,
            ..order()
        },
    )
}

proptest! {
    #[test]
    fn supersedes_is_a_total_order(a in any_report(), b in any_report(), c in any_report()) {
        prop_assert_eq!(a == b, !a.supersedes(&b) && !b.supersedes(&a));
        prop_assert!(!(a.supersedes(&b) && b.supersedes(&a)));
        if a.supersedes(&b) && b.supersedes(&c) {
            prop_assert!(a.supersedes(&c));
        }
    }

    #[test]
    fn the_largest_i64_survives_json(minor: i64) {
        let report = OrderReport { total_minor: minor, ..order() };
        let json = serde_json::to_value(&report).unwrap();
        prop_assert_eq!(serde_json::from_value::<OrderReport>(json).unwrap(), report);
    }
}
