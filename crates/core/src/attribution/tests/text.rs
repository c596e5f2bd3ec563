use super::fixtures::*;
use crate::affiliate::AffiliateStatus;
use crate::attribution::*;
use crate::calendar::Calendar;
use crate::order::fixtures::{march, order, refund};
use crate::order::{OrderSnapshot, OrderState};

fn tee() -> OrderSnapshot {
    order().with_line("TEE", 1, 2910)
}

fn sentences(attribution: &Attribution) -> Vec<String> {
    attribution.sentences(Calendar::UTC, &[])
}

fn outcomes(attribution: &Attribution) -> Vec<String> {
    attribution.outcomes.iter().map(|outcome| outcome.sentence(Calendar::UTC, &[])).collect()
}

/// Whether each sentence contains its facts, and there are as many of both.
#[track_caller]
fn assert_facts(sentences: &[String], facts: &[&[&str]]) {
    assert_eq!(sentences.len(), facts.len(), "{sentences:?}");
    for (sentence, facts) in sentences.iter().zip(facts) {
        assert!(facts.iter().all(|fact| sentence.contains(fact)), "{sentence}: {facts:?}");
        assert!(sentence.ends_with('.'), "{sentence}");
    }
}

#[test]
fn a_credit_names_affiliate_amount_and_trigger() {
    let report = tee().with_code("JANE10", 0).with_code("MAX20", 0).with_code("SUMMER", 0);
    let candidates = [code(1, "JANE10", JANE), code(2, "MAX20", MAX), sku(3, "TEE", SUE)];
    let attribution = decided(report, &candidates);
    let credits: &[&[&str]] =
        &[&["Jane", "$2.91", "JANE10"], &["Sue", "$2.91", "TEE"], &["SUMMER"]];
    assert_facts(&sentences(&attribution), credits);
    let triggers: &[&[&str]] =
        &[&["JANE10", "Jane"], &["MAX20", "Max", "JANE10 (Jane)"], &["TEE", "Sue"]];
    assert_facts(&outcomes(&attribution), triggers);
}

#[test]
fn an_order_without_credits_has_its_own_explanations() {
    let no_match = sentences(&decided(tee(), &[]));
    assert_eq!(no_match.len(), 1);
    let retired = |id, value| Candidate { retired_at: Some(march(9)), ..code(id, value, JANE) };
    let one = decided(tee().with_code("JANE10", 0), &[retired(1, "JANE10")]);
    assert_eq!(sentences(&one).len(), 1);
    assert_facts(&outcomes(&one), &[&["JANE10", "Jane", "Mar 9, 2026"]]);
    let both = tee().with_code("JANE10", 0).with_code("JANE20", 0);
    let two = decided(both, &[retired(1, "JANE10"), retired(2, "JANE20")]);
    // A code that an edit removed is no longer on the order.
    let gone = decided(tee(), &[code(1, "JANE10", JANE)]);
    assert_eq!(sentences(&gone), no_match);
    let unreported = sentences(&Attribution::default());
    let all = [&no_match, &sentences(&one), &sentences(&two), &unreported];
    let different: std::collections::BTreeSet<_> = all.into_iter().collect();
    assert_eq!(different.len(), 4, "{different:?}");
}

#[test]
fn an_unqualified_credit_has_the_reason_and_the_amount() {
    let disabled = code(1, "JANE10", JANE).with_status(AffiliateStatus::Disabled);
    let attribution = decided(tee().with_code("JANE10", 0), std::slice::from_ref(&disabled));
    let reason = attribution.credits[0].unqualified.unwrap().to_string();
    assert!(reason.contains("disabled"));
    assert_facts(&sentences(&attribution), &[&["Jane", &reason, "$2.91", "JANE10"]]);
    let overruled = overruling(tee().with_code("JANE10", 0), &[disabled], &[JANE]);
    assert_facts(&sentences(&overruled), &[&["Jane", &reason, "$2.91", "JANE10"]]);
    assert_ne!(sentences(&overruled), sentences(&attribution));
}

#[test]
fn a_denied_credit_does_not_earn() {
    let attribution = decided(tee().with_code("JANE10", 0), &[code(1, "JANE10", JANE)]);
    let denied = attribution.sentences(Calendar::UTC, &[JANE]);
    assert_facts(&denied, &[&["Jane", "$2.91", "JANE10"]]);
    assert_ne!(denied, sentences(&attribution));
    let outcome = &attribution.outcomes[0];
    assert_ne!(
        outcome.sentence(Calendar::UTC, &[JANE]),
        outcome.sentence(Calendar::UTC, &[MAX]),
        "a denied trigger credits no one"
    );
    let disabled = code(1, "JANE10", JANE).with_status(AffiliateStatus::Disabled);
    let attribution = decided(tee().with_code("JANE10", 0), &[disabled]);
    let denied = attribution.sentences(Calendar::UTC, &[JANE]);
    assert!(!denied[0].contains("$2.91"), "it would earn nothing anyway: {denied:?}");
}

