//! The ledger of a conversion: by currency, and never other than its conversion says.

use chrono::{DateTime, Duration, TimeZone, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::result::Error;
use diesel_migrations::MigrationHarness as _;
use vouch::features::conversions::manual::{self, Amount};
use vouch::kit::db::migrate::MIGRATIONS;
use vouch::kit::db::schema::{commission_entries, conversions, daily_rollups};
use vouch::kit::db::{Scope, in_scope};
use vouch_core::money::Currency;

use crate::harness::TestApp;
use crate::harness::shopify::ShopifyOrder;

fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap()
}

fn order(id: u64) -> ShopifyOrder {
    ShopifyOrder::new(id, noon()).code("ADA10", "0.00")
}

fn send(app: &TestApp, order: &ShopifyOrder) {
    assert_eq!(app.shopify("orders/updated", &order.0).status, 200);
}

/// (kind, currency, amount, balance) of every entry, the oldest first.
fn entries(app: &TestApp) -> Vec<(String, String, i64, i64)> {
    app.within(|conn| {
        commission_entries::table
            .order((commission_entries::conversion_id, commission_entries::seq))
            .select((
                commission_entries::kind,
                commission_entries::currency,
                commission_entries::amount_minor,
                commission_entries::balance_minor,
            ))
            .load(conn)
    })
}

fn entry(kind: &str, currency: &str, minor: i64, balance: i64) -> (String, String, i64, i64) {
    (kind.to_owned(), currency.to_owned(), minor, balance)
}

/// (currency, commission) of every conversion.
fn commissions(app: &TestApp) -> Vec<(String, i64)> {
    app.within(|conn| {
        conversions::table
            .order(conversions::id)
            .select((conversions::currency, conversions::commission_minor))
            .load(conn)
    })
}

/// An order of one line, in a currency.
fn sold(id: u64, price: &str, currency: &str, at: DateTime<Utc>) -> ShopifyOrder {
    let order = ShopifyOrder::new(id, noon()).without_lines().currency(currency);
    order.line("LEAVES", 1, price).code("ADA10", "0").updated_at(at)
}

#[test]
fn an_order_whose_currency_is_corrected_ends_in_the_right_one_alone() {
    let app = TestApp::start();
    // 10% of $10.00 and of ¥1000 are the same number of minor units.
    send(&app, &sold(1, "10.00", "USD", noon()));
    send(&app, &sold(1, "1000", "JPY", noon() + Duration::hours(1)));
    assert_eq!(
        entries(&app),
        [
            entry("sale", "USD", 100, 100),
            entry("adjustment", "USD", -100, 0),
            entry("sale", "JPY", 100, 100),
        ]
    );
    assert_eq!(commissions(&app), [("JPY".to_owned(), 100)]);
    let page = app.viewer().get(&page_of_the_order(&app));
    assert_eq!(
        page.all("section[aria-labelledby^=ledger] td[data-label=Amount]"),
        ["$1.00", "−$1.00", "¥100"]
    );
    // And back, with another amount.
    send(&app, &sold(1, "9.00", "USD", noon() + Duration::hours(2)));
    assert_eq!(
        entries(&app)[3..],
        [entry("adjustment", "JPY", -100, 0), entry("adjustment", "USD", 90, 90)]
    );
    assert_eq!(commissions(&app), [("USD".to_owned(), 90)]);
}

fn page_of_the_order(app: &TestApp) -> String {
    app.viewer().get("/orders").attribute("tbody .name", "href").unwrap()
}

#[test]
fn refunds_and_cancellations_move_with_the_currency() {
    let app = TestApp::start();
    let at = |hours| noon() + Duration::hours(hours);
    let first = sold(1, "10.00", "USD", noon());
    send(&app, &first);
    let refunded = first.refunded(7, 0, 0, "4.00", at(1));
    send(&app, &refunded);
    let euros = refunded.in_the_other_currency().updated_at(at(2));
    send(&app, &euros);
    assert_eq!(commissions(&app), [("EUR".to_owned(), 60)]);
    send(&app, &euros.cancelled_at(at(3)));
    assert_eq!(
        entries(&app),
        [
            entry("sale", "USD", 100, 100),
            entry("refund", "USD", -40, 60),
            entry("adjustment", "USD", -100, -40),
            entry("refund", "USD", 40, 0),
            entry("sale", "EUR", 100, 100),
            entry("refund", "EUR", -40, 60),
            entry("cancellation", "EUR", -60, 0),
        ]
    );
}

