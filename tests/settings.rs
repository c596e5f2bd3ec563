//! Account > Settings: General, Calculation, Shopify.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use secrecy::{ExposeSecret, SecretBox};
use vouch::features::merchants::{change_rules, rules_history};
use vouch::features::stores::{Store, check_secrets, merchant_of_key};
use vouch::kit::db::schema::{audit_log, calculation_rules, orders, stores};
use vouch::kit::secrets::Encryptor;
use vouch_core::attribution::{CalculationLogic, Precedence};
use vouch_core::platform::Platform;

use crate::harness::shopify::{ShopifyOrder, sign};
use crate::harness::{SECRET_KEY, SHOP_SECRET, TestApp};

fn acts(app: &TestApp, like: &str) -> Vec<String> {
    app.within(|conn| {
        audit_log::table
            .filter(audit_log::action.like(like.to_owned()))
            .order(audit_log::id)
            .select(audit_log::action)
            .load(conn)
    })
}

fn encryptor() -> Encryptor {
    Encryptor::new(&SecretBox::new(Box::new(SECRET_KEY)))
}

#[test]
fn the_program_is_renamed_and_its_addresses_stay() {
    let app = TestApp::start();
    let owner = app.owner();
    let page = owner.get("/settings/general");
    let fields = [("name", "  Acme Tea & Coffee "), ("time_zone", "Asia/Tokyo")];
    let answer = owner.submit(&page, "form.stack", &fields);
    assert_eq!((answer.status, answer.location()), (303, Some("/settings/general")));
    let page = owner.follow(&answer);
    assert_eq!(page.tone().as_deref(), Some("good"));
    assert!(page.one(".menu-merchant").ends_with("Acme Tea & Coffee"));
    assert_eq!(page.value_of("select[name=time_zone] option[selected]"), "Asia/Tokyo");
    assert!(page.has("[data-copy='acme-tea']"), "the name in addresses stays");
    assert_eq!(acts(&app, "merchant.%"), ["merchant.created", "merchant.changed"]);
    owner.submit(&page, "form.stack", &[]);
    assert_eq!(acts(&app, "merchant.changed").len(), 1, "the same again is no change");
}

#[test]
fn dates_are_shown_in_the_chosen_format() {
    let app = TestApp::start();
    let owner = app.owner();
    let page = owner.get("/settings/general");
    assert_eq!(page.value_of("select[name=date_format] option[selected]"), "month_first");
    for (format, shown) in [
        ("month_first", "Dec 31, 2025"),
        ("day_first", "31 Dec 2025"),
        ("year_first", "2025-12-31"),
    ] {
        let page = owner.get("/settings/general");
        let answer = owner.submit(&page, "form.stack", &[("date_format", format)]);
        assert_eq!(answer.status, 303, "{format}");
        let page = owner.get("/affiliates");
        let joined = page.all("td[data-label=Joined] time");
        assert!(joined.iter().all(|time| time == shown), "{format}: {joined:?}");
    }
    // A form from before an upgrade has no such field.
    let page = owner.get("/settings/general");
    let token = page.value_of("form.stack [name=csrf]");
    let former = [("csrf", token.as_str()), ("name", "Acme Tea"), ("time_zone", "Asia/Tokyo")];
    assert_eq!(owner.post("/settings/general", &former).status, 303);
    let page = owner.get("/settings/general");
    assert_eq!(page.value_of("select[name=date_format] option[selected]"), "year_first");
    assert!(page.one("main footer").contains("Asia/Tokyo"));
}

#[test]
fn a_rejected_form_names_its_fields_in_the_summary() {
    let app = TestApp::start();
    let owner = app.owner();
    let page = owner.get("/settings/general");
    let label = page.one("label[for=f-name]");
    let answer = owner.submit(&page, "form.stack", &[("name", "")]);
    assert_eq!(answer.status, 422);
    assert!(answer.one("#error-summary a[href='#f-name']").starts_with(&format!("{label}: ")));
    assert!(answer.one("title").starts_with("Error: "));
}

#[test]
fn rubbish_in_the_general_settings_comes_back_with_its_reason() {
    let app = TestApp::start();
    let owner = app.owner();
    let page = owner.get("/settings/general");
    for (field, value) in [
        ("name", " "),
        ("name", &"x".repeat(201)),
        ("time_zone", "Nowhere"),
        ("date_format", "never"),
    ] {
        let answer = owner.submit(&page, "form.stack", &[(field, value)]);
        assert_eq!(answer.status, 422, "{field}");
        assert!(answer.has(&format!("#f-{field}-error")), "{field}");
    }
    assert!(owner.get("/settings/general").one(".menu-merchant").ends_with("Acme Tea"));
}

