//! Fixtures of the payload tests.

use chrono::{DateTime, TimeZone, Utc};
use proptest::prelude::*;
use serde_json::Value;

use vouch_core::order::times::DeliveryTimes;

/// Sent and received at noon of that day of March 2026.
pub(crate) fn times(day: u32) -> DeliveryTimes {
    let at: DateTime<Utc> = Utc.with_ymd_and_hms(2026, 3, day, 12, 0, 0).unwrap();
    DeliveryTimes { sent_at: at, received_at: at }
}

/// Any JSON, so that every field is tested with every type.
pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "-?[0-9]{1,25}(\\.[0-9]{0,6})?".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z_]{1,10}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}
