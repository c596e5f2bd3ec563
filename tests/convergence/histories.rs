//! What happens to an order in its store, and the messages that the store sends of it.

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use serde_json::{Value, json};
use vouch_core::order::{OrderSnapshot, StoreEvent};
use vouch_core::platform::Platform;
use vouch_platforms::parse_message;

use super::minute;
use crate::harness::shopify::ShopifyOrder;

/// One message of the store.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub topic: &'static str,
    pub delivery_ref: String,
    pub triggered_at: DateTime<Utc>,
    pub received_at: DateTime<Utc>,
    pub body: Value,
}

/// One step in the life of an order.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The second line has so many items now.
    Edit(u32),
    Paid,
    /// The payment stands so, without having been made.
    Payment(&'static str),
    /// So many cents of the second line go back, told by these messages.
    Refund(u32, Telling),
    Cancel,
    Delete,
    /// The currency was wrong: what was in dollars is in euros, and the other way round.
    Currency,
}

#[derive(Clone, Copy, Debug)]
enum Telling {
    Alone,
    Inside,
    Both,
}

/// The life of one order.
#[derive(Clone, Debug)]
pub(super) struct OrderHistory {
    id: u64,
    placed: i64,
    codes: Vec<&'static str>,
    has_sku: bool,
    by_email: bool,
    /// Whether a gift card is bought as well.
    has_gift_card: bool,
    steps: Vec<Step>,
}

fn step() -> impl Strategy<Value = Step> {
    let telling = prop_oneof![Just(Telling::Alone), Just(Telling::Inside), Just(Telling::Both)];
    prop_oneof![
        3 => (1..6_u32).prop_map(Step::Edit),
        2 => Just(Step::Paid),
        2 => prop::sample::select(vec!["authorized", "partially_paid", "expired", "voided"])
            .prop_map(Step::Payment),
        4 => (1..1500_u32, telling).prop_map(|(cents, how)| Step::Refund(cents, how)),
        1 => Just(Step::Cancel),
        1 => Just(Step::Delete),
        2 => Just(Step::Currency),
    ]
}

/// A few orders, each with a life of its own.
pub(super) fn some() -> impl Strategy<Value = Vec<OrderHistory>> {
    let codes = proptest::sample::subsequence(vec!["ALPHA", "BETA", "nobodys"], 0..=3);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let one = (0..20_i64, codes, flags, prop::collection::vec(step(), 0..5));
    prop::collection::vec(one, 2..5).prop_map(|all| {
        all.into_iter()
            .zip(1..)
            .map(|((placed, codes, (has_sku, by_email, has_gift_card), steps), id)| OrderHistory {
                id,
                placed,
                codes,
                has_sku,
                by_email,
                has_gift_card,
                steps,
            })
            .collect()
    })
}

impl OrderHistory {
    /// A plain order with one code and one refund, for tests that need many.
    pub(super) fn plain(id: u64, code: &'static str) -> Self {
        let steps = vec![Step::Edit(3), Step::Paid, Step::Refund(500, Telling::Both)];
        Self {
            id,
            placed: 1,
            codes: vec![code],
            has_sku: true,
            by_email: false,
            has_gift_card: false,
            steps,
        }
    }

    fn first(&self) -> ShopifyOrder {
        let sku = if self.has_sku { "MUG" } else { "BOWL" };
        let mut order = ShopifyOrder::new(self.id, minute(self.placed))
            .line(sku, 2, "19.99")
            .with("financial_status", json!("pending"));
        for code in &self.codes {
            order = order.code(code, "7.77");
        }
        if self.has_gift_card {
            order = order.line("CARD", 1, "25.00");
            order.0["line_items"][2]["gift_card"] = json!(true);
        }
        if self.by_email { order.email("friend@customers.example") } else { order }
    }

    /// What the store said of it last, and whether it was deleted.
    pub(super) fn end(&self) -> (OrderSnapshot, bool) {
        let mut messages = self.messages();
        let is_deleted = messages.iter().any(|message| message.topic == "orders/delete");
        let others = ["refunds/create", "orders/delete"];
        messages.retain(|message| !others.contains(&message.topic));
        let Message { topic, body, triggered_at, .. } = messages.pop().unwrap();
        let body = serde_json::to_vec(&body).unwrap();
        match parse_message(Platform::Shopify, topic, &body, false, triggered_at).unwrap() {
            StoreEvent::Order(report) => (*report, is_deleted),
            other => panic!("{other:?}"),
        }
    }

    /// Every message of its life, in order.
    pub(super) fn messages(&self) -> Vec<Message> {
        let mut order = self.first();
        let mut at = minute(self.placed);
        let mut messages = Vec::new();
        let mut tell = |topic: &'static str, at: DateTime<Utc>, body: Value| {
            let number = messages.len();
            let delivery_ref = format!("{}-{number}", self.id);
            // A little later each, also within a second, and received in any order.
            let number = i64::try_from(number).unwrap();
            let triggered_at = at + chrono::Duration::milliseconds(10 * number);
            let received_at = minute(100) + chrono::Duration::milliseconds(number * 7 % 13);
            messages.push(Message { topic, delivery_ref, triggered_at, received_at, body });
        };
        tell("orders/create", at, order.0.clone());
        for (step, number) in self.steps.iter().zip(1_u64..) {
            // Some steps fall into one and the same second, as they do in Shopify.
            if number % 3 != 0 {
                at += chrono::Duration::minutes(1);
            }
            order = order.updated_at(at);
            match *step {
                Step::Edit(quantity) => {
                    order.0["line_items"][1]["quantity"] = json!(quantity);
                    order.0["line_items"][1]["current_quantity"] = json!(quantity);
                    tell("orders/updated", at, order.0.clone());
                }
                Step::Paid => {
                    order = order.with("financial_status", json!("paid"));
                    tell("orders/paid", at, order.0.clone());
                    tell("orders/updated", at, order.0.clone());
                }
                Step::Payment(state) => {
                    order = order.with("financial_status", json!(state));
                    tell("orders/updated", at, order.0.clone());
                }
                Step::Refund(cents, how) => {
                    let id = self.id * 100 + number;
                    let amount = format!("{}.{:02}", cents / 100, cents % 100);
                    let alone = order.refund(id, 1, 0, &amount, at);
                    order = order.refunded(id, 1, 0, &amount, at);
                    if !matches!(how, Telling::Inside) {
                        tell("refunds/create", at, alone);
                    }
                    if !matches!(how, Telling::Alone) {
                        tell("orders/updated", at, order.0.clone());
                    }
                }
                Step::Cancel => {
                    order = order.cancelled_at(at);
                    tell("orders/cancelled", at, order.0.clone());
                }
                Step::Currency => {
                    order = order.in_the_other_currency();
                    tell("orders/updated", at, order.0.clone());
                }
                Step::Delete => tell("orders/delete", at, json!({ "id": self.id })),
            }
        }
        messages
    }
}
