//! Inputs at random: several things wrong at once, where the other tests try each alone.

use chrono::{TimeZone, Utc};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use vouch::kit::urls::encode;

use super::documents::{Stores, about, leaves, order_of_the_api, places};
use super::forms::{Found, found};
use super::urls::{KEYS, cursors, paths};
use super::*;
use crate::harness::bigcommerce::message;
use crate::harness::shopify::ShopifyOrder;
use crate::harness::woocommerce::WooOrder;

/// The seed of a run, to repeat it; and how many inputs it has.
const SEED: &str = "VOUCH_FUZZ_SEED";
const COUNT: &str = "VOUCH_FUZZ_COUNT";

#[test]
fn a_few_random_inputs_meet_no_fault() {
    fuzz(1, 1_500);
}

#[test]
#[ignore = "takes minutes: script/chaos"]
#[expect(clippy::disallowed_methods, reason = "tests have no settings but the environment")]
fn a_hundred_thousand_random_inputs_meet_no_fault() {
    let given = |name| std::env::var(name).ok().and_then(|value| value.parse().ok());
    let seed = given(SEED).unwrap_or_else(rand::random);
    println!("To repeat these inputs, set {SEED}={seed}.");
    fuzz(seed, given(COUNT).unwrap_or(100_000));
}

fn fuzz(seed: u64, count: u64) {
    let app = TestApp::start();
    let faults = Mutex::new(Vec::new());
    let target = Target::of(&app, &faults);
    side_by_side((0..count).collect(), |at| {
        let mut rng = StdRng::seed_from_u64(seed.wrapping_add(at));
        target.one(&mut rng);
    });
    assert_none(faults);
    assert_eq!(app.deliveries_with_our_fault(), 0);
}

/// Everything that takes input.
struct Target<'a> {
    app: &'a TestApp,
    faults: &'a Mutex<Vec<String>>,
    stores: Stores,
    api_key: String,
    examples: BTreeMap<&'static str, Example>,
    visitors: Vec<(Mutex<Person>, Option<String>, Vec<Found>, Visitor)>,
    documents: Vec<(&'static str, &'static str, Value)>,
}

impl<'a> Target<'a> {
    fn of(app: &'a TestApp, faults: &'a Mutex<Vec<String>>) -> Self {
        let examples = examples(app);
        // Support's forms and a few others end the access of everyone here.
        let visitors = [Visitor::Anonymous, Visitor::Affiliate, Visitor::Viewer, Visitor::Owner];
        let visitors = visitors.map(|visitor| {
            let person = visitor.sign_in(app);
            let forms = found(visitor, &person, &examples);
            let cookie = person.cookie();
            (Mutex::new(person), cookie, forms, visitor)
        });
        let at = Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap();
        let shopify = ShopifyOrder::new(4711, at).code("ADA10", "10.00");
        let refund = shopify.refund(1, 0, 1, "10.00", at);
        let documents = vec![
            ("shopify", "orders/updated", shopify.0),
            ("shopify", "refunds/create", refund),
            ("woocommerce", "order.updated", WooOrder::new(4711, at).0),
            ("bigcommerce", "", message("store/order/updated", 7)),
        ];
        let api_key = format!("Bearer {}", crate::api::new_key(app));
        let stores = Stores::connect(app);
        Self { app, faults, stores, api_key, examples, visitors: visitors.into(), documents }
    }

    fn one(&self, rng: &mut StdRng) {
        match rng.random_range(0..10) {
            0..4 => self.webhook(rng),
            4..6 => self.api(rng),
            6..8 => self.form(rng),
            _ => self.query(rng),
        }
    }

    fn prober(&self, cookie: Option<String>) -> Prober<'a> {
        let mut prober = Prober::new(self.app, &self.app.anonymous(), self.faults);
        prober.cookie = cookie;
        prober
    }

    fn webhook(&self, rng: &mut StdRng) {
        let (platform, topic, document) = self.documents.choose(rng).unwrap();
        let body = mutated(document, rng);
        let topics =
            ["orders/create", "orders/delete", "products/update", "order.deleted", "\u{1}"];
        let topic = if rng.random_ratio(1, 8) { topics.choose(rng).unwrap() } else { topic };
        let (path, mut headers) = self.stores.signed(platform, topic, &body);
        if rng.random_ratio(1, 10) {
            let at = rng.random_range(0..headers.len());
            headers[at].1 = text(rng);
        }
        let headers: Vec<(&str, &[u8])> =
            headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        self.prober(None).send(&path, &about(topic, &body), &headers, &body);
    }

    fn api(&self, rng: &mut StdRng) {
        let trigger =
            json!({ "affiliate": "ben@affiliates.example", "type": "coupon_code", "value": "b1" });
        let row = loop {
            let row = TABLE.choose(rng).unwrap();
            if row.path.starts_with("/api/") {
                break row;
            }
        };
        let prober = self.prober(None);
        let path = self.path(row, rng);
        let headers = [
            ("authorization", self.api_key.as_bytes()),
            ("content-type", "application/json".as_bytes()),
        ];
        if row.method == "GET" {
            prober.get(&format!("{path}?{}", query(rng)), &headers[..1]);
            return;
        }
        let document = if rng.random() { order_of_the_api() } else { trigger };
        let body = mutated(&document, rng);
        prober.send(&path, &about("", &body), &headers, &body);
    }

    fn form(&self, rng: &mut StdRng) {
        let (person, cookie, forms, _) = self.visitors.choose(rng).unwrap();
        let Some(form) = forms.choose(rng) else { return };
        let mut fields: Vec<(String, String)> = form.fields.clone();
        for _ in 0..rng.random_range(1..4) {
            let Some(at) = (!fields.is_empty()).then(|| rng.random_range(0..fields.len())) else {
                break;
            };
            match rng.random_range(0..8) {
                0 => drop(fields.remove(at)),
                1 => fields.push((fields[at].0.clone(), text(rng))),
                2 => fields.push((text(rng), text(rng))),
                _ if fields[at].0 != "csrf" => fields[at].1 = text(rng),
                _ => {}
            }
        }
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        if form.is_upload {
            let content = csv(rng);
            let person = person.lock().unwrap();
            let status =
                person.post_file(&form.action, &fields, ("file", "a.csv", &content)).status;
            if status >= 500 {
                let prober = self.prober(None);
                prober.fault(format!("{} {:?}: {status}", form.action, about("", &content)));
            }
        } else {
            self.prober(cookie.clone()).post(&form.action, &fields);
        }
    }

    fn query(&self, rng: &mut StdRng) {
        let (_, cookie, _, visitor) = self.visitors.choose(rng).unwrap();
        let row = TABLE.choose(rng).unwrap();
        if row.method != "GET" || !visitor.may_reach(row) {
            return;
        }
        let path = self.path(row, rng);
        self.prober(cookie.clone()).get(&format!("{path}?{}", query(rng)), &[]);
    }

    /// The row's path, now and then with a parameter that no page links to.
    fn path(&self, row: &Route, rng: &mut StdRng) -> String {
        if rng.random_ratio(1, 4) {
            let value = encode(&text(rng));
            if let Some(path) = paths(row, &self.examples, &value).choose(rng) {
                return path.clone();
            }
        }
        fill(row.path, &self.examples, |example| &example.exists)
    }
}

