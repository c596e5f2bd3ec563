use super::fixtures::*;
use crate::affiliate::AffiliateStatus;
use crate::attribution::*;
use crate::calendar::Calendar;
use crate::order::fixtures::{march, order, refund};
use crate::order::{OrderSnapshot, OrderState};

const BERLIN: Calendar = Calendar { zone: chrono_tz::Europe::Berlin, ..Calendar::UTC };

fn tee() -> OrderSnapshot {
    order().with_line("TEE", 1, 2910)
}

fn outcomes(attribution: &Attribution) -> Vec<String> {
    attribution.outcomes.iter().map(|outcome| outcome.sentence(BERLIN)).collect()
}

#[test]
fn a_credit_says_who_what_and_for_what() {
    let report = tee().with_code("JANE10", 0).with_code("MAX20", 0).with_code("SUMMER", 0);
    let candidates = [code(1, "JANE10", JANE), code(2, "MAX20", MAX), sku(3, "TEE", SUE)];
    let attribution = decided(report, &candidates);
    assert_eq!(
        attribution.sentences(BERLIN),
        [
            "Jane is credited with $2.91 for the coupon code JANE10.",
            "Sue is credited with $2.91 for the SKU TEE, on its own lines.",
            "The code SUMMER on this order is no affiliate’s.",
        ]
    );
    assert_eq!(
        outcomes(&attribution),
        [
            "Coupon Code JANE10 credits Jane with this order.",
            "Coupon Code MAX20 of Max does not count: JANE10 of Jane stands earlier on the order.",
            "SKU TEE credits Sue with the lines of this SKU.",
        ]
    );
}

#[test]
fn an_order_that_credits_nobody_says_why() {
    let nobody = decided(tee(), &[]).sentences(BERLIN);
    assert_eq!(
        nobody,
        ["Nobody is credited: no affiliate has a coupon code, customer e-mail or SKU that is on \
          this order."]
    );
    let retired = Candidate { retired_at: Some(march(9)), ..code(1, "JANE10", JANE) };
    let attribution = decided(tee().with_code("JANE10", 0), &[retired]);
    assert_eq!(
        attribution.sentences(BERLIN),
        ["Nobody is credited: no trigger on this order was in force when it was placed."]
    );
    assert_eq!(
        outcomes(&attribution),
        ["Coupon Code JANE10 of Jane does not count: it was retired on Mar 9, 2026, 1:00 PM, \
          before the order was placed."]
    );
    // A code that an edit removed is no longer on the order.
    let gone = decided(tee(), &[code(1, "JANE10", JANE)]);
    assert_eq!(gone.sentences(BERLIN), nobody);
    let unknown = Attribution::default().sentences(BERLIN);
    assert_eq!(
        unknown,
        ["The store has sent a message about this order, but not yet the order itself."]
    );
}

#[test]
fn an_unqualified_credit_says_why_and_what_it_would_have_been() {
    let disabled = code(1, "JANE10", JANE).with_status(AffiliateStatus::Disabled);
    let attribution = decided(tee().with_code("JANE10", 0), std::slice::from_ref(&disabled));
    assert_eq!(
        attribution.sentences(BERLIN),
        [
            "Jane would be credited for the coupon code JANE10, but earns nothing: the affiliate was \
          Disabled when the order was placed. Otherwise it would be $2.91."
        ]
    );
    let attribution = overruling(tee().with_code("JANE10", 0), &[disabled], &[JANE]);
    assert_eq!(
        attribution.sentences(BERLIN),
        ["Jane is credited with $2.91 for the coupon code JANE10, although the affiliate was \
          Disabled when the order was placed: a member of the program decided so."]
    );
}

#[test]
fn a_commission_that_stays_after_a_refund_says_why() {
    let report = tee().with_code("JANE10", 0).with_refund(refund("1").of_line("TEE", 1, 1000));
    let candidates = [code(1, "JANE10", JANE)];
    let words = "Money was given back, or something was taken off the order: by your settings for \
                 the store, commission stays as it was.";
    let keeps = CalculationLogic { keeps_refunded: true, ..CalculationLogic::default() };
    let attribution = decided_by(report.clone(), &candidates, keeps);
    assert_eq!(
        attribution.sentences(BERLIN),
        ["Jane is credited with $2.91 for the coupon code JANE10.", words]
    );
    let follows = decided(report.clone(), &candidates).sentences(BERLIN);
    assert_eq!(follows.len(), 1, "{follows:?}");
    let cancelled = OrderSnapshot { cancelled_at: Some(march(12)), ..report };
    let sentences = decided_by(cancelled, &candidates, keeps).sentences(BERLIN);
    assert!(!sentences.contains(&words.to_owned()), "{sentences:?}");
}

