use super::fixtures::*;
use crate::affiliate::AffiliateStatus;
use crate::attribution::record::{Advantage, Winner};
use crate::attribution::*;
use crate::money::Currency;
use crate::order::fixtures::{march, order};
use crate::order::{OrderSnapshot, OrderState};

fn tee() -> OrderSnapshot {
    order().with_line("TEE", 1, 2910)
}

#[test]
fn a_code_credits_its_affiliate() {
    let attribution = decided(tee().with_code("JANE10", 323), &[code(1, "JANE10", JANE)]);
    assert_eq!(attribution.paid(), [(JANE, 291)]);
    let credit = &attribution.credits[0];
    assert_eq!((credit.trigger_id, credit.via), (Some(1), CreditKind::Coupon));
    assert_eq!((credit.offer_id, credit.discount_minor, credit.revenue_minor), (40, 323, 2910));
    assert_eq!(attribution.result(1), &CandidateResult::Won);
}

#[test]
fn a_code_in_another_case_or_with_outer_space_is_the_same_code() {
    for typed in ["jane10", " JANE10 ", "Ｊane10"] {
        let attribution = decided(tee().with_code(typed, 0), &[code(1, "JANE10", JANE)]);
        assert_eq!(attribution.paid(), [(JANE, 291)], "{typed}");
    }
    let twice = tee().with_code("JANE10", 100).with_code("jane10", 23);
    let attribution = decided(twice, &[code(1, "JANE10", JANE), code(1, "JANE10", JANE)]);
    assert_eq!(attribution.paid(), [(JANE, 291)]);
    assert_eq!((attribution.outcomes.len(), attribution.credits[0].discount_minor), (1, 123));
}

#[test]
fn nobody_is_credited_for_codes_of_nobody() {
    let report = tee().with_code("SUMMER", 0).with_code(" summer", 0).with_code("JANE10", 0);
    let attribution = decided(report, &[code(1, "JANE10", JANE)]);
    assert_eq!(attribution.other_codes, ["SUMMER"]);
    assert!(decided(tee(), &[]).credits.is_empty());
}

#[test]
fn a_candidate_whose_code_is_not_on_the_order_loses() {
    let attribution = decided(tee(), &[code(1, "JANE10", JANE), email(2, "a@b.example", MAX)]);
    assert!(attribution.credits.is_empty());
    assert_eq!(attribution.lost(1), &LostReason::NotOnOrder);
    assert_eq!(attribution.lost(2), &LostReason::NotOnOrder);
}

#[test]
fn without_a_report_nobody_is_credited_yet() {
    let none = OrderState::default();
    let candidates = [code(1, "JANE10", JANE)];
    let attribution =
        decide(&none, &candidates, &CalculationLogic::default(), &Overrides::default());
    assert_eq!((attribution.currency, attribution.credits.len()), (None, 0));
}

#[test]
fn a_coupon_comes_before_a_customer_email() {
    let candidates = [email(1, "Carla@Example.com", MAX), code(2, "JANE10", JANE)];
    let attribution = decided(tee().with_code("JANE10", 0), &candidates);
    assert_eq!(attribution.paid(), [(JANE, 291)]);
    assert!(matches!(attribution.lost(1), LostReason::CouponComesFirst { .. }));
    let attribution = decided(tee(), &candidates[..1]);
    assert_eq!(attribution.paid(), [(MAX, 291)]);
    assert_eq!(attribution.credits[0].via, CreditKind::Email);
}

#[test]
fn among_codes_of_several_affiliates_the_merchants_rule_decides() {
    let report = tee().with_code("JANE10", 200).with_code("MAX20", 500).with_code("SUE5", 100);
    let candidates = [
        code(1, "JANE10", JANE).created(3),
        code(2, "MAX20", MAX).created(2),
        code(3, "SUE5", SUE).created(1),
    ];
    for (precedence, winner, advantage) in [
        (Precedence::FirstOnOrder, JANE, Advantage::EarlierOnOrder),
        (Precedence::LargestDiscount, MAX, Advantage::LargerDiscount),
        (Precedence::OldestTrigger, SUE, Advantage::OlderTrigger),
    ] {
        let rules = CalculationLogic { precedence, ..CalculationLogic::default() };
        let attribution = decided_by(report.clone(), &candidates, rules);
        assert_eq!(attribution.paid(), [(winner, 291)]);
        let losers = attribution.outcomes.iter().filter(|o| o.affiliate.id != winner);
        for loser in losers {
            let reason = attribution.lost(loser.trigger_id);
            assert!(matches!(reason, LostReason::Outranked { by, .. } if *by == advantage));
        }
    }
}