/// What of the database refuses a change of the rows.
fn refusal(app: &TestApp, change: &str) -> String {
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    let scope = Scope::Merchant(app.fixture.merchant_id);
    let outcome: Result<(), Error> = in_scope(&mut conn, scope, |conn| conn.batch_execute(change));
    match outcome {
        Err(Error::DatabaseError(_, info)) => {
            // Row security has no name of its own to tell.
            info.constraint_name().unwrap_or("policy").to_owned()
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn the_database_refuses_a_conversion_whose_entries_do_not_add_up_to_it() {
    let app = TestApp::start();
    send(&app, &order(1));
    let refund = order(1).refunded(7, 0, 0, "10.00", noon() + Duration::hours(1));
    send(&app, &refund);
    let before = (entries(&app), commissions(&app));
    let more = |columns: &str, values: &str| {
        format!(
            "INSERT INTO commission_entries (merchant_id, conversion_id, kind, cause, {columns}) \
             SELECT merchant_id, id, 'adjustment', 'test', {values} FROM conversions"
        )
    };
    let columns = "amount_minor, currency, prior_currency, seq, balance_minor";
    let grown = "UPDATE conversions SET entries = 3, commission_minor =";
    for (change, by) in [
        ("UPDATE conversions SET commission_minor = 901".to_owned(), "conversions_ledger_fkey"),
        ("UPDATE conversions SET commission_minor = 0".to_owned(), "conversions_ledger_fkey"),
        // An earlier balance is not the last one.
        ("UPDATE conversions SET commission_minor = 1000, entries = 1".to_owned(), "policy"),
        ("UPDATE conversions SET currency = 'EUR'".to_owned(), "conversions_ledger_currency"),
        // An entry that the conversion knows nothing of.
        (more(columns, "5, 'USD', 'USD', 3, 905"), "policy"),
        (more(columns, "5, 'USD', 'USD', 2, 905"), "commission_entries_seq_unique"),
        // Entries that do not follow from the one before.
        (
            format!("{grown} 906; {}", more(columns, "5, 'USD', 'USD', 3, 906")),
            "commission_entries_prior_fkey",
        ),
        (
            format!("{grown} 905; {}", more(columns, "5, 'USD', 'EUR', 3, 905")),
            "commission_entries_adds_up",
        ),
        // Another currency before this one came to nothing.
        (
            format!(
                "{grown} 5, currency = 'EUR', ledger_currency = 'EUR'; {}",
                more(columns, "5, 'EUR', 'USD', 3, 5")
            ),
            "commission_entries_prior_fkey",
        ),
    ] {
        assert_eq!(refusal(&app, &change), by, "{change}");
    }
    assert_eq!((entries(&app), commissions(&app)), before);
}

#[test]
fn an_amount_given_by_hand_is_a_ledger_of_its_own() {
    let app = TestApp::start();
    let (actor, ada) = (app.actor(), app.fixture.ada_id);
    let amount = Amount { minor: -250, currency: Currency::EUR, note: "Sample not returned" };
    app.within(|conn| manual::give(conn, &actor, chrono_tz::UTC, ada, &amount));
    assert_eq!(entries(&app), [entry("manual_credit", "EUR", -250, -250)]);
    assert_eq!(commissions(&app), [("EUR".to_owned(), -250)]);
    let refused = refusal(&app, "UPDATE conversions SET commission_minor = -200");
    assert_eq!(refused, "conversions_ledger_fkey");
}

/// Takes migrations back until the schema is that from before ledgers were chains.
fn go_back(conn: &mut PgConnection) {
    loop {
        let applied = conn.applied_migrations().unwrap();
        if applied.iter().all(|version| version.to_string().as_str() < "20261130000042") {
            return;
        }
        conn.revert_last_migration(MIGRATIONS).unwrap();
    }
}

/// What the old version left: amounts of one ledger in two currencies, a royalty on the same line,
/// a denial that overwrote what the rules said, and rules that overwrote an approval.
const OLD_ROWS: &str = r#"
INSERT INTO orders (merchant_id, id, store_id, order_ref, name, placed_at, reported_at, day, currency, total_minor, payment, state, decision)
SELECT merchant_id, n.id, stores.id, n.id::text, '#' || n.id, now(), now(), '2026-06-01', n.currency, 4000, 'paid', '{}', n.decision::jsonb
FROM stores, (VALUES
    (501, 'EUR', '{}'),
    (502, 'JPY', '{}'),
    (503, 'USD', '{"credits": [
        {"affiliate": {"id": ADA}, "via": "coupon", "lines": [
            {"line_ref": "a", "base_minor": 3000, "refunded_minor": 0, "note": null},
            {"line_ref": "b", "base_minor": 1000, "refunded_minor": 200, "note": null}]},
        {"affiliate": {"id": BEN}, "via": "sku", "lines": [
            {"line_ref": "b", "base_minor": 1000, "refunded_minor": 200, "note": null}]}]}'),
    (504, 'USD', '{"credits": [{"affiliate": {"id": ADA}, "via": "coupon",
        "unqualified": {"reason": "own_purchase"}, "auto_approve": true, "lines": []}]}')
) AS n (id, currency, decision) WHERE merchant_id = ACME;
INSERT INTO conversions (merchant_id, id, order_id, affiliate_id, via, status, status_by, reason, currency, revenue_minor, refunded_minor, commission_minor, occurred_at, day)
SELECT ACME, n.*, now(), '2026-06-01' FROM (VALUES
    (601, 501, ADA, 'coupon', 'pending', 'system', NULL, 'EUR', 9000, 0, 900),
    (602, 502, ADA, 'coupon', 'approved', 'system', NULL, 'JPY', 1000, 0, 100),
    (603, 503, ADA, 'coupon', 'approved', 'member', NULL, 'USD', 3800, 200, 380),
    (604, 503, BEN, 'sku', 'pending', 'system', NULL, 'USD', 800, 200, 80),
    (605, 504, ADA, 'coupon', 'denied', 'member', NULL, 'USD', 4000, 0, 0),
    (606, 504, BEN, 'coupon', 'unqualified', 'system', 'no_longer_credited', 'USD', 0, 0, 0),
    (607, NULL::bigint, ADA, 'manual', 'approved', 'member', NULL, 'USD', 0, 0, -50)
) AS n;
INSERT INTO commission_entries (merchant_id, conversion_id, kind, amount_minor, currency, cause)
SELECT ACME, n.*, 'test' FROM (VALUES
    (601, 'sale', 1000, 'USD'), (601, 'adjustment', -100, 'EUR'), (602, 'sale', 100, 'USD'),
    (603, 'sale', 400, 'USD'), (603, 'refund', -20, 'USD'), (604, 'sale', 80, 'USD'),
    (607, 'manual_credit', -50, 'USD')
) AS n;
INSERT INTO audit_log (merchant_id, actor_kind, actor_name, action, subject_kind, subject_id, summary, after)
SELECT ACME, 'member', 'Olga Owner', 'conversion.status_changed', 'conversion', n.id, 'x', n.after::jsonb FROM (VALUES
    (603, '{"status": "approved", "status_by": "member", "note": "Looked at it"}'),
    (605, '{"status": "denied", "status_by": "member", "note": "Fraud"}'),
    (606, '{"status": "approved", "status_by": "member", "note": ""}')
) AS n (id, after);
"#;

