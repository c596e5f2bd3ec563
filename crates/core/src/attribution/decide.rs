//! Decides which affiliates are credited for an order.
//!
//! Only candidates that were active when the order was placed compete. Those that can be credited
//! rank before those that can't, coupon codes before customer emails, then the merchant's rule
//! decides. The best one is credited with the order. SKU triggers also earn on their own lines. A
//! manual credit comes before everything else.

use std::collections::BTreeSet;

use super::commission::{After, CreditedLines, Overlap, earn};
use super::contender::{Contender, contenders};
use super::input::{
    CalculationLogic, Candidate, CandidateAffiliate, ManualCredit, Overrides, Paid, Terms,
};
use super::ledger::Components;
use super::record::{
    AffiliateName, Attribution, CandidateOutcome, CandidateResult, Credit, CreditKind, LostReason,
    Unqualified, takes_back,
};
use crate::money::Currency;
use crate::order::OrderState;
use crate::order::amounts::{LineAmounts, line_amounts};
use crate::order::snapshot::OrderSnapshot;
use crate::order::state::Undone;
use crate::trigger::TriggerKind;

/// Computes every conversion that the order should have now.
///
/// The order of `candidates` doesn't matter. Candidates that don't match the order are recorded as
/// lost. No one is credited while only a refund is known, because the order itself is missing.
pub fn decide(
    state: &OrderState,
    candidates: &[Candidate],
    rules: &CalculationLogic,
    overrides: &Overrides,
) -> Attribution {
    let Some(report) = &state.report else {
        let undone = state.undone();
        return Attribution { rules: *rules, undone, ..Attribution::default() };
    };
    let payment = rules.payment(report.payment);
    // If orders count only once paid, a voided payment makes each credit unqualified instead of
    // canceling the sale.
    let is_by_payment =
        |undone: &Undone| *undone == Undone::Voided && matches!(payment, Paid::Never(_));
    let undone = state.undone().filter(|undone| !is_by_payment(undone));
    let amounts = line_amounts(state, rules.basis());
    let sums = Sums { amounts: &amounts, currency: report.currency, undone, payment, rules };
    let field = contenders(report, candidates, overrides);
    let main = match &overrides.manual {
        Some(manual) => Main::Manual(manual),
        None => best(&field, rules).map_or(Main::Nobody, |best| Main::of(best, &field)),
    };

    let mut credits: Vec<Credit> = main.credit(&sums).into_iter().collect();
    credits.extend(royalties(&field, &main, &sums));
    Attribution {
        currency: Some(report.currency),
        rules: *rules,
        undone,
        outcomes: field
            .iter()
            .map(|contender| outcome(contender, &main, &credits, rules))
            .collect(),
        credits,
        other_codes: other_codes(report, candidates),
    }
}

/// The inputs of every credit of an order.
struct Sums<'a> {
    amounts: &'a [LineAmounts<'a>],
    currency: Currency,
    undone: Option<Undone>,
    payment: Paid,
    rules: &'a CalculationLogic,
}

/// The affiliate that is credited with the order as a whole.
enum Main<'a> {
    Manual(&'a ManualCredit),
    Won(&'a Contender<'a>),
    /// The best candidate would earn nothing, but its affiliate has a royalty that does earn. An
    /// affiliate is credited once per order, so it gets the royalty.
    LeftToRoyalty(&'a Contender<'a>),
    Nobody,
}

/// The best active candidate, SKU triggers aside.
fn best<'a>(field: &'a [Contender<'a>], rules: &CalculationLogic) -> Option<&'a Contender<'a>> {
    field
        .iter()
        .filter(|contender| contender.out_of_force.is_none())
        .filter(|contender| contender.candidate.kind != TriggerKind::Sku)
        .min_by_key(|contender| contender.rank(rules.precedence))
}