#[test]
fn ties_of_the_rule_are_decided_by_place_then_age_then_id() {
    let same = |a: Candidate, b: Candidate, precedence| {
        let report = tee().with_code("A", 100).with_code("B", 100);
        let rules = CalculationLogic { precedence, ..CalculationLogic::default() };
        let attribution = decided_by(report, &[b, a], rules);
        (attribution.paid()[0].0, attribution.outcomes.len())
    };
    let by_place = same(code(9, "A", JANE), code(1, "B", MAX), Precedence::LargestDiscount);
    assert_eq!(by_place, (JANE, 2));
    let by_place = same(code(9, "A", JANE), code(1, "B", MAX), Precedence::OldestTrigger);
    assert_eq!(by_place, (JANE, 2));
    let emails = |a: Candidate, b: Candidate| decided(tee(), &[b, a]).paid()[0].0;
    let carla = |id, owner| email(id, "carla@example.com", owner);
    assert_eq!(emails(carla(9, JANE).created(1), carla(1, MAX).created(2)), JANE);
    assert_eq!(emails(carla(1, JANE), carla(9, MAX)), JANE);
    let attribution = decided(tee(), &[carla(1, JANE), carla(9, MAX)]);
    let LostReason::Outranked { by, winner, .. } = attribution.lost(9) else { panic!() };
    assert_eq!(*by, Advantage::EnteredFirst);
    let expected = Winner { value: "carla@example.com".into(), affiliate: "Jane".into() };
    assert_eq!(winner, &expected);
}

#[test]
fn an_affiliate_with_several_codes_on_an_order_is_credited_once() {
    let report = tee().with_code("JANE10", 0).with_code("JANE20", 0);
    let attribution = decided(report, &[code(1, "JANE10", JANE), code(2, "JANE20", JANE)]);
    assert_eq!(attribution.paid(), [(JANE, 291)]);
    assert_eq!(attribution.lost(2), &LostReason::CreditedAlready { through: "JANE10".into() });
}

#[test]
fn who_owned_the_code_when_the_order_was_placed_is_credited() {
    let mut before = code(1, "JANE10", JANE);
    before.owned_until = Some(march(10));
    let mut after = code(1, "JANE10", MAX);
    after.owned_from = march(10);
    let periods = [before, after];
    let placed = |day| OrderSnapshot { placed_at: march(day), ..tee().with_code("JANE10", 0) };
    assert_eq!(decided(placed(9), &periods).paid(), [(JANE, 291)]);
    // The start of a period is inclusive.
    assert_eq!(decided(placed(10), &periods).paid(), [(MAX, 291)]);
    let reasons = |day| {
        let attribution = decided(placed(day), &periods);
        let lost = attribution.outcomes.iter().find_map(|o| match &o.result {
            CandidateResult::Lost { reason } => Some(reason.clone()),
            _ => None,
        });
        lost.unwrap()
    };
    assert_eq!(reasons(9), LostReason::NotYetOwned { from: march(10) });
    assert_eq!(reasons(10), LostReason::NoLongerOwned { until: march(10) });
}

#[test]
fn a_code_retired_before_the_order_does_not_count_and_one_retired_later_does() {
    let retired = |day| Candidate { retired_at: Some(march(day)), ..code(1, "JANE10", JANE) };
    let report = tee().with_code("JANE10", 0);
    let attribution = decided(report.clone(), &[retired(9)]);
    assert_eq!(attribution.lost(1), &LostReason::Retired { at: march(9) });
    assert!(attribution.credits.is_empty());
    assert_eq!(decided(report, &[retired(11)]).paid(), [(JANE, 291)]);
}