#[test]
fn ledgers_and_reviews_of_the_version_before_are_carried_over() {
    let app = TestApp::start();
    let mut conn = app.as_owner();
    go_back(&mut conn);
    let (ada, ben) = (app.fixture.ada_id, app.fixture.ben_id);
    let rows = OLD_ROWS
        .replace("ACME", &app.fixture.merchant_id.to_string())
        .replace("ADA", &ada.to_string())
        .replace("BEN", &ben.to_string());
    in_scope(&mut conn, Scope::Instance, |conn| conn.batch_execute(&rows)).unwrap();
    app.migrate();

    let in_euros: Vec<_> = entries(&app).into_iter().take(4).collect();
    assert_eq!(
        in_euros,
        [
            entry("sale", "USD", 1000, 1000),
            entry("adjustment", "USD", -1000, 0),
            entry("adjustment", "EUR", -100, -100),
            entry("adjustment", "EUR", 1000, 900),
        ]
    );
    type Row = (i64, String, Option<String>, Option<String>, Option<String>);
    let current: Vec<Row> = app.within(|conn| {
        conversions::table
            .order(conversions::id)
            .select((
                conversions::id,
                conversions::status,
                conversions::reason,
                conversions::review,
                conversions::unqualified_reason,
            ))
            .load(conn)
    });
    let row = |id, status: &str, reason: Option<&str>, review: Option<&str>, rule: Option<&str>| {
        let own = |text: Option<&str>| text.map(str::to_owned);
        (id, status.to_owned(), own(reason), own(review), own(rule))
    };
    let (gone, own) = (Some("no_longer_credited"), Some("own_purchase"));
    assert_eq!(
        current,
        [
            row(601, "pending", None, None, None),
            row(602, "approved", None, None, None),
            row(603, "approved", None, Some("approved"), None),
            row(604, "pending", None, None, None),
            row(605, "denied", Some("fraud"), Some("denied"), own),
            // The order was denied as fraud, and its approval of before is known from the log.
            row(606, "denied", Some("fraud"), Some("approved"), gone),
            row(607, "approved", None, Some("approved"), None),
        ]
    );
    let dollars: (i64, i64, i64) = app.within(|conn| {
        daily_rollups::table
            .filter(daily_rollups::currency.eq("USD"))
            .select((
                daily_rollups::conversions,
                daily_rollups::revenue_minor,
                daily_rollups::commission_minor,
            ))
            .first(conn)
    });
    assert_eq!(dollars, (3, 3800, 410), "the line with a royalty is in the day once");
    // The days of the affiliates were not made by these rows.
    let mut differences = crate::convergence::differences(&app, app.fixture.merchant_id);
    differences.retain(|words| !words.starts_with("a day of an affiliate"));
    assert_eq!(differences, [""; 0]);
}
