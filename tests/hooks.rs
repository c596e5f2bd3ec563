//! The door that stores knock at: who may come in, what is answered, and that nothing is lost.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration as Wait, Instant};

use chrono::{DateTime, TimeZone, Utc};
use diesel::prelude::*;
use serde_json::{Value, json};
use vouch::features::ingest::replay;
use vouch::features::stores::{self, Store, WebhookSecret};
use vouch::kit::audit::Actor;
use vouch::kit::db::schema::{audit_log, conversions, deliveries, orders, stores as stores_table};
use vouch::kit::secrets::Encryptor;

use crate::harness::shopify::{ShopifyOrder, sign};
use crate::harness::{Page, SECRET_KEY, SHOP_SECRET, TestApp, on_this_machine, pseudonyms};

const NEW_SECRET: &str = "the-new-secret-of-the-shop-0000000001";

fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap()
}

fn order(id: u64) -> ShopifyOrder {
    ShopifyOrder::new(id, noon()).code("ADA10", "10.00")
}

fn bytes(order: &ShopifyOrder) -> Vec<u8> {
    serde_json::to_vec(&order.0).unwrap()
}

/// (topic, outcome, reason) of every delivery.
fn kept(app: &TestApp) -> Vec<(String, String, Value)> {
    app.within(|conn| {
        let rows: Vec<(String, String, Option<Value>)> = deliveries::table
            .order(deliveries::id)
            .select((deliveries::topic, deliveries::outcome, deliveries::reason))
            .load(conn)?;
        Ok(rows.into_iter().map(|(t, o, reason)| (t, o, reason.unwrap_or_default())).collect())
    })
}

fn commissions(app: &TestApp) -> Vec<i64> {
    app.within(|conn| {
        conversions::table.order(conversions::id).select(conversions::commission_minor).load(conn)
    })
}

fn store(app: &TestApp) -> Store {
    app.within(|conn| Store::find(conn, app.fixture.merchant_id, app.fixture.store_id))
}

fn encryptor() -> Encryptor {
    Encryptor::new(&secrecy::SecretBox::new(Box::new(SECRET_KEY)))
}

#[test]
fn the_current_secret_and_the_one_before_sign_and_no_other() {
    let app = TestApp::start();
    let secret = WebhookSecret::parse(NEW_SECRET).unwrap();
    let (actor, shop) = (app.actor(), store(&app));
    app.within(|conn| stores::replace_secret(conn, &actor, &encryptor(), &shop, &secret));
    let status = |id: u64, secret: &str| {
        let body = bytes(&order(id));
        app.shopify_raw("orders/create", &id.to_string(), &body, &sign(secret, &body)).status
    };
    assert_eq!(status(1, NEW_SECRET), 200);
    assert_eq!(status(2, SHOP_SECRET), 200);
    assert_eq!(status(3, "a-third-secret-of-nobody-at-all-00000"), 401);
    assert_eq!(status(4, ""), 401);
    assert_eq!(kept(&app).len(), 2);
}

#[test]
fn the_signature_is_of_the_raw_bytes() {
    let app = TestApp::start();
    let order = order(1);
    let body = bytes(&order);
    let signature = sign(SHOP_SECRET, &body);
    let pretty = serde_json::to_vec_pretty(&order.0).unwrap();
    assert_eq!(app.shopify_raw("orders/create", "1", &pretty, &signature).status, 401);
    let longer = [&body[..], b" "].concat();
    assert_eq!(app.shopify_raw("orders/create", "1", &longer, &signature).status, 401);
    for wrong in ["", "no base64!", &signature[1..], &sign(SHOP_SECRET, b"")] {
        assert_eq!(app.shopify_raw("orders/create", "1", &body, wrong).status, 401, "{wrong}");
    }
    assert!(kept(&app).is_empty());
    // The bytes themselves, however they are laid out, are taken.
    let of_pretty = sign(SHOP_SECRET, &pretty);
    assert_eq!(app.shopify_raw("orders/create", "1", &pretty, &of_pretty).status, 200);
    assert_eq!(commissions(&app), [900]);
}

/// All of an answer but the clock.
fn alike(page: &Page) -> (u16, String, Vec<String>) {
    let headers = page.headers.iter().filter(|(name, _)| *name != "date");
    let mut headers: Vec<String> =
        headers.map(|(name, value)| format!("{name}: {value:?}")).collect();
    headers.sort();
    (page.status, page.text(), headers)
}

