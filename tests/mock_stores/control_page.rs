//! What somebody asks of the stores: `POST /shopify/orders?code=MAYA10`.

use std::time::Duration;

use chrono::SubsecRound as _;
use serde_json::{Value, json};
use vouch::kit::clock;

use super::shelves::{Access, Change, Message, Shelf};
use crate::harness::stores::bigcommerce::Bigcommerce;
use crate::harness::stores::shopify::Shop;
use crate::harness::stores::woocommerce::WooSite;
use crate::harness::stores::{Fault, MockStore, Platform, Reply, Request};

pub(super) struct ControlPage {
    pub shopify: MockStore<Shop>,
    pub bigcommerce: MockStore<Bigcommerce>,
    pub woocommerce: MockStore<WooSite>,
}

impl Platform for ControlPage {
    fn answer(&mut self, request: &Request) -> Reply {
        let path: Vec<&str> = request.path.trim_matches('/').split('/').collect();
        let done = match path.as_slice() {
            [Shop::NAME, rest @ ..] => run(&self.shopify, request, rest),
            [Bigcommerce::NAME, rest @ ..] => run(&self.bigcommerce, request, rest),
            [WooSite::NAME, rest @ ..] => run(&self.woocommerce, request, rest),
            _ => None,
        };
        let (status, body) = match done {
            Some(body) => (200, body),
            None => (404, json!({ "error": "Unknown command." })),
        };
        // For people.
        let body = format!("{body:#}\n");
        Reply { body, ..Reply::json(status, &Value::Null) }
    }
}

fn run<P: Shelf>(store: &MockStore<P>, request: &Request, path: &[&str]) -> Option<Value> {
    let given = |name: &str| request.parameter(name);
    match (request.method.as_str(), path) {
        ("GET", []) => Some(store.store().holds()),
        ("POST", ["codes"]) => {
            let code = given("code")?;
            store.store().add(&code);
            Some(json!({ "code": code }))
        }
        ("POST", ["orders"]) => {
            let id = clock::now().timestamp_millis();
            let change = Change::Sale { code: given("code")? };
            happens(store, id, &change, given("silently").is_some())
        }
        ("POST", ["orders", id, what]) => {
            let change = match *what {
                "refund" => Change::Refund,
                "refund-removal" => Change::RefundRemoval,
                "cancellation" => Change::Cancellation,
                _ => return None,
            };
            happens(store, id.parse().ok()?, &change, given("silently").is_some())
        }
        ("POST", ["access", state]) => {
            let access = match *state {
                "restored" => Access::Full,
                "without-codes" => Access::WithoutCodes,
                "revoked" => Access::Revoked,
                _ => return None,
            };
            store.store().let_in(access);
            Some(json!({ "access": state }))
        }
        ("POST", ["faults"]) => {
            let name = given("fault")?;
            let needle = if name == "lost-after-write" { P::CREATION } else { "" };
            let times = given("times").map_or(Some(1), |times| times.parse().ok())?;
            store.times(times, needle, fault::<P>(&name)?);
            Some(json!({ "fault": name, "times": times }))
        }
        ("POST", ["recovery"]) => {
            store.recover();
            Some(json!({ "faults": [] }))
        }
        _ => None,
    }
}

fn fault<P: Shelf>(name: &str) -> Option<Fault> {
    Some(match name {
        "slow" => Fault::Late(Duration::from_secs(5)),
        "html" => Fault::html(),
        "truncated" => Fault::Truncated,
        "lost" => Fault::Lost,
        "lost-after-write" => Fault::LostAfterWrite,
        "throttled" => P::throttled(),
        "redirect" => Fault::redirect("https://elsewhere.example/"),
        status => Fault::status(status.parse().ok()?),
    })
}

/// Something happens to an order, and the store's webhooks tell of it.
fn happens<P: Shelf>(
    store: &MockStore<P>,
    id: i64,
    change: &Change,
    silently: bool,
) -> Option<Value> {
    let messages = store.store().change(id, change, clock::now().trunc_subsecs(0))?;
    let told = if silently { Vec::new() } else { messages.iter().map(send).collect() };
    Some(json!({ "order": id, "told": told }))
}

fn send(message: &Message) -> Value {
    let mut request = ureq::post(&message.to).config().http_status_as_error(false).build();
    for (name, value) in &message.headers {
        request = request.header(name, value);
    }
    let answer = match request.send(&message.body[..]) {
        Ok(answer) => json!(answer.status().as_u16()),
        Err(error) => json!(error.to_string()),
    };
    json!({ "to": message.to, "topic": message.topic, "answer": answer })
}
