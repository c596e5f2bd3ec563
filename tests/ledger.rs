//! The ledger of a conversion: by currency, and never other than its conversion says.

use chrono::{DateTime, Duration, TimeZone, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::result::Error;
use vouch::conversions::manual::{self, Amount};
use vouch::db::schema::{commission_entries, conversions};
use vouch::db::{Scope, in_scope};
use vouch::money::Currency;

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
    // 10 % of $10.00 and of ¥1000 are the same number of minor units.
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