#[test]
fn the_affiliates_own_purchase_is_unqualified_in_any_case_and_with_any_tag() {
    for customer in
        ["jane@affiliates.example", "JANE@Affiliates.Example ", "jane+x@affiliates.example"]
    {
        let mut report = tee().with_code("JANE10", 0);
        report.customer_email = Some(customer.into());
        let attribution = decided(report, &[code(1, "JANE10", JANE)]);
        assert_eq!(attribution.paid(), [(JANE, 0)], "{customer}");
        assert_eq!(attribution.credits[0].unqualified, Some(Unqualified::OwnPurchase));
        assert_eq!(attribution.credits[0].would_be, components(291, 0, 0));
        assert_eq!(
            attribution.result(1),
            &CandidateResult::Unqualified { reason: Unqualified::OwnPurchase }
        );
    }
}

#[test]
fn an_order_by_any_mailbox_the_affiliate_is_known_by_is_their_own() {
    let mut candidate = code(1, "JANE10", JANE);
    candidate.affiliate.emails =
        vec!["j.doe@googlemail.com".into(), "not an address".into(), "pay@jane.example".into()];
    for (customer, is_own) in [
        ("jdoe@gmail.com", true),
        ("J.D.O.E+tea@gmail.com", true),
        ("pay+x@jane.example", true),
        ("p.ay@jane.example", false),
        ("not an address", false),
    ] {
        let mut report = tee().with_code("JANE10", 0);
        report.customer_email = Some(customer.into());
        let credit = &decided(report, std::slice::from_ref(&candidate)).credits[0];
        let expected = is_own.then_some(Unqualified::OwnPurchase);
        assert_eq!(credit.unqualified, expected, "{customer}");
    }
}

#[test]
fn an_affiliate_who_was_not_active_then_is_unqualified() {
    for status in [AffiliateStatus::Pending, AffiliateStatus::Denied, AffiliateStatus::Disabled] {
        let candidate = code(1, "JANE10", JANE).with_status(status);
        let attribution = decided(tee().with_code("JANE10", 0), &[candidate]);
        assert_eq!(attribution.paid(), [(JANE, 0)]);
        let reason = Unqualified::InactiveAffiliate { status };
        assert_eq!(attribution.credits[0].unqualified, Some(reason));
    }
}

#[test]
fn a_test_order_is_unqualified() {
    let report = OrderSnapshot { is_test: true, ..tee().with_code("JANE10", 0) };
    let attribution = decided(report, &[code(1, "JANE10", JANE), sku(2, "TEE", MAX)]);
    assert_eq!(attribution.paid(), [(JANE, 0), (MAX, 0)]);
    assert!(attribution.credits.iter().all(|c| c.unqualified == Some(Unqualified::TestOrder)));
}

#[test]
fn a_flat_amount_in_another_currency_is_unqualified_and_cannot_be_overruled() {
    let in_yen = terms(Commission::FlatPerOrder { amount_minor: 500, currency: Currency::JPY });
    let candidates = [code(1, "JANE10", JANE).on(in_yen)];
    let reason = Unqualified::OtherCurrency { terms: Currency::JPY, order: Currency::USD };
    for attribution in [
        decided(tee().with_code("JANE10", 0), &candidates),
        overruling(tee().with_code("JANE10", 0), &candidates, &[JANE]),
    ] {
        assert_eq!(attribution.credits[0].unqualified, Some(reason));
        assert_eq!(attribution.credits[0].would_be, Components::default());
    }
    assert!(!reason.can_be_overruled());
}

#[test]
fn who_can_be_credited_comes_before_who_cannot_whatever_the_rule() {
    let disabled = code(1, "JANE10", JANE).with_status(AffiliateStatus::Disabled);
    let report = tee().with_code("JANE10", 900).with_code("MAX20", 0);
    let attribution = decided(report.clone(), &[disabled.clone(), code(2, "MAX20", MAX)]);
    assert_eq!(attribution.paid(), [(MAX, 291)]);
    assert!(matches!(attribution.lost(1), LostReason::Ineligible { .. }));
    // A customer email also comes before a code that can't be credited, if the email can.
    let attribution =
        decided(report.clone(), &[disabled.clone(), email(3, "carla@example.com", SUE)]);
    assert_eq!(attribution.paid(), [(SUE, 291)]);
    assert!(matches!(attribution.lost(1), LostReason::Ineligible { .. }));
    // If none can be credited, the best one by the rule gets the unqualified conversion.
    let other = code(2, "MAX20", MAX).with_status(AffiliateStatus::Pending);
    let attribution = decided(report, &[other, disabled]);
    assert_eq!(attribution.paid(), [(JANE, 0)]);
    assert!(matches!(attribution.lost(2), LostReason::Outranked { .. }));
}

