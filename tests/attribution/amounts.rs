//! How much an order earns.

use super::*;

/// A program of one affiliate, Cleo, who holds CLEO and is on an offer that pays so.
fn cleo(app: &TestApp, pays: &Pays) -> i64 {
    let offer_id = offer(app, "Cleo's", pays);
    let cleo = affiliate_on(app, offer_id, "Cleo");
    code(app, cleo, "CLEO");
    cleo
}

#[test]
fn currencies_of_no_two_and_three_decimals_are_counted_in_their_own_minor_units() {
    let app = TestApp::start();
    let cleo = cleo(&app, &Pays::percent(1250));
    // 12.5% of 1,999 yen is 249.875; of 19.99 dollars 2.49875; of 19.999 dinar 2.499875.
    let cases = [("JPY", "1999", 250), ("USD", "19.99", 250), ("KWD", "19.999", 2500)];
    for (at, (currency, price, commission)) in cases.into_iter().enumerate() {
        let order = order(1 + at as u64)
            .currency(currency)
            .without_lines()
            .line("LEAVES", 1, price)
            .code("CLEO", "0");
        send(&app, &order);
        let credited = &credits(&app, &order)[0];
        assert_eq!((credited.affiliate_id, credited.commission_minor), (cleo, commission));
        assert_eq!(credited.currency, currency);
    }
    // Shopify sends two decimals whatever the currency; more than it has are no amount.
    let whole =
        order(10).currency("JPY").without_lines().line("LEAVES", 1, "2000.00").code("CLEO", "0.00");
    send(&app, &whole);
    assert_eq!(earned(&app, &whole), [(cleo, 250)]);
}

#[test]
fn each_line_is_rounded_once_half_to_even() {
    let app = TestApp::start();
    let cleo = cleo(&app, &Pays::percent(1000));
    // 10% of 0.05 is half a cent, which is none; of 0.15 a cent and a half, which is two.
    let order = order(1)
        .without_lines()
        .line("A", 1, "0.05")
        .line("B", 1, "0.05")
        .line("C", 1, "0.15")
        .line("D", 1, "0.25")
        .code("CLEO", "0.00");
    send(&app, &order);
    assert_eq!(earned(&app, &order), [(cleo, 4)]);
}

#[test]
fn a_flat_amount_per_order_is_paid_once_and_taken_back_with_the_last_item() {
    let app = TestApp::start();
    let cleo = cleo(&app, &Pays::flat("flat_per_order", 500, "USD"));
    let order = order(1).line("MUG", 3, "20.00").code("CLEO", "10.00");
    send(&app, &order);
    assert_eq!(earned(&app, &order), [(cleo, 500)]);
    let partly = order.clone().refunded(1, 1, 3, "60.00", noon() + hours(1));
    assert_eq!(app.shopify("orders/updated", &partly.0).status, 200);
    assert_eq!(earned(&app, &order), [(cleo, 500)]);
    let wholly = partly.refunded(2, 0, 1, "90.00", noon() + hours(2));
    assert_eq!(app.shopify("orders/updated", &wholly.0).status, 200);
    assert_eq!(earned(&app, &order), []);
}

#[test]
fn a_flat_amount_per_item_follows_the_items_that_are_kept() {
    let app = TestApp::start();
    let cleo = cleo(&app, &Pays::flat("flat_per_item", 150, "USD"));
    let order = order(1).line("MUG", 3, "20.00").code("CLEO", "10.00");
    send(&app, &order);
    assert_eq!(earned(&app, &order), [(cleo, 600)]);
    let refunded = order.clone().refunded(1, 1, 2, "40.00", noon() + hours(1));
    assert_eq!(app.shopify("refunds/create", &refunded.0["refunds"][0]).status, 200);
    assert_eq!(earned(&app, &order), [(cleo, 300)]);
}

#[test]
fn excluded_skus_earn_nothing() {
    let app = TestApp::start();
    let pays = Pays { excluded: vec!["GIFTCARD"], ..Pays::percent(1000) };
    let cleo = cleo(&app, &pays);
    let mixed = order(1).line("giftcard", 1, "500.00").code("CLEO", "10.00");
    send(&app, &mixed);
    assert_eq!(earned(&app, &mixed), [(cleo, 900)]);
    assert_eq!(credits(&app, &mixed)[0].revenue_minor, 9_000, "nor do they count as revenue");

    let per_item = Pays { excluded: vec!["GIFTCARD"], ..Pays::flat("flat_per_item", 100, "USD") };
    let offer_id = offer(&app, "Per item", &per_item);
    let dora = affiliate_on(&app, offer_id, "Dora");
    code(&app, dora, "DORA");
    let items = order(2).line("GiftCard", 5, "10.00").line("MUG", 2, "1.00").code("DORA", "1.00");
    send(&app, &items);
    assert_eq!(earned(&app, &items), [(dora, 300)]);
}

#[test]
fn an_offer_decides_whether_its_conversions_begin_as_approved() {
    let app = TestApp::start();
    let pays = Pays { auto_approve: true, ..Pays::percent(500) };
    let cleo = cleo(&app, &pays);
    let approved = order(1).code("CLEO", "10.00");
    let pending = order(2).code("ADA10", "10.00");
    let own = order(3).code("CLEO", "10.00").email("cleo@affiliates.example");
    for order in [&approved, &pending, &own] {
        send(&app, order);
    }
    assert_eq!(credits(&app, &approved)[0].status, "approved");
    assert_eq!(earned(&app, &approved), [(cleo, 450)]);
    assert_eq!(credits(&app, &pending)[0].status, "pending");
    assert_eq!(credits(&app, &own)[0].status, "unqualified");
}
