//! Several triggers on one order.

use vouch::features::merchants;
use vouch::features::triggers::TriggerKind;
use vouch_core::attribution::{CalculationLogic, CandidateResult, Precedence};

use super::*;

fn prefer(app: &TestApp, precedence: Precedence, from: DateTime<Utc>) {
    let actor = app.actor_at(from);
    let rules = CalculationLogic { precedence, ..CalculationLogic::default() };
    app.within(|conn| merchants::change_rules(conn, &actor, rules));
}

/// Ada's code stands first, Ben's took most off, Cleo's is the oldest.
fn contested(id: u64, at: DateTime<Utc>) -> ShopifyOrder {
    ShopifyOrder::new(id, at).code("FIRST", "5.00").code("LARGEST", "20.00").code("OLDEST", "10.00")
}

fn winner(app: &TestApp, order: &ShopifyOrder) -> i64 {
    let credits = credits(app, order);
    assert_eq!(credits.len(), 1, "one affiliate wins an order: {credits:?}");
    credits[0].affiliate_id
}

#[test]
fn each_setting_picks_its_own_winner_and_holds_from_its_own_date() {
    let app = TestApp::start();
    let (ada, ben) = (app.fixture.ada_id, app.fixture.ben_id);
    let cleo = affiliate_on(&app, app.fixture.offer_id, "Cleo");
    trigger_at(&app, ada, TriggerKind::CouponCode, "FIRST", then() + hours(2));
    trigger_at(&app, ben, TriggerKind::CouponCode, "LARGEST", then() + hours(2));
    trigger_at(&app, cleo, TriggerKind::CouponCode, "OLDEST", then() + hours(1));
    prefer(&app, Precedence::LargestDiscount, noon());
    prefer(&app, Precedence::OldestTrigger, noon() + hours(1));

    // Whenever they arrive, each is judged by the setting of the moment it was placed.
    let late = contested(3, noon() + hours(2));
    let middle = contested(2, noon() + hours(1) - Duration::seconds(1));
    let early = contested(1, noon() - Duration::seconds(1));
    for order in [&late, &middle, &early] {
        send(&app, order);
    }
    assert_eq!(winner(&app, &early), ada, "position");
    assert_eq!(winner(&app, &middle), ben, "largest discount");
    assert_eq!(winner(&app, &late), cleo, "oldest trigger");
    // 100.00 less 35.00 of discounts, at 10%.
    assert_eq!(earned(&app, &early), [(ada, 650)]);
    let record = attribution(&app, &middle);
    assert_eq!(record.rules.precedence, Precedence::LargestDiscount);
    assert_eq!(record.outcomes.len(), 3, "every candidate is in the record");
    let won = record.outcomes.iter().filter(|outcome| outcome.result == CandidateResult::Won);
    assert_eq!(won.map(|outcome| outcome.value.as_str()).collect::<Vec<_>>(), ["LARGEST"]);
}

#[test]
fn ties_are_decided_alike_whatever_the_setting() {
    let app = TestApp::start();
    let (ada, ben) = (app.fixture.ada_id, app.fixture.ben_id);
    code(&app, ben, "BEN");
    code(&app, ada, "ADA");
    prefer(&app, Precedence::LargestDiscount, then() + hours(1));
    let equal = order(1).code("ADA", "5.00").code("BEN", "5.00");
    send(&app, &equal);
    assert_eq!(winner(&app, &equal), ada, "equal discounts");
}

#[test]
fn a_coupon_code_comes_before_a_customer_email() {
    let app = TestApp::start();
    let (ada, ben) = (app.fixture.ada_id, app.fixture.ben_id);
    let of_ben = trigger_at(
        &app,
        ben,
        TriggerKind::CustomerEmail,
        "Shopper@Customers.example",
        then() - hours(24),
    );
    let plain = order(1);
    send(&app, &plain);
    let credited = &credits(&app, &plain)[0];
    assert_eq!((credited.affiliate_id, credited.via.as_str()), (ben, "email"));
    assert_eq!(credited.trigger_id, Some(of_ben.id));
    for precedence in [Precedence::OldestTrigger, Precedence::LargestDiscount] {
        prefer(&app, precedence, noon() - hours(1));
        let with_code = order(2).code("ADA10", "0.00");
        send(&app, &with_code);
        assert_eq!(winner(&app, &with_code), ada);
    }
}

