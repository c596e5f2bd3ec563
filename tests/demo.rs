//! Programs to look at.

use std::process::Command;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use secrecy::SecretBox;
use vouch::app::demo::bulk::{self, Size};
use vouch::app::demo::{self, DemoWebhook, LOGINS, Loaded};
use vouch::kit::clock;
use vouch::kit::db::schema::{commission_entries, conversions, orders};
use vouch::kit::db::{Scope, in_scope};
use vouch::kit::secrets::Encryptor;

use crate::harness::{PASSWORD, Page, SECRET_KEY, TestApp};

fn encryptor() -> Encryptor {
    Encryptor::new(&SecretBox::new(Box::new(SECRET_KEY)))
}

/// An installation with nothing but the demo program, whose people have the password of the tests.
pub(crate) fn with_demo() -> (TestApp, Loaded) {
    let app = TestApp::start_empty();
    let loaded = load(&app);
    (app, loaded)
}

fn load(app: &TestApp) -> Loaded {
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    in_scope(&mut conn, Scope::Instance, |conn| {
        let loaded = demo::load(conn, &encryptor(), clock::now())?;
        demo::sign_in_with(conn, &LOGINS.map(|login| login.email), PASSWORD)?;
        anyhow::Ok(loaded)
    })
    .unwrap()
}

const TABLES: [&str; 9] = [
    "users",
    "affiliates",
    "triggers",
    "orders",
    "deliveries",
    "conversions",
    "commission_entries",
    "stores",
    "audit_log",
];

fn counts(app: &TestApp) -> Vec<i64> {
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    in_scope(&mut conn, Scope::Instance, |conn| {
        let count = |table: &&'static str| {
            let count = format!("(SELECT count(*) FROM {table})");
            diesel::select(sql::<BigInt>(&count)).get_result::<i64>(conn)
        };
        TABLES.iter().map(count).collect::<QueryResult<Vec<i64>>>()
    })
    .unwrap()
}

/// What the figures say that the conversions do not, and the other way round.
const DISAGREEMENTS: &str = "SELECT count(*) FROM (\
        SELECT day, currency, sum(conversions) AS n, sum(revenue_minor) AS r, \
            sum(refunded_minor) AS f, sum(commission_minor) AS c FROM daily_rollups \
        WHERE merchant_id = $1 GROUP BY day, currency) f \
    FULL JOIN (SELECT day, currency, count(*) AS n, \
            sum(revenue_minor - CASE WHEN beside THEN shared_revenue_minor ELSE 0 END) AS r, \
            sum(refunded_minor - CASE WHEN beside THEN shared_refunded_minor ELSE 0 END) AS f, \
            sum(commission_minor) AS c \
        FROM (SELECT *, via = 'sku' AND bool_or(via <> 'sku') OVER (PARTITION BY order_id) AS beside \
            FROM conversions WHERE merchant_id = $1 AND status IN ('pending', 'approved')) counting \
        GROUP BY day, currency) c \
        USING (day, currency) \
    WHERE (coalesce(f.n, 0), coalesce(f.r, 0), coalesce(f.f, 0), coalesce(f.c, 0)) \
        <> (coalesce(c.n, 0), coalesce(c.r, 0), coalesce(c.f, 0), coalesce(c.c, 0))";