#[test]
fn a_viewer_looks_at_the_settings_and_finds_nothing_to_send() {
    let app = TestApp::start();
    let viewer = app.viewer();
    for path in ["/settings/general", "/settings/calculation", "/settings/shopify"] {
        let page = viewer.get(path);
        assert_eq!(page.status, 200, "{path}");
        assert!(!page.has("main .submit button"), "{path}");
        assert_eq!(page.all("main form[method=post]:has(.btn)").len(), 0, "{path}");
    }
}

#[test]
fn rules_hold_from_now_on_and_earlier_ones_are_kept() {
    let app = TestApp::start();
    let owner = app.owner();
    let page = owner.get("/settings/calculation");
    assert_eq!(page.value_of("input[name=precedence][checked]"), "first_on_order");
    assert!(!page.has("input[name=include_tax][checked]"));
    let token = page.value_of("input[name=csrf]");
    let fields =
        [("csrf", token.as_str()), ("precedence", "largest_discount"), ("include_tax", "true")];
    assert_eq!(owner.post("/settings/calculation", &fields).status, 303);
    let page = owner.get("/settings/calculation");
    assert_eq!(page.value_of("input[name=precedence][checked]"), "largest_discount");
    assert!(page.has("input[name=include_tax][checked]"));
    assert_eq!(page.all("table.list tbody tr").len(), 2);
    let rows: Vec<(DateTime<Utc>, Option<DateTime<Utc>>, Precedence, bool)> = app.within(|conn| {
        calculation_rules::table
            .order(calculation_rules::valid_from)
            .select((
                calculation_rules::valid_from,
                calculation_rules::valid_until,
                calculation_rules::precedence,
                calculation_rules::include_tax,
            ))
            .load(conn)
    });
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].1, Some(rows[1].0), "without a gap");
    assert_eq!((rows[0].2, rows[0].3), (Precedence::FirstOnOrder, false));
    assert_eq!((rows[1].1, rows[1].2, rows[1].3), (None, Precedence::LargestDiscount, true));
    owner.post("/settings/calculation", &fields);
    assert_eq!(acts(&app, "calculation.%").len(), 1, "the same again is no change");
    let unknown = owner.post("/settings/calculation", &[("csrf", &token), ("precedence", "dice")]);
    assert_eq!(unknown.status, 422);
    assert!(unknown.has("#f-precedence-error"));
}

#[test]
fn unpaid_orders_gift_cards_tips_and_negative_fees_are_settings() {
    let app = TestApp::start();
    let owner = app.owner();
    let page = owner.get("/settings/calculation");
    assert_eq!(page.value_of("input[name=orders_count_when][checked]"), "paid");
    assert_eq!(page.value_of("input[name=negative_fees][checked]"), "gift_card");
    assert!(!page.has("input[name=gift_cards_earn][checked]"));
    assert!(!page.has("input[name=tips_earn][checked]"));

    let token = page.value_of("input[name=csrf]");
    let chosen = [
        ("csrf", token.as_str()),
        ("precedence", "first_on_order"),
        ("orders_count_when", "placed"),
        ("negative_fees", "discount"),
        ("gift_cards_earn", "true"),
        ("tips_earn", "true"),
    ];
    assert_eq!(owner.post("/settings/calculation", &chosen).status, 303);
    let page = owner.get("/settings/calculation");
    assert_eq!(page.value_of("input[name=orders_count_when][checked]"), "placed");
    assert_eq!(page.value_of("input[name=negative_fees][checked]"), "discount");
    assert!(page.has("input[name=gift_cards_earn][checked]"));
    assert!(page.has("input[name=tips_earn][checked]"));
    let in_force = |label: &str| {
        let cell = |row: usize| {
            page.one(&format!("tbody tr:nth-child({row}) [data-label='{label}']")).to_owned()
        };
        (cell(1), cell(2))
    };
    for label in ["Count orders", "Gift cards", "Tips", "Negative fees"] {
        let (now, earlier) = in_force(label);
        assert_ne!(now, earlier, "{label}");
    }
    let changes: (Option<serde_json::Value>, Option<serde_json::Value>) = app.within(|conn| {
        audit_log::table
            .filter(audit_log::action.eq("calculation.changed"))
            .select((audit_log::before, audit_log::after))
            .first(conn)
    });
    let (before, after) = (changes.0.unwrap(), changes.1.unwrap());
    assert_eq!(
        (&before["orders_count_when"], &after["orders_count_when"]),
        (&"paid".into(), &"placed".into())
    );
    assert_eq!(
        (&before["gift_cards_earn"], &after["gift_cards_earn"]),
        (&false.into(), &true.into())
    );

    for (field, value) in [("orders_count_when", "shipped"), ("negative_fees", "")] {
        let answer = owner.submit(&page, "form.stack", &[(field, value)]);
        assert_eq!(answer.status, 422, "{field}");
        assert!(answer.has(&format!("#f-{field}-error")), "{field}");
        assert!(answer.has("input[name=tips_earn][checked]"), "as typed");
    }
    assert_eq!(acts(&app, "calculation.%").len(), 1);
}