#[test]
fn a_merchant_can_overrule_unqualified() {
    let report = OrderSnapshot { is_test: true, ..tee().with_code("JANE10", 0) };
    let attribution = overruling(report, &[code(1, "JANE10", JANE)], &[JANE]);
    assert_eq!(attribution.paid(), [(JANE, 291)]);
    assert_eq!(attribution.credits[0].overruled, Some(Unqualified::TestOrder));
    // Overruling an objection that doesn't exist changes nothing.
    let attribution = overruling(tee().with_code("JANE10", 0), &[code(1, "JANE10", JANE)], &[JANE]);
    assert_eq!((attribution.paid(), attribution.credits[0].overruled), (vec![(JANE, 291)], None));
}

#[test]
fn a_sku_trigger_is_a_royalty_on_its_own_lines_beside_the_winner() {
    let report = order()
        .with_line("TEE", 1, 2000)
        .with_line("cap ", 2, 500)
        .with_line("HAT", 1, 300)
        .with_code("JANE10", 0);
    let candidates = [code(1, "JANE10", JANE), sku(2, "CAP", MAX), sku(3, "HAT", SUE)];
    let attribution = decided(report.clone(), &candidates);
    assert_eq!(attribution.paid(), [(JANE, 330), (MAX, 100), (SUE, 30)]);
    assert_eq!(attribution.credits[1].lines.len(), 1);
    assert_eq!(attribution.result(2), &CandidateResult::Royalty);
    // Royalties are paid even without a winner.
    assert_eq!(decided(report, &candidates[1..]).paid(), [(MAX, 100), (SUE, 30)]);
}

#[test]
fn several_skus_of_one_affiliate_make_one_credit() {
    let report = order().with_line("TEE", 1, 2000).with_line("CAP", 1, 500);
    let attribution = decided(report, &[sku(2, "CAP", MAX), sku(3, "TEE", MAX)]);
    assert_eq!(attribution.paid(), [(MAX, 250)]);
    assert_eq!(
        (attribution.result(2), attribution.result(3)),
        (&CandidateResult::Royalty, &CandidateResult::Royalty)
    );
}

#[test]
fn the_winners_credit_covers_the_winners_own_sku() {
    let report = tee().with_code("JANE10", 0);
    let attribution = decided(report, &[code(1, "JANE10", JANE), sku(2, "TEE", JANE)]);
    assert_eq!(attribution.paid(), [(JANE, 291)]);
    assert_eq!(attribution.lost(2), &LostReason::CreditedAlready { through: "JANE10".into() });
}

/// Puts the code under an exclusion that covers orders.
fn excluded(candidate: Candidate) -> Candidate {
    Candidate { excluded_by: Some(9), ..candidate }
}

#[test]
fn a_royalty_is_not_lost_to_the_same_affiliates_unqualified_code() {
    let report = order().with_line("TEE", 1, 2000).with_line("CAP", 1, 1250).with_code("JANE10", 0);
    let jane = excluded(code(1, "JANE10", JANE));
    let attribution = decided(report.clone(), &[jane.clone(), sku(2, "CAP", JANE)]);
    assert_eq!(attribution.paid(), [(JANE, 125)], "one conversion, the royalty");
    assert_eq!(
        (attribution.credits[0].via, attribution.credits[0].trigger_id),
        (CreditKind::Sku, Some(2))
    );
    let reason = Unqualified::ExcludedCode { exclusion_id: 9 };
    assert_eq!(attribution.result(1), &CandidateResult::Unqualified { reason });
    assert_eq!(attribution.result(2), &CandidateResult::Royalty);
    // Without a royalty of the same affiliate, the code gets the unqualified conversion.
    let attribution = decided(report.clone(), &[jane.clone(), sku(2, "CAP", MAX)]);
    assert_eq!(attribution.paid(), [(JANE, 0), (MAX, 125)]);
    // A SKU that isn't on the order, or is no longer the affiliate's, earns no royalty.
    let mut released = sku(2, "CAP", JANE);
    released.owned_until = Some(march(2));
    for gone in [sku(2, "HAT", JANE), released] {
        assert_eq!(decided(report.clone(), &[jane.clone(), gone]).paid(), [(JANE, 0)]);
    }
    // If a member overrules the reason, the code counts for the whole order.
    let attribution = overruling(report, &[jane, sku(2, "CAP", JANE)], &[JANE]);
    assert_eq!(attribution.paid(), [(JANE, 325)]);
}