/// The document with some of its places replaced, added to or left out, or its bytes damaged.
fn mutated(document: &Value, rng: &mut StdRng) -> Vec<u8> {
    let mut copy = document.clone();
    let leaves = leaves();
    for _ in 0..rng.random_range(1..5) {
        let mut all = Vec::new();
        places(&copy, "", &mut all);
        let place = all.choose(rng).unwrap().clone();
        let other = copy.pointer(all.choose(rng).unwrap()).cloned().unwrap_or_default();
        let Some(found) = copy.pointer_mut(&place) else { continue };
        match (rng.random_range(0..6), found) {
            (0, Value::Object(members)) => {
                let names: Vec<String> = members.keys().cloned().collect();
                if let Some(name) = names.choose(rng) {
                    members.remove(name);
                }
            }
            (1, Value::Object(members)) => drop(members.insert(text(rng), other)),
            (0..2, Value::Array(elements)) => elements.push(other),
            (2, found) => *found = other,
            (3, found) => *found = json!(text(rng)),
            (_, found) => *found = leaves.choose(rng).unwrap().clone(),
        }
    }
    let mut bytes = copy.to_string().into_bytes();
    if rng.random_ratio(1, 4) {
        for _ in 0..rng.random_range(1..4) {
            damage(&mut bytes, rng);
        }
    }
    bytes
}

fn damage(bytes: &mut Vec<u8>, rng: &mut StdRng) {
    let Some(at) = (!bytes.is_empty()).then(|| rng.random_range(0..bytes.len())) else { return };
    match rng.random_range(0..4) {
        0 => bytes.truncate(at),
        1 => bytes[at] = rng.random(),
        2 => bytes.insert(at, *b"\0\"\\{}[],:-9eE\xff\xc0".choose(rng).unwrap()),
        _ => drop(bytes.drain(..at)),
    }
}

/// Text as people, spreadsheets and attackers send it.
fn text(rng: &mut StdRng) -> String {
    match rng.random_range(0..4) {
        0 | 1 => values().choose(rng).unwrap().clone(),
        2 => (0..rng.random_range(0..40)).map(|_| rng.random::<char>()).collect(),
        _ => {
            let parts = ["ADA10", " ", "@", ".", "-", "0", "9", "%", "\t", "2026-01-31", "é", "🦊"];
            (0..rng.random_range(0..8)).map(|_| *parts.choose(rng).unwrap()).collect()
        }
    }
}

fn query(rng: &mut StdRng) -> String {
    let cursors = cursors();
    let pairs: Vec<String> = (0..rng.random_range(1..6))
        .map(|_| {
            let key = *KEYS.choose(rng).unwrap();
            let is_cursor = matches!(key, "after" | "before") && rng.random();
            let value = if is_cursor { cursors.choose(rng).unwrap().clone() } else { text(rng) };
            format!("{key}={}", encode(&value))
        })
        .collect();
    pairs.join("&")
}

/// A file that a spreadsheet, or something else, may have made.
fn csv(rng: &mut StdRng) -> Vec<u8> {
    let separator = *[",", ";", "\t", "|"].choose(rng).unwrap();
    let headers = ["Code", "Affiliate", "Email", "Offer", "Status", "", "\"Code", "code"];
    let header: Vec<&str> =
        (0..rng.random_range(1..5)).map(|_| *headers.choose(rng).unwrap()).collect();
    let mut lines = vec![header.join(separator)];
    for _ in 0..rng.random_range(0..30) {
        let cells: Vec<String> = (0..rng.random_range(0..6))
            .map(|_| match rng.random_range(0..4) {
                0 => format!("\"{}\"", text(rng).replace('"', "\"\"")),
                1 => "ada@affiliates.example".to_owned(),
                _ => text(rng),
            })
            .collect();
        lines.push(cells.join(separator));
    }
    let content = lines.join(*["\n", "\r\n", "\r"].choose(rng).unwrap());
    let mut bytes = match rng.random_range(0..5) {
        0 => content.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        1 => [b"\xef\xbb\xbf", content.as_bytes()].concat(),
        _ => content.into_bytes(),
    };
    if rng.random_ratio(1, 4) {
        damage(&mut bytes, rng);
    }
    bytes
}