#[test]
fn two_changes_of_the_rules_at_one_moment_are_one() {
    let app = TestApp::start();
    let actor = app.actor();
    let rules = |include_tax, include_shipping| CalculationLogic {
        include_tax,
        include_shipping,
        ..CalculationLogic::default()
    };
    let history = app.within(|conn| {
        change_rules(conn, &actor, rules(true, false))?;
        change_rules(conn, &actor, rules(true, true))?;
        rules_history(conn, actor.merchant_id, 10)
    });
    assert_eq!(history.len(), 2);
    let since = vouch::kit::dated::second(actor.now);
    assert_eq!((history[0].valid_from, history[0].rules), (since, rules(true, true)));
}

#[test]
fn a_store_is_connected_and_its_secret_never_shown() {
    let app = TestApp::start();
    let stranger = app.stranger();
    let page = stranger.get("/settings/shopify");
    let connect = "form[action='/settings/shopify']";
    assert!(page.has(connect));
    let secret = "0123456789abcdef0123456789ab9f2c";
    let fields = [("address", " https://Borealis.myshopify.com/admin "), ("secret", secret)];
    let answer = stranger.submit(&page, connect, &fields);
    assert_eq!(answer.status, 303, "{}", answer.text());
    let page = stranger.follow(&answer);
    assert_eq!(page.tone().as_deref(), Some("good"));
    assert_eq!(page.all("section.panel > .panel-head > h2")[0], "Borealis Books on Shopify");
    assert!(page.says("9f2c"), "{}", page.text());
    assert!(page.has(".panel-head .badge-v.tone-wait"));
    assert!(!page.text().contains(secret) && !page.text().contains(&secret[..28]));
    let merchant_id = app.fixture.stranger_merchant_id;
    let store = app.within_merchant(merchant_id, |conn| {
        Ok(Store::connected(conn, merchant_id, Platform::Shopify)?.remove(0))
    });
    assert_eq!(merchant_of_key(&store.store_key), Some(merchant_id));
    let url = format!("{}/hooks/shopify/{}", app.base, store.store_key);
    assert!(page.has(&format!("[data-copy='{url}']")), "the address to paste");
    for topic in [
        "orders/create",
        "orders/updated",
        "orders/paid",
        "orders/cancelled",
        "orders/edited",
        "orders/delete",
        "refunds/create",
        "app/uninstalled",
    ] {
        assert!(page.says(topic), "{topic}");
    }
    let opened = store.webhook_secrets(&encryptor()).unwrap();
    assert_eq!(opened[0].expose_secret(), secret.as_bytes());
    // A message arrives at that very address.
    let body = serde_json::to_vec(&ShopifyOrder::new(1, vouch::kit::clock::now()).0).unwrap();
    let headers = [
        ("x-shopify-topic", "orders/create"),
        ("x-shopify-hmac-sha256", &sign(secret, &body)),
        ("x-shopify-webhook-id", "1"),
    ];
    let path = url.trim_start_matches(&app.base);
    assert_eq!(app.anonymous().send(path, &headers, &body).status, 200);
    assert!(stranger.get("/settings/shopify").has(".panel-head .badge-v.tone-good"));
}

#[test]
fn a_store_that_cannot_be_is_refused_with_the_reason_and_the_secret_is_not_echoed() {
    let app = TestApp::start();
    let owner = app.owner();
    let page = owner.get("/settings/shopify");
    let good = "0123456789abcdef0123456789abcdef";
    let cases = [
        ("", good, "address"),
        ("shop.example.com", good, "address"),
        ("acme-tea", good, "address"),
        ("new.myshopify.com", "", "secret"),
        ("new.myshopify.com", "two words and more", "secret"),
    ];
    for (address, secret, field) in cases {
        let fields = [("address", address), ("secret", secret)];
        let answer = owner.submit(&page, "form[action='/settings/shopify']", &fields);
        assert_eq!(answer.status, 422, "{address} {secret}");
        assert_eq!(answer.invalid_fields(), [field], "{}", answer.text());
        assert_eq!(answer.value_of("input[name=address]"), address, "as typed");
        assert!(!answer.text().contains(good));
    }
}