#[test]
fn a_cancelled_order_says_so() {
    let report = OrderSnapshot { cancelled_at: Some(march(12)), ..tee().with_code("JANE10", 0) };
    let attribution = decided(report, &[code(1, "JANE10", JANE)]);
    assert_eq!(
        attribution.sentences(BERLIN)[1],
        "The order was cancelled on Mar 12, 2026, 1:00 PM: no commission is left."
    );
}

#[test]
fn the_losers_reasons_can_be_read() {
    let rules =
        CalculationLogic { precedence: Precedence::LargestDiscount, ..CalculationLogic::default() };
    let report = tee().with_code("JANE10", 5).with_code("MAX20", 5);
    let tie = decided_by(report, &[code(1, "JANE10", JANE), code(2, "MAX20", MAX)], rules);
    assert_eq!(
        outcomes(&tie)[1],
        "Coupon Code MAX20 of Max does not count: both took the same amount off the order, and \
         JANE10 of Jane stands earlier on the order."
    );
    let manual = ManualCredit {
        affiliate: affiliate(SUE),
        terms: ten_percent(),
        credited_by: "Olga Owner".into(),
        at: march(12),
        note: String::new(),
    };
    let overrides = Overrides { manual: Some(manual), ..Overrides::default() };
    let state = OrderState::from(tee().with_code("JANE10", 5));
    let attribution =
        decide(&state, &[code(1, "JANE10", JANE)], &CalculationLogic::default(), &overrides);
    assert_eq!(
        outcomes(&attribution),
        ["Coupon Code JANE10 of Jane does not count: Olga Owner credited this order to Sue by \
          hand on Mar 12, 2026, 1:00 PM."]
    );
    assert_eq!(attribution.sentences(BERLIN), ["Sue is credited with $2.91 by hand."]);
}

#[test]
fn each_line_shows_its_sum() {
    let lines = |terms: Terms| -> Vec<String> {
        let report = order().with_line("TEE", 2, 1000).with_line("CAP", 1, 500);
        let report = report.with_refund(refund("1").of_line("TEE", 1, 1000)).with_code("JANE10", 0);
        let terms = Terms { excluded_skus: vec!["CAP".into()], ..terms };
        let attribution = decided(report, &[code(1, "JANE10", JANE).on(terms)]);
        let credit = &attribution.credits[0];
        let currency = attribution.currency.unwrap();
        credit.lines.iter().map(|line| line.sentence(credit.rate, currency)).collect()
    };
    let excluded = "The offer pays nothing for this SKU.";
    assert_eq!(
        lines(ten_percent()),
        ["10% of $10.00 ($20.00 less $10.00 given back) is $1.00.", excluded]
    );
    let goodwill = crate::order::ReportedRefund { adjustment_minor: 1000, ..refund("1") };
    let free = order().with_line("TEE", 1, 1000).with_refund(goodwill).with_code("JANE10", 0);
    let credit = &decided(free, &[code(1, "JANE10", JANE).on(per_item(150))]).credits[0];
    assert_eq!(
        credit.lines[0].sentence(credit.rate, crate::money::Currency::USD),
        "All that was paid for it was given back, so it earns nothing."
    );
    assert_eq!(lines(per_item(150)), ["1 of 2 items kept, $1.50 each, is $1.50.", excluded]);
    assert_eq!(
        lines(per_order(500)),
        ["The share of this line in $5.00 per order is $5.00.", excluded]
    );
    assert_eq!(ten_percent().commission.to_string(), "10% of the sale");
    assert_eq!(per_order(500).commission.to_string(), "$5.00 per order");
}

#[test]
fn what_a_later_version_wrote_can_still_be_read() {
    let attribution: Attribution = serde_json::from_value(serde_json::json!({
        "currency": "USD",
        "a field of tomorrow": 1,
        "rules": {"include_tax": true},
        "outcomes": [
            {"value": "A", "verdict": {"is": "lost", "reason": {"why": "bad_weather", "wind": 9}}},
            {"value": "B", "verdict": {"is": "shared", "with": 3}},
            {"verdict": {"is": "unqualified", "reason": {"reason": "full_moon"}}},
        ],
        "credits": [{"affiliate": {"id": 5}, "via": "carrier_pigeon",
                     "rate": {"type": "a_cow_per_order"}, "lines": [{"note": "new"}]}],
        "undone": {"how": "eaten"},
    }))
    .unwrap();
    assert_eq!(attribution.credits[0].via, CreditKind::Unknown);
    assert!(matches!(attribution.outcomes[1].result, CandidateResult::Unknown));
    assert!(!outcomes(&attribution).is_empty() && attribution.sentences(BERLIN).len() == 2);
}