impl<'a> Main<'a> {
    fn of(best: &'a Contender<'a>, field: &[Contender<'_>]) -> Self {
        let affiliate_id = best.candidate.affiliate.id;
        let earns_royalty = field.iter().any(|contender| {
            contender.candidate.kind == TriggerKind::Sku
                && contender.candidate.affiliate.id == affiliate_id
                && contender.out_of_force.is_none()
                && contender.unqualified.is_none()
        });
        match best.unqualified {
            Some(_) if earns_royalty => Self::LeftToRoyalty(best),
            _ => Self::Won(best),
        }
    }
}

impl Main<'_> {
    /// The affiliate whose credit covers the whole order, so they get no royalties.
    fn affiliate_id(&self) -> Option<i64> {
        match self {
            Self::Manual(manual) => Some(manual.affiliate.id),
            Self::Won(winner) => Some(winner.candidate.affiliate.id),
            Self::LeftToRoyalty(_) | Self::Nobody => None,
        }
    }

    fn terms(&self) -> Option<&Terms> {
        match self {
            Self::Manual(manual) => Some(&manual.terms),
            Self::Won(winner) => Some(&winner.candidate.terms),
            Self::LeftToRoyalty(_) | Self::Nobody => None,
        }
    }

    fn credit(&self, sums: &Sums<'_>) -> Option<Credit> {
        match self {
            Self::Manual(manual) => Some(manual_credit(manual, sums)),
            Self::Won(winner) => Some(credit(winner, &CreditedLines::WholeOrder, sums)),
            Self::LeftToRoyalty(_) | Self::Nobody => None,
        }
    }
}

fn manual_credit(manual: &ManualCredit, sums: &Sums<'_>) -> Credit {
    Credit {
        affiliate: name_of(&manual.affiliate),
        via: CreditKind::Manual,
        // A manual credit overrules every objection, except a flat amount in another currency,
        // which can't be computed.
        unqualified: Unqualified::by_currency(&manual.terms, sums.currency),
        ..earnings(&manual.terms, &CreditedLines::WholeOrder, sums)
    }
    .settled(sums.payment)
}

fn credit(contender: &Contender<'_>, scope: &CreditedLines, sums: &Sums<'_>) -> Credit {
    let candidate = contender.candidate;
    Credit {
        affiliate: name_of(&candidate.affiliate),
        trigger_id: Some(candidate.trigger_id),
        value: candidate.value.clone(),
        via: candidate.kind.into(),
        unqualified: contender.unqualified,
        overruled: contender.overruled,
        discount_minor: contender.discount_minor,
        ..earnings(&candidate.terms, scope, sums)
    }
    .settled(sums.payment)
}

/// The fields of a credit that follow from the terms.
fn earnings(terms: &Terms, scope: &CreditedLines, sums: &Sums<'_>) -> Credit {
    let after = After {
        takes_back: takes_back(sums.undone, sums.rules),
        keeps_refunded: sums.rules.keeps_refunded,
    };
    let earned = earn(sums.amounts, scope, terms, sums.rules, sums.currency, after);
    let net = earned.gross_minor - earned.refunded_minor;
    Credit {
        offer_id: terms.offer_id,
        offer_name: terms.offer_name.clone(),
        auto_approve: terms.auto_approve,
        rate: terms.commission,
        revenue_minor: if sums.undone.is_some() { 0 } else { net },
        gross_minor: earned.gross_minor,
        refunded_minor: earned.refunded_minor,
        would_be: earned.commission,
        lines: earned.lines,
        ..Credit::default()
    }
}

impl Credit {
    /// Sets the commission, which is zero while the credit is unqualified.
    fn settled(mut self, payment: Paid) -> Self {
        match payment {
            Paid::Counts => {}
            Paid::NotYet => self.not_paid_yet = true,
            Paid::Never(reason) => self.unqualified = self.unqualified.or(Some(reason)),
        }
        self.commission = if self.is_qualified() { self.would_be } else { Components::default() };
        self
    }
}