#[test]
fn who_cannot_be_credited_does_not_keep_another_from_the_order() {
    let app = TestApp::start();
    let ben = app.fixture.ben_id;
    code(&app, ben, "BEN");
    // Ada buys with her own code and with Ben's.
    let order = order(1).code("ADA10", "10.00").code("BEN", "1.00").email("ada@affiliates.example");
    send(&app, &order);
    assert_eq!(winner(&app, &order), ben);
}

#[test]
fn several_codes_of_one_affiliate_are_one_credit() {
    let app = TestApp::start();
    let ada = app.fixture.ada_id;
    code(&app, ada, "ADA20");
    let order = order(1).code("ADA10", "10.00").code("ADA20", "10.00").code("ada10", "0.00");
    send(&app, &order);
    assert_eq!(earned(&app, &order), [(ada, 800)]);
    assert_eq!(credits(&app, &order)[0].trigger_id, Some(app.fixture.ada10_id));
}

#[test]
fn a_sku_earns_on_its_own_lines_beside_the_winner() {
    let app = TestApp::start();
    let (ada, ben) = (app.fixture.ada_id, app.fixture.ben_id);
    let cleo = affiliate_on(&app, app.fixture.offer_id, "Cleo");
    for (holder, sku) in [(ben, "mug-1"), (ben, "MUG-2"), (cleo, "POT"), (ada, "LEAVES")] {
        trigger_at(&app, holder, TriggerKind::Sku, sku, then());
    }
    let order = order(1)
        .line("MUG-1", 2, "20.00")
        .line(" mug-2 ", 1, "30.00")
        .line("OTHER", 1, "50.00")
        .code("ADA10", "10.00");
    send(&app, &order);
    // Ada: 10% of all 210.00 and no royalty on top; Ben: 10% of 40.00 and 30.00, as one credit.
    assert_eq!(earned(&app, &order), [(ada, 2100), (ben, 700)]);
    let vias: Vec<String> = credits(&app, &order).into_iter().map(|one| one.via).collect();
    assert_eq!(vias, ["coupon", "sku"]);

    // Without a winner, royalties stand alone.
    let alone = ShopifyOrder::new(2, noon()).line("POT", 1, "40.00");
    send(&app, &alone);
    assert_eq!(earned(&app, &alone), [(ada, 1000), (cleo, 400)]);
}

#[test]
fn codes_are_found_in_any_spelling_and_wherever_the_store_keeps_them() {
    let app = TestApp::start();
    let ada = app.fixture.ada_id;
    code(&app, app.fixture.ben_id, "Straße");
    let spellings = ["ada10", " ADA10", "Ada10\t", "ＡＤＡ１０", "\u{a0}aDa10\u{a0}"];
    for (at, spelling) in spellings.iter().enumerate() {
        let order = order(100 + at as u64).code(spelling, "10.00");
        send(&app, &order);
        assert_eq!(earned(&app, &order), [(ada, 900)], "{spelling:?}");
    }
    let sharp = order(200).code("STRAßE", "10.00");
    send(&app, &sharp);
    assert_eq!(earned(&app, &sharp), [(app.fixture.ben_id, 900)]);
    // Stores keep these two apart.
    let other = order(203).code("STRASSE", "10.00");
    send(&app, &other);
    assert_eq!(earned(&app, &other), []);

    let draft = order(201).draft_code("ada10", "10.00");
    send(&app, &draft);
    assert_eq!(earned(&app, &draft), [(ada, 900)], "the application is manual");

    let unknown = order(202).code("NOBODYS", "10.00");
    send(&app, &unknown);
    assert!(credits(&app, &unknown).is_empty());
    assert_eq!(attribution(&app, &unknown).other_codes, ["NOBODYS"]);
}

#[test]
fn ids_beyond_what_a_float_holds_are_kept_to_the_digit() {
    let app = TestApp::start();
    let ada = app.fixture.ada_id;
    // Three that are one and the same number as a 64-bit float.
    let ids = [9_007_199_254_740_992_u64, 9_007_199_254_740_993, 18_446_744_073_709_551_615];
    let near = ids.map(|id| order(id).code("ADA10", "10.00"));
    for order in &near {
        send(&app, order);
        // A later message of the same order finds it again.
        send(&app, &order.clone().updated_at(noon() + hours(1)));
    }
    for order in &near {
        assert_eq!(earned(&app, order), [(ada, 900)], "{}", order.0["id"]);
    }
    let count: i64 = app.within(|conn| orders::table.count().get_result(conn));
    assert_eq!(count, 3);
}
