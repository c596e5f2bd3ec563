use proptest::prelude::*;

use super::*;
use crate::order::fixtures::order;

#[test]
fn a_report_of_an_earlier_version_is_read_with_defaults() {
    let report: OrderSnapshot = serde_json::from_value(serde_json::json!({
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

proptest! {
    #[test]
    fn the_largest_i64_survives_json(minor: i64) {
        let report = OrderSnapshot { total_minor: minor, ..order() };
        let json = serde_json::to_value(&report).unwrap();
        prop_assert_eq!(serde_json::from_value::<OrderSnapshot>(json).unwrap(), report);
    }
}