#[derive(QueryableByName)]
struct Disagreements {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

fn disagreements(app: &TestApp, merchant_id: i64) -> i64 {
    app.within_merchant(merchant_id, |conn| {
        let found: Disagreements =
            diesel::sql_query(DISAGREEMENTS).bind::<BigInt, _>(merchant_id).get_result(conn)?;
        Ok(found.count)
    })
}

fn send(app: &TestApp, loaded: &Loaded, webhook: &DemoWebhook) -> Page {
    let headers = [
        ("content-type", "application/json"),
        ("x-shopify-topic", webhook.topic),
        ("x-shopify-webhook-id", webhook.delivery_ref.as_str()),
        ("x-shopify-hmac-sha256", webhook.signature.as_str()),
    ];
    let path = format!("/hooks/shopify/{}", loaded.store.store_key);
    app.anonymous().send(&path, &headers, webhook.body.as_bytes())
}

/// (status, ledger) of the conversions of the newest order.
fn newest(app: &TestApp, merchant_id: i64) -> Vec<(String, Vec<i64>)> {
    app.within_merchant(merchant_id, |conn| {
        let order: i64 = orders::table.order(orders::id.desc()).select(orders::id).first(conn)?;
        let found: Vec<(i64, String)> = conversions::table
            .filter(conversions::order_id.eq(order))
            .select((conversions::id, conversions::status))
            .load(conn)?;
        found
            .into_iter()
            .map(|(id, status)| {
                let ledger = commission_entries::table
                    .filter(commission_entries::conversion_id.eq(id))
                    .order(commission_entries::id)
                    .select(commission_entries::amount_minor)
                    .load(conn)?;
                Ok((status, ledger))
            })
            .collect()
    })
}

#[test]
fn the_demo_agrees_with_itself_and_a_second_time_changes_nothing() {
    let (app, first) = with_demo();
    assert!(first.is_new);
    assert_eq!(disagreements(&app, first.store.merchant_id), 0);
    let before = counts(&app);
    let second = load(&app);
    assert!(!second.is_new);
    assert_eq!(second.store.store_key, first.store.store_key);
    assert_eq!(second.store.secret, first.store.secret);
    assert_eq!(counts(&app), before);
}

#[test]
fn everybody_of_the_demo_can_sign_in_and_sees_every_page() {
    let (app, _) = with_demo();
    for login in LOGINS {
        app.sign_in(login.email);
    }
    let owner = app.sign_in(LOGINS[0].email);
    for path in [
        "/dashboard",
        "/affiliates",
        "/triggers",
        "/conversions",
        "/orders",
        "/deliveries",
        "/offers",
    ] {
        assert_eq!(owner.get(path).status, 200, "{path}");
    }
    assert!(owner.get("/affiliates?status=pending").says("李"));
    let list = owner.get("/deliveries?outcome=failed");
    assert_eq!(list.all("tbody tr").len(), 2, "{}", list.text());
}

#[test]
fn the_demos_webhooks_credit_once_and_come_to_the_same_in_any_order() {
    let (app, loaded) = with_demo();
    let merchant_id = loaded.store.merchant_id;
    let [order, refund, update] = demo::webhooks(&loaded.store, loaded.code, clock::now());
    for _ in 0..10 {
        assert_eq!(send(&app, &loaded, &order).status, 200);
    }
    // 15% of 52.20 and of 8.10, half to even; Partners are approved by themselves.
    assert_eq!(newest(&app, merchant_id), [("approved".to_owned(), vec![905])]);
    for webhook in [&update, &refund, &update, &order] {
        assert_eq!(send(&app, &loaded, webhook).status, 200);
    }
    let after = newest(&app, merchant_id);
    assert_eq!(after.len(), 1);
    assert_eq!(after[0].1.iter().sum::<i64>(), 905 - 391);
    assert_eq!(disagreements(&app, merchant_id), 0);
}

#[test]
fn the_line_for_the_terminal_works_as_it_is_printed() {
    if Command::new("curl").arg("--version").output().is_err() {
        return; // nothing to run it with
    }
    let (app, loaded) = with_demo();
    let [order, ..] = demo::webhooks(&loaded.store, loaded.code, clock::now());
    let line = order.curl(&format!("{}/hooks/shopify/{}", app.base, loaded.store.store_key));
    let output = Command::new("sh").arg("-c").arg(line).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "200\n");
    assert_eq!(newest(&app, loaded.store.merchant_id).len(), 1);
}

#[test]
fn a_big_program_agrees_with_itself_and_its_orders_explain_themselves() {
    let app = TestApp::start_empty();
    let size = Size { affiliates: 60, triggers: 300, orders: 400 };
    let mut conn = app.as_owner();
    let mut make = || {
        in_scope(&mut conn, Scope::Instance, |conn| {
            let big = bulk::load(conn, &encryptor(), size, clock::now(), &mut |_, _, _| {})?;
            demo::sign_in_with(conn, &[big.owner.as_str()], PASSWORD)?;
            anyhow::Ok(big)
        })
        .unwrap()
    };
    let big = make();
    let before = counts(&app);
    assert!(big.is_new && !make().is_new);
    assert_eq!(counts(&app), before);
    assert_eq!(before[1..4], [60, 300, 400]);
    bulk::tidy(&mut conn).unwrap();
    let merchant_id = big.store.merchant_id;
    assert_eq!(disagreements(&app, merchant_id), 0);

    let owner = app.sign_in(&big.owner);
    let ids: Vec<i64> = app
        .within_merchant(merchant_id, |conn| orders::table.select(orders::id).limit(12).load(conn));
    for id in ids {
        let page = owner.get(&format!("/orders/{id}"));
        assert_eq!(page.status, 200, "{}", page.text());
    }
    // What is made by hand next does not meet the keys that were reserved.
    let loaded = Loaded { store: big.store, is_new: false, code: "MERIDIAN0" };
    let [order, ..] = demo::webhooks(&loaded.store, loaded.code, clock::now());
    assert_eq!(send(&app, &loaded, &order).status, 200);
    assert_eq!(newest(&app, merchant_id), [("pending".to_owned(), vec![603])]);
    assert_eq!(disagreements(&app, merchant_id), 0);
}