#[test]
fn a_royalty_stays_beside_whatever_else_is_on_the_order() {
    let report = order()
        .with_line("TEE", 1, 2000)
        .with_line("CAP", 1, 1250)
        .with_code("JANE10", 0)
        .with_code("MAX20", 0);
    let royalty = sku(3, "CAP", JANE);
    let (jane, max) = (code(1, "JANE10", JANE), code(2, "MAX20", MAX));
    // Jane's code can't be credited but Max's can. He wins, and she still gets her royalty.
    let attribution =
        decided(report.clone(), &[excluded(jane.clone()), max.clone(), royalty.clone()]);
    assert_eq!(attribution.paid(), [(MAX, 325), (JANE, 125)]);
    assert!(matches!(attribution.lost(1), LostReason::Ineligible { .. }));
    // Jane's code is valid: she wins by position, and keeps her royalty when the rule ranks her
    // code lower.
    let attribution =
        decided(report.clone(), &[max.clone(), jane.clone().created(5), royalty.clone()]);
    assert_eq!(attribution.paid(), [(JANE, 325)], "position");
    let rules =
        CalculationLogic { precedence: Precedence::OldestTrigger, ..CalculationLogic::default() };
    let late = jane.clone().created(5);
    let attribution = decided_by(report.clone(), &[max.clone(), late, royalty.clone()], rules);
    assert_eq!(attribution.paid(), [(MAX, 325), (JANE, 125)]);
    // Neither code can be credited, so her royalty is the only credit.
    let both = [excluded(jane), excluded(max), royalty.clone()];
    assert_eq!(decided(report.clone(), &both).paid(), [(JANE, 125)]);
    // An objection to the affiliate also blocks the royalty.
    let mut own = report;
    own.customer_email = Some("jane@affiliates.example".into());
    let attribution = decided(own, &[code(1, "JANE10", JANE), royalty]);
    assert_eq!(attribution.paid(), [(JANE, 0)]);
    assert_eq!(attribution.credits[0].via, CreditKind::Coupon);
}

#[test]
fn a_royalty_of_an_affiliate_who_cannot_be_credited_is_unqualified() {
    let disabled = sku(2, "TEE", MAX).with_status(AffiliateStatus::Disabled);
    let attribution = decided(tee().with_code("JANE10", 0), &[code(1, "JANE10", JANE), disabled]);
    assert_eq!(attribution.paid(), [(JANE, 291), (MAX, 0)]);
    assert!(matches!(attribution.result(2), CandidateResult::Unqualified { .. }));
}

#[test]
fn an_order_credited_by_hand_is_credited_so_before_all() {
    let manual = ManualCredit {
        affiliate: CandidateAffiliate { status: AffiliateStatus::Disabled, ..affiliate(SUE) },
        terms: per_order(500),
        credited_by: "Olga Owner".into(),
        at: march(12),
        note: "Forgot her code".into(),
    };
    let overrides = Overrides { manual: Some(manual), ..Overrides::default() };
    let candidates = [code(1, "JANE10", JANE), sku(2, "TEE", MAX), sku(3, "TEE", SUE)];
    let state = OrderState::from(tee().with_code("JANE10", 323));
    let attribution = decide(&state, &candidates, &CalculationLogic::default(), &overrides);
    assert_eq!(attribution.paid(), [(SUE, 500), (MAX, 291)]);
    let credit = &attribution.credits[0];
    assert_eq!((credit.via, credit.trigger_id), (CreditKind::Manual, None));
    for lost in [1, 3] {
        assert!(matches!(attribution.lost(lost), LostReason::CreditedManually { .. }));
    }
    // A manual credit needs no candidates.
    assert_eq!(decide(&state, &[], &CalculationLogic::default(), &overrides).paid(), [(SUE, 500)]);
}