#[test]
fn an_unknown_store_is_refused_like_a_wrong_signature() {
    let app = TestApp::start();
    let body = bytes(&order(1));
    let signature = sign(SHOP_SECRET, &body);
    let headers = [
        ("x-shopify-topic", "orders/create"),
        ("x-shopify-webhook-id", "1"),
        ("x-shopify-hmac-sha256", signature.as_str()),
    ];
    let own = app.fixture.store_key.clone();
    let random = own.split_once('-').unwrap().1.to_owned();
    let keys = [
        format!("{}-{}", app.fixture.merchant_id, "a".repeat(random.len())),
        format!("{}-{random}", app.fixture.stranger_merchant_id),
        format!("999999999-{random}"),
        random,
        "nothing".to_owned(),
        format!("{own}x"),
        own.to_uppercase(),
    ];
    let unsigned = [headers[0], headers[1], (headers[2].0, "bm9ib2R5")];
    let wrong = app.hook(&own, &unsigned, &body);
    assert_eq!(wrong.status, 401);
    assert_eq!(wrong.header("content-type"), Some("text/plain; charset=utf-8"));
    for key in keys {
        let unknown = app.hook(&key, &headers, &body);
        assert_eq!(alike(&unknown), alike(&wrong), "{key}");
    }
    let too_long = vec![b'x'; (16 << 20) + 1];
    for key in [own.as_str(), "nothing"] {
        assert_eq!(app.hook(key, &headers, &too_long).status, 413, "{key}");
    }
    assert!(kept(&app).is_empty());
    let (actor, shop) = (app.actor(), store(&app));
    app.within(|conn| stores::disconnect(conn, &actor, &shop));
    // A connected store is remembered for a moment, and what it sends is kept meanwhile.
    let begun = Instant::now();
    while app.hook(&own, &headers, &body).status != 401 {
        assert!(begun.elapsed() < on_this_machine(Wait::from_secs(10)), "disconnected");
        std::thread::sleep(Wait::from_millis(200));
    }
}

#[test]
fn messages_without_some_headers_are_told_apart_by_their_content() {
    let app = TestApp::start();
    let send = |headers: &[(&str, &str)], body: &[u8]| {
        app.hook(&app.fixture.store_key, headers, body).status
    };
    let body = bytes(&order(1));
    let signature = sign(SHOP_SECRET, &body);
    let signed = ("x-shopify-hmac-sha256", signature.as_str());
    assert_eq!(send(&[("x-shopify-topic", "orders/create")], &body), 401, "not signed");
    for _ in 0..2 {
        assert_eq!(send(&[signed, ("x-shopify-topic", "orders/create")], &body), 200);
    }
    assert_eq!(commissions(&app), [900]);
    assert_eq!(kept(&app).len(), 1, "the same content is the same delivery");
    assert_eq!(send(&[signed], &body), 200, "without a topic");
    let (_, outcome, reason) = kept(&app).pop().unwrap();
    assert_eq!(outcome, "failed");
    assert!(reason["code"].is_string(), "{reason}");
}

#[test]
fn other_topics_are_kept_noted_or_acted_upon() {
    let app = TestApp::start();
    let order = order(1);
    assert_eq!(app.shopify("products/update", &json!({ "id": 5 })).status, 200);
    assert_eq!(app.shopify("ORDERS/CREATE", &order.0).status, 200);
    let edited = json!({ "order_edit": { "id": 9, "order_id": 1 } });
    assert_eq!(app.shopify("orders/edited", &edited).status, 200);
    assert_eq!(commissions(&app), [900]);
    assert_eq!(app.shopify("orders/delete", &json!({ "id": 1 })).status, 200);
    assert_eq!(commissions(&app), [0]);
    let deleted: Vec<bool> =
        app.within(|conn| orders::table.select(orders::deleted_at.is_not_null()).load(conn));
    assert_eq!(deleted, [true]);
    // What the store sends of it afterwards does not bring it back.
    let later = order.updated_at(noon() + chrono::Duration::hours(1));
    assert_eq!(app.shopify("orders/updated", &later.0).status, 200);
    assert_eq!(commissions(&app), [0]);
    let outcomes: Vec<String> = kept(&app).into_iter().map(|row| row.1).collect();
    assert_eq!(outcomes, ["failed", "processed", "ignored", "processed", "processed"]);
}

#[test]
fn removing_the_app_disconnects_the_store_and_a_replay_of_that_does_not_do_it_again() {
    let app = TestApp::start();
    let task = ".tasks a[href='/settings/shopify']";
    assert!(!app.owner().get("/dashboard").has(task));
    assert_eq!(app.shopify("app/uninstalled", &json!({ "id": 1 })).status, 200);
    assert!(!store(&app).is_connected());
    assert!(app.owner().get("/dashboard").has(task), "the merchant is told");
    let acts: Vec<String> = app.within(|conn| {
        audit_log::table
            .filter(audit_log::subject_id.eq(app.fixture.store_id))
            .order(audit_log::id)
            .select(audit_log::action)
            .load(conn)
    });
    assert_eq!(acts, ["store.connected", "store.disconnected"]);
    let has_secret: bool = app.within(|conn| {
        stores_table::table.select(stores_table::webhook_secret.is_not_null()).first(conn)
    });
    assert!(!has_secret, "nothing needs it any more");

    app.connect_shop(app.fixture.merchant_id, "acme-tea.myshopify.com", SHOP_SECRET);
    let (id, outcome): (i64, String) = app
        .within(|conn| deliveries::table.select((deliveries::id, deliveries::outcome)).first(conn));
    assert_eq!(outcome, "ignored");
    let actor = Actor::system(app.fixture.merchant_id, vouch::kit::clock::now());
    app.within(|conn| Ok(replay(conn, &actor, &pseudonyms(), id).unwrap()));
    assert!(store(&app).is_connected());
}

