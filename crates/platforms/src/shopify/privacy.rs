//! Shopify's privacy webhooks.

use serde::Deserialize;
use serde_json::Value;

use crate::provider::{PrivacyRequest, PrivacyTopic};

/// The maximum number of order IDs in one request. More are a mistake by Shopify.
const MAX_ORDERS: usize = 10_000;
/// The maximum length of an ID, in characters.
const MAX_ID: usize = 100;

pub(super) fn topic(name: &str) -> Option<PrivacyTopic> {
    match name.to_lowercase().as_str() {
        "customers/data_request" => Some(PrivacyTopic::DataRequest),
        "customers/redact" => Some(PrivacyTopic::Redact),
        "shop/redact" => Some(PrivacyTopic::ShopRedact),
        _ => None,
    }
}

/// The body of any privacy webhook. Every field can be missing, for example if a customer has no
/// email.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    customer: CustomerEmail,
    orders_requested: Vec<Value>,
    orders_to_redact: Vec<Value>,
    data_request: DataRequestId,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CustomerEmail {
    email: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct DataRequestId {
    id: Value,
}

pub(super) fn parse(topic: PrivacyTopic, body: &[u8]) -> Result<PrivacyRequest, serde_json::Error> {
    let body: Body = serde_json::from_slice(body)?;
    let orders = match topic {
        PrivacyTopic::DataRequest => body.orders_requested,
        PrivacyTopic::Redact => body.orders_to_redact,
        PrivacyTopic::ShopRedact => Vec::new(),
    };
    Ok(PrivacyRequest {
        request_ref: id(&body.data_request.id),
        email: body.customer.email.unwrap_or_default().replace('\0', ""),
        order_refs: orders.iter().take(MAX_ORDERS).filter_map(id).collect(),
    })
}

/// An ID, which is a number or text.
fn id(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.chars().take(MAX_ID).collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_topic_has_its_own_orders() {
        let body = json!({
            "customer": { "email": "ana\0@x.example" },
            "orders_requested": [1, "2", null],
            "orders_to_redact": [3],
            "data_request": { "id": 9 },
        });
        let body = body.to_string().into_bytes();
        for (topic, orders) in [
            (PrivacyTopic::DataRequest, &["1", "2"][..]),
            (PrivacyTopic::Redact, &["3"]),
            (PrivacyTopic::ShopRedact, &[]),
        ] {
            let request = parse(topic, &body).unwrap();
            assert_eq!(request.order_refs, orders, "{topic:?}");
            assert_eq!(request.email, "ana@x.example");
            assert_eq!(request.request_ref.as_deref(), Some("9"));
        }
    }

    #[test]
    fn everything_in_it_can_be_missing() {
        for body in [&b"{}"[..], br#"{"customer": {"email": null}}"#] {
            assert_eq!(parse(PrivacyTopic::Redact, body).unwrap(), PrivacyRequest::default());
        }
        assert!(parse(PrivacyTopic::Redact, b"\"nonsense\"").is_err());
    }
}