#[test]
fn unchanged_commission_after_a_refund_is_explained() {
    let report = tee().with_code("JANE10", 0).with_refund(refund("1").of_line("TEE", 1, 1000));
    let candidates = [code(1, "JANE10", JANE)];
    let keeps = CalculationLogic { keeps_refunded: true, ..CalculationLogic::default() };
    let kept = sentences(&decided_by(report.clone(), &candidates, keeps));
    assert_eq!(kept.len(), 2, "{kept:?}");
    let follows = sentences(&decided(report.clone(), &candidates));
    assert_eq!(follows.len(), 1, "{follows:?}");
    let cancelled = OrderSnapshot { cancelled_at: Some(march(12)), ..report };
    let reversed = sentences(&decided_by(cancelled, &candidates, keeps));
    assert!(!reversed.contains(&kept[1]), "{reversed:?}");
}

#[test]
fn a_canceled_order_reverses_commission_only_if_there_was_one() {
    let report = OrderSnapshot { cancelled_at: Some(march(12)), ..tee().with_code("JANE10", 0) };
    let credited = sentences(&decided(report.clone(), &[code(1, "JANE10", JANE)]));
    assert_facts(&credited[1..], &[&["Mar 12, 2026", "commission"]]);
    let uncredited = sentences(&decided(report, &[]));
    let last = uncredited.last().unwrap();
    assert!(last.contains("Mar 12, 2026") && !last.contains("commission"), "{last}");
}

#[test]
fn the_reasons_of_losing_triggers_name_the_winner() {
    let rules =
        CalculationLogic { precedence: Precedence::LargestDiscount, ..CalculationLogic::default() };
    let candidates = [code(1, "JANE10", JANE), code(2, "MAX20", MAX)];
    let codes = |jane, max| tee().with_code("JANE10", jane).with_code("MAX20", max);
    let tie = outcomes(&decided_by(codes(5, 5), &candidates, rules));
    assert!(tie[1].contains("MAX20 (Max)") && tie[1].contains("JANE10 (Jane)"), "{tie:?}");
    let by_the_rule = outcomes(&decided_by(codes(6, 5), &candidates, rules));
    assert_ne!(tie[1], by_the_rule[1], "a tie has another explanation");
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
    assert_facts(
        &outcomes(&attribution),
        &[&["JANE10 (Jane)", "Olga Owner", "Sue", "Mar 12, 2026"]],
    );
    assert_facts(&sentences(&attribution), &[&["Sue", "$2.91"]]);
}

#[test]
fn each_line_has_its_calculation() {
    let lines = |terms: Terms| -> Vec<String> {
        let report = order().with_line("TEE", 2, 1000).with_line("CAP", 1, 500);
        let report = report.with_refund(refund("1").of_line("TEE", 1, 1000)).with_code("JANE10", 0);
        let terms = Terms { excluded_skus: vec!["CAP".into()], ..terms };
        let attribution = decided(report, &[code(1, "JANE10", JANE).on(terms)]);
        let credit = &attribution.credits[0];
        let currency = attribution.currency.unwrap();
        credit.lines.iter().map(|line| line.sentence(credit.rate, currency)).collect()
    };
    let percent = lines(ten_percent());
    let rate = ten_percent().commission.to_string();
    let rate = rate.split_once(" of").unwrap().0;
    assert_facts(&percent, &[&[rate, "$10.00", "$20.00", "$1.00"], &["SKU"]]);
    let per_item_lines = lines(per_item(150));
    assert_facts(&per_item_lines, &[&["1 of 2 items", "$1.50"], &["SKU"]]);
    assert_facts(&lines(per_order(500)), &[&["$5.00"], &["SKU"]]);
    let goodwill = crate::order::ReportedRefund { adjustment_minor: 1000, ..refund("1") };
    let free = order().with_line("TEE", 1, 1000).with_refund(goodwill).with_code("JANE10", 0);
    let credit = &decided(free, &[code(1, "JANE10", JANE).on(per_item(150))]).credits[0];
    let refunded = credit.lines[0].sentence(credit.rate, crate::money::Currency::USD);
    assert!(!refunded.contains("$1.50"), "{refunded}");
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
    assert!(!outcomes(&attribution).is_empty() && sentences(&attribution).len() == 2);
}