/// One credit per affiliate with SKU triggers, except the affiliate credited with the whole order.
fn royalties(field: &[Contender<'_>], main: &Main<'_>, sums: &Sums<'_>) -> Vec<Credit> {
    let holders: Vec<&Contender<'_>> = field
        .iter()
        .filter(|contender| contender.out_of_force.is_none())
        .filter(|contender| contender.candidate.kind == TriggerKind::Sku)
        .filter(|contender| main.affiliate_id() != Some(contender.candidate.affiliate.id))
        .collect();
    let mut credited = BTreeSet::new();
    holders
        .iter()
        .filter(|lead| credited.insert(lead.candidate.affiliate.id))
        .map(|lead| {
            let keys = holders
                .iter()
                .filter(|other| other.candidate.affiliate.id == lead.candidate.affiliate.id)
                .map(|other| other.candidate.key.clone())
                .collect();
            royalty(lead, &CreditedLines::Skus(keys), main, sums)
        })
        .collect()
}

/// A credit for the lines of its SKUs, with the amounts that the main credit also earns from.
fn royalty(
    lead: &Contender<'_>,
    scope: &CreditedLines,
    main: &Main<'_>,
    sums: &Sums<'_>,
) -> Credit {
    let credit = credit(lead, scope, sums);
    let Some(terms) = main.terms() else { return credit };
    let shared = Overlap::of(sums.amounts, (scope, &lead.candidate.terms), terms, sums.rules);
    Credit {
        shared_revenue_minor: if sums.undone.is_some() { 0 } else { shared.net_minor() },
        shared_refunded_minor: shared.refunded_minor,
        ..credit
    }
}

fn outcome(
    contender: &Contender<'_>,
    main: &Main<'_>,
    credits: &[Credit],
    rules: &CalculationLogic,
) -> CandidateOutcome {
    let candidate = contender.candidate;
    CandidateOutcome {
        trigger_id: candidate.trigger_id,
        kind: Some(candidate.kind),
        value: candidate.value.clone(),
        affiliate: name_of(&candidate.affiliate),
        discount_minor: contender.discount_minor,
        result: candidate_result(contender, main, credits, rules),
    }
}

fn candidate_result(
    contender: &Contender<'_>,
    main: &Main<'_>,
    credits: &[Credit],
    rules: &CalculationLogic,
) -> CandidateResult {
    if let Some(reason) = contender.out_of_force.clone() {
        return CandidateResult::Lost { reason };
    }
    let affiliate_id = contender.candidate.affiliate.id;
    let of_affiliate = credits.iter().find(|credit| credit.affiliate.id == affiliate_id);
    let of_credit = of_affiliate.and_then(|credit| credit.unqualified);
    let credited = |reason: Option<Unqualified>, won: CandidateResult| match reason {
        Some(reason) => CandidateResult::Unqualified { reason },
        None => won,
    };
    if contender.candidate.kind == TriggerKind::Sku && main.affiliate_id() != Some(affiliate_id) {
        // All SKUs of one affiliate share a credit, so they're all qualified or all unqualified.
        return credited(of_credit, CandidateResult::Royalty);
    }
    match main {
        Main::Manual(manual) => CandidateResult::Lost {
            reason: LostReason::CreditedManually {
                to: manual.affiliate.name.clone(),
                by: manual.credited_by.clone(),
                at: manual.at,
            },
        },
        Main::Won(best) | Main::LeftToRoyalty(best) if std::ptr::eq(*best, contender) => {
            credited(contender.unqualified.or(of_credit), CandidateResult::Won)
        }
        Main::Won(best) | Main::LeftToRoyalty(best) => {
            CandidateResult::Lost { reason: contender.lost_to(best, rules.precedence) }
        }
        // Unreachable: any active candidate for the whole order would itself be the best one.
        Main::Nobody => CandidateResult::Unknown,
    }
}

/// Codes on the order that don't belong to any affiliate, as typed.
fn other_codes(report: &OrderSnapshot, candidates: &[Candidate]) -> Vec<String> {
    let mut seen: BTreeSet<&str> = candidates
        .iter()
        .filter(|candidate| candidate.kind == TriggerKind::CouponCode)
        .map(|candidate| candidate.key.as_str())
        .collect();
    let keys: Vec<String> = report.codes.iter().map(|code| code.key()).collect();
    let typed = report.codes.iter().map(|code| code.code.clone());
    keys.iter().zip(typed).filter(|(key, _)| seen.insert(key)).map(|(_, typed)| typed).collect()
}

fn name_of(affiliate: &CandidateAffiliate) -> AffiliateName {
    AffiliateName {
        id: affiliate.id,
        public_id: affiliate.public_id.clone(),
        name: affiliate.name.clone(),
    }
}
