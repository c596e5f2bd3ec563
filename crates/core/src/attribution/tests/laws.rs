//! Property tests: rules that hold for every order and every set of candidates.

use proptest::prelude::*;

use super::fixtures::*;
use crate::affiliate::AffiliateStatus;
use crate::attribution::*;
use crate::calendar::Calendar;
use crate::money::{Currency, Rate};
use crate::order::amounts::line_amounts;
use crate::order::fixtures::{march, order, refund};
use crate::order::{LineKind, OrderSnapshot, OrderState, PaymentState};

fn any_terms() -> impl Strategy<Value = Terms> {
    let currency = prop::sample::select(vec![Currency::USD, Currency::USD, Currency::JPY]);
    let commission = prop_oneof![
        (0..=10_000_i64).prop_map(|points| Commission::Percent {
            rate: Rate::from_basis_points(points).unwrap()
        }),
        (0..900_i64, currency.clone()).prop_map(|(amount_minor, currency)| {
            Commission::FlatPerOrder { amount_minor, currency }
        }),
        (0..900_i64, currency).prop_map(|(amount_minor, currency)| Commission::FlatPerItem {
            amount_minor,
            currency
        }),
    ];
    (commission, any::<bool>()).prop_map(|(commission, excludes)| Terms {
        excluded_skus: if excludes { vec!["S1".into()] } else { Vec::new() },
        ..terms(commission)
    })
}

fn any_candidates() -> impl Strategy<Value = Vec<Candidate>> {
    let status = prop::sample::select(vec![
        AffiliateStatus::Active,
        AffiliateStatus::Active,
        AffiliateStatus::Active,
        AffiliateStatus::Disabled,
    ]);
    let one = (0..6_usize, 0..3_i64, 1..14_u32, status, any_terms(), 5..14_u32, any::<bool>());
    prop::collection::vec(one, 0..6).prop_map(|all| {
        let numbered = all.into_iter().zip(0_i64..);
        numbered
            .map(|((what, owner, day, status, terms, until, ends), id)| {
                let owner = JANE + owner;
                let candidate = match what {
                    0..3 => code(id, ["C0", "C1", "C2"][what], owner),
                    3 => email(id, "carla@example.com", owner),
                    _ => sku(id, ["S0", "S1"][what - 4], owner),
                };
                let candidate = candidate.created(day).with_status(status).on(terms);
                Candidate { owned_until: ends.then(|| march(until)), ..candidate }
            })
            .collect()
    })
}

fn any_order() -> impl Strategy<Value = OrderSnapshot> {
    let kind = prop::sample::select(LineKind::ALL);
    let line = (0..3_usize, 0..4_i64, 0..5_000_i64, 0..2_000_i64, kind);
    let part = (0..3_usize, 0..4_i64, 0..9_000_i64);
    (
        prop::collection::vec(line, 0..5),
        prop::collection::vec((part, 0..500_i64), 0..3),
        prop::collection::vec((0..4_usize, 0..500_i64), 0..4),
        (any::<bool>(), prop::bool::weighted(0.1), prop::bool::weighted(0.2), 0..900_i64),
        prop::sample::select(PaymentState::ALL),
    )
        .prop_map(
            |(lines, refunds, codes, (by_jane, is_test, cancelled, shipping_minor), payment)| {
                let mut report = OrderSnapshot {
                    is_test,
                    payment,
                    shipping_minor,
                    cancelled_at: cancelled.then(|| march(12)),
                    ..order()
                };
                if by_jane {
                    report.customer_email = Some("jane@affiliates.example".into());
                }
                for (i, (sku, quantity, price, discount, kind)) in lines.into_iter().enumerate() {
                    report = report.with_line(["S0", "S1", "S2"][sku], quantity, price);
                    report.lines[i].line_ref = i.to_string();
                    report.lines[i].discount_minor = discount;
                    report.lines[i].kind = kind;
                }
                for (code, discount) in codes {
                    report = report.with_code(["c0", "C1 ", "C2", "OTHER"][code], discount);
                }
                for (i, ((line, quantity, amount), goodwill)) in refunds.into_iter().enumerate() {
                    let mut one =
                        refund(&i.to_string()).of_line(&line.to_string(), quantity, amount);
                    one.adjustment_minor = goodwill;
                    report = report.with_refund(one);
                }
                report
            },
        )
}

fn any_rules() -> impl Strategy<Value = CalculationLogic> {
    let precedence = prop::sample::select(vec![
        Precedence::FirstOnOrder,
        Precedence::LargestDiscount,
        Precedence::OldestTrigger,
    ]);
    let orders_count_when = prop::sample::select(OrdersCountWhen::ALL);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (precedence, flags, orders_count_when).prop_map(
        |(precedence, (include_tax, include_shipping, gift_cards_earn, tips_earn), count_when)| {
            CalculationLogic {
                precedence,
                include_tax,
                include_shipping,
                gift_cards_earn,
                tips_earn,
                orders_count_when: count_when,
                ..CalculationLogic::default()
            }
        },
    )
}