/// Begins a request by hand: what a client must not do, no client does.
fn begin(app: &TestApp, length: usize) -> TcpStream {
    let address = app.base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Wait::from_secs(20))).unwrap();
    write!(
        stream,
        "POST /hooks/shopify/{} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n\
         X-Shopify-Topic: orders/create\r\nX-Shopify-Hmac-Sha256: aaaa\r\n\r\n",
        app.fixture.store_key
    )
    .unwrap();
    stream
}

/// The status of the answer.
fn answer(mut stream: TcpStream) -> u16 {
    let mut head = [0; 12];
    stream.read_exact(&mut head).unwrap();
    String::from_utf8_lossy(&head[9..]).parse().unwrap()
}

#[test]
fn a_body_that_is_too_large_or_too_slow_is_refused() {
    let app = TestApp::start();
    let size = 17 * 1024 * 1024;
    let stream = begin(&app, size);
    let mut sending = stream.try_clone().unwrap();
    let sender = std::thread::spawn(move || {
        // Broken off once the answer is there.
        let _ = sending.write_all(&vec![b' '; size]);
    });
    assert_eq!(answer(stream), 413);
    sender.join().unwrap();

    let mut stream = begin(&app, 1000);
    let begun = Instant::now();
    stream.write_all(b"{\"id\": 1").unwrap();
    let status = answer(stream);
    assert!(matches!(status, 400 | 408), "{status}");
    assert!(begun.elapsed() < on_this_machine(Wait::from_secs(10)), "{:?}", begun.elapsed());
    assert!(kept(&app).is_empty());
}

#[test]
fn without_the_database_the_store_is_told_to_come_again_and_nothing_is_lost() {
    let app = TestApp::start_with_usual_waits();
    assert_eq!(app.shopify("orders/create", &order(1).0).status, 200);
    app.cut_off(false);
    // The store is remembered: this one gets as far as the intake.
    assert_eq!(app.shopify_as("orders/create", "two", &order(2).0).status, 503);
    std::thread::sleep(Wait::from_secs(5));
    assert_eq!(app.shopify_as("orders/create", "two", &order(2).0).status, 503);
    app.cut_off(true);
    let until = Instant::now() + on_this_machine(Wait::from_secs(20));
    while app.shopify_as("orders/create", "two", &order(2).0).status != 200 {
        assert!(Instant::now() < until, "does not find the database again");
        std::thread::sleep(Wait::from_millis(200));
    }
    assert_eq!(commissions(&app), [900, 900]);
}

#[test]
fn a_database_that_restarts_between_two_messages_goes_unnoticed() {
    let app = TestApp::start_with_usual_waits();
    for id in 1..=8 {
        assert_eq!(app.shopify("orders/create", &order(id).0).status, 200);
        // Every connection in the pool is dead now, and none has rested long enough to be asked.
        app.cut_off(true);
    }
    assert_eq!(commissions(&app), [900; 8]);
}

#[test]
fn recorded_messages_are_all_understood() {
    // Beside the repository, where its writers keep what Shopify really sent.
    let mut above = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let folder = above.find_map(|folder| {
        Some(folder.join("shared/payloads/shopify")).filter(|folder| folder.is_dir())
    });
    let Some(folder) = folder else {
        eprintln!("skipped: there is no folder shared/payloads/shopify beside the repository");
        return;
    };
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    // After app/uninstalled, nothing more comes in.
    paths.sort();
    paths.reverse();
    let app = TestApp::start_with_usual_waits();
    let mut sent = 0;
    for path in paths.iter().filter(|path| path.extension().is_some_and(|end| end == "json")) {
        let recorded: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        // Others are answers of an API.
        let Some(topic) = recorded["topic"].as_str() else { continue };
        assert_eq!(app.shopify(topic, &recorded["body"]).status, 200, "{topic}");
        sent += 1;
        let (_, outcome, reason) = kept(&app).pop().unwrap();
        assert_ne!(outcome, "failed", "{topic}: {reason}");
    }
    assert!(sent > 0, "no message in that folder");
}