#[test]
fn a_replaced_secret_stays_accepted_until_it_is_removed() {
    let app = TestApp::start();
    let owner = app.owner();
    let new = "ffffffffffffffffffffffffffff1234";
    let link = owner.get("/settings/shopify").attribute("a[data-dialog]", "href").unwrap();
    let (page, form) = (owner.get(&link), "form.stack");
    let refused = owner.submit(&page, form, &[("new_secret", "short")]);
    assert_eq!(refused.status, 422);
    assert!(refused.has("#f-new_secret-error"));
    let secrets = || -> Vec<Vec<u8>> {
        let store =
            app.within(|conn| Store::find(conn, app.fixture.merchant_id, app.fixture.store_id));
        let opened = store.webhook_secrets(&encryptor()).unwrap();
        opened.iter().map(|secret| secret.expose_secret().to_vec()).collect()
    };
    let old = SHOP_SECRET.as_bytes().to_vec();
    for _ in 0..2 {
        // The second time changes nothing: the previous one is not pushed out.
        assert_eq!(owner.submit(&page, form, &[("new_secret", new)]).status, 303);
        assert_eq!(secrets(), [new.as_bytes().to_vec(), old.clone()]);
    }
    let page = owner.get("/settings/shopify");
    let removal = "form[action$='/previous-secret/removal']";
    assert!(page.says("1234") && page.has(removal));
    assert_eq!(owner.submit(&page, removal, &[]).status, 303);
    assert_eq!(secrets(), [new.as_bytes().to_vec()]);
    assert!(!owner.get("/settings/shopify").has(removal));
    assert_eq!(
        acts(&app, "store.%"),
        ["store.connected", "store.secret_replaced", "store.previous_secret_removed"]
    );
    let logged: Vec<Option<serde_json::Value>> =
        app.within(|conn| audit_log::table.select(audit_log::params).load(conn));
    assert!(!format!("{logged:?}").contains("1234"), "no secret in the log");
}

#[test]
fn a_disconnected_store_keeps_its_orders_and_is_the_same_store_again() {
    let app = TestApp::start();
    let owner = app.owner();
    let order =
        ShopifyOrder::new(77, vouch::kit::clock::now() - Duration::hours(1)).code("ADA10", "10.00");
    assert_eq!(app.shopify("orders/create", &order.0).status, 200);
    let page = owner.get("/settings/shopify");
    assert_eq!(owner.submit(&page, "form[action$='/disconnection']", &[]).status, 303);
    let page = owner.get("/settings/shopify");
    assert_eq!(page.tone().as_deref(), Some("good"));
    assert!(page.has("form[action='/settings/shopify']"));
    assert_eq!(app.within(|conn| orders::table.count().get_result::<i64>(conn)), 1);
    let encrypted: Option<Vec<u8>> =
        app.within(|conn| stores::table.select(stores::webhook_secret).first(conn));
    assert_eq!(encrypted, None, "the secret is gone");
    let gone = format!("/settings/shopify/{}/disconnection", app.fixture.store_id);
    assert_eq!(owner.post_signed(&gone, &[]).status, 404);
    let fields = [("address", "acme-tea"), ("secret", SHOP_SECRET)];
    assert_eq!(owner.submit(&page, "form[action='/settings/shopify']", &fields).status, 303);
    let known: Vec<(i64, String)> =
        app.within(|conn| stores::table.select((stores::id, stores::store_key)).load(conn));
    assert_eq!(known, [(app.fixture.store_id, app.fixture.store_key.clone())]);
    assert_eq!(app.shopify("orders/updated", &order.0).status, 200);
    assert_eq!(app.within(|conn| orders::table.count().get_result::<i64>(conn)), 1);
}

#[test]
fn of_ten_connections_at_once_one_store_comes() {
    let app = TestApp::start();
    let stranger = app.stranger();
    let page = stranger.get("/settings/shopify");
    let fields = [("address", "borealis"), ("secret", "0123456789abcdef0123456789abcdef")];
    let mut statuses: Vec<u16> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..10)
            .map(|_| {
                let (person, page) = (stranger.clone(), &page);
                let form = "form[action='/settings/shopify']";
                scope.spawn(move || person.submit_again(page, form, &fields).status)
            })
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    statuses.sort_unstable();
    // Calls to a merchant's stores are limited: some may come too many at once.
    assert_eq!(statuses[0], 303, "{statuses:?}");
    assert!(statuses[1..].iter().all(|status| [422, 429].contains(status)), "{statuses:?}");
    let addresses = |conn: &mut PgConnection| {
        let own = stores::table.filter(stores::merchant_id.eq(app.fixture.stranger_merchant_id));
        own.count().get_result::<i64>(conn)
    };
    assert_eq!(app.within_merchant(app.fixture.stranger_merchant_id, addresses), 1);
}

#[test]
fn secrets_of_another_installation_key_are_found() {
    let app = TestApp::start();
    let other = Encryptor::new(&SecretBox::new(Box::new([8; 32])));
    app.within(|conn| {
        assert_eq!(check_secrets(conn, &encryptor())?, (1, Vec::new()));
        let (tried, unreadable) = check_secrets(conn, &other)?;
        assert_eq!((tried, unreadable.len()), (1, 1));
        assert_eq!(unreadable[0].merchant, "Acme Tea");
        Ok(())
    });
}