fn any_overrides() -> impl Strategy<Value = Overrides> {
    let manual = (0..3_i64, any_terms()).prop_map(|(owner, terms)| ManualCredit {
        affiliate: affiliate(JANE + owner),
        terms,
        credited_by: "Olga Owner".into(),
        at: march(12),
        note: String::new(),
    });
    let overruled = prop::collection::btree_set(JANE..JANE + 3, 0..2);
    (prop::option::weighted(0.2, manual), overruled)
        .prop_map(|(manual, overruled)| Overrides { manual, overruled })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_order_of_candidates_does_not_matter(
        report in any_order(),
        (candidates, shuffled) in any_candidates().prop_flat_map(|all| {
            (Just(all.clone()), Just(all).prop_shuffle())
        }),
        rules in any_rules(),
        overrides in any_overrides(),
    ) {
        let state = OrderState::from(report);
        prop_assert_eq!(
            decide(&state, &candidates, &rules, &overrides),
            decide(&state, &shuffled, &rules, &overrides)
        );
    }

    #[test]
    fn every_decision_keeps_the_rules_of_money(
        report in any_order(),
        candidates in any_candidates(),
        rules in any_rules(),
        overrides in any_overrides(),
    ) {
        let payment = report.payment;
        let state = OrderState::from(report);
        let attribution = decide(&state, &candidates, &rules, &overrides);

        // The merchant's totals count each line once. This only holds with one royalty, because
        // outside of this test a SKU has one owner.
        let royalties = attribution.credits.iter().filter(|credit| credit.via == CreditKind::Sku);
        if royalties.count() <= 1 {
            let own = |credit: &Credit| credit.revenue_minor - credit.shared_revenue_minor;
            let once: i64 = attribution.credits.iter().map(own).sum();
            let amounts = line_amounts(&state, rules.basis());
            let lines: i64 = amounts.iter().map(|line| line.net_minor()).sum();
            prop_assert!((0..=lines).contains(&once));
        }

        let credited: std::collections::BTreeSet<i64> =
            attribution.credits.iter().map(|credit| credit.affiliate.id).collect();
        prop_assert_eq!(credited.len(), attribution.credits.len(), "an affiliate is credited once");

        for credit in &attribution.credits {
            let Components { sale, refund, cancellation } = credit.would_be;
            prop_assert!(sale >= 0 && refund <= 0 && cancellation <= 0);
            prop_assert!(credit.would_be.total() >= 0);
            prop_assert_eq!(attribution.undone.is_some() && sale + refund > 0, cancellation < 0);
            let lines: i64 = credit.lines.iter().map(|line| line.commission_minor).sum();
            prop_assert_eq!(lines, sale + refund, "the lines add up");
            let expected =
                if credit.is_qualified() { credit.would_be } else { Components::default() };
            prop_assert_eq!(credit.commission, expected);
            prop_assert!((0..=credit.gross_minor).contains(&credit.revenue_minor));
            let shared = (credit.shared_revenue_minor, credit.shared_refunded_minor);
            prop_assert!((0..=credit.revenue_minor).contains(&shared.0));
            prop_assert!((0..=credit.refunded_minor).contains(&shared.1));
            prop_assert!(credit.via == CreditKind::Sku || shared == (0, 0));
            let counts_when_paid = rules.orders_count_when == OrdersCountWhen::Paid;
            prop_assert!(counts_when_paid || !credit.not_paid_yet);
            let never = [PaymentState::Expired, PaymentState::Voided].contains(&payment);
            prop_assert!(!(counts_when_paid && never && credit.is_qualified()));
        }

        prop_assert_eq!(attribution.outcomes.len(), candidates.len(), "nobody is left out");
        prop_assert!(attribution.outcomes.iter().all(|o| o.result != CandidateResult::Unknown));
        let wins = attribution.outcomes.iter().filter(|o| o.result == CandidateResult::Won).count();
        prop_assert!(wins <= usize::from(overrides.manual.is_none()));
    }

    #[test]
    fn a_decision_survives_json_and_speaks(
        report in any_order(),
        candidates in any_candidates(),
        rules in any_rules(),
        overrides in any_overrides(),
    ) {
        let state = OrderState::from(report);
        let attribution = decide(&state, &candidates, &rules, &overrides);
        let json = serde_json::to_value(&attribution).unwrap();
        prop_assert_eq!(serde_json::from_value::<Attribution>(json).unwrap(), attribution.clone());
        prop_assert!(!attribution.sentences(Calendar::UTC, &[]).is_empty());
        let outcomes = attribution.outcomes.iter().map(|outcome| outcome.sentence(Calendar::UTC, &[]));
        prop_assert!(outcomes.into_iter().all(|sentence| sentence.ends_with('.')));
    }

    #[test]
    fn the_ledger_of_a_decision_converges(
        reports in prop::collection::vec((any_order(), any::<bool>()), 1..5),
        candidates in any_candidates(),
    ) {
        let mut held: Vec<LedgerBalance> = Vec::new();
        for (mut report, is_in_yen) in reports {
            if is_in_yen {
                report.currency = Currency::JPY;
            }
            let own = report.currency;
            let attribution = decided(report, &candidates);
            let of_jane = attribution.credits.iter().find(|credit| credit.affiliate.id == JANE);
            let target = of_jane.map(|credit| credit.commission).unwrap_or_default();
            for entry in ledger_difference(&held, own, &target) {
                add(&mut held, entry);
            }
            for part in &held {
                let due = if part.currency == own { target } else { Components::default() };
                prop_assert_eq!(part.components, due);
            }
            prop_assert!(ledger_difference(&held, own, &target).is_empty());
        }
    }
}

fn add(held: &mut Vec<LedgerBalance>, entry: NewLedgerEntry) {
    let at = held.iter().position(|part| part.currency == entry.currency).unwrap_or_else(|| {
        held.push(LedgerBalance::nothing(entry.currency));
        held.len() - 1
    });
    let part = &mut held[at];
    let more = Components::of_entries([(entry.kind, entry.amount_minor)]);
    part.components.sale += more.sale;
    part.components.refund += more.refund;
    part.components.cancellation += more.cancellation;
    part.has_sale |= entry.kind == EntryKind::Sale;
}
