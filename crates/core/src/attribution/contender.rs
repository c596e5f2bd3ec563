//! Evaluates each candidate against one order and ranks them.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};

use super::input::{Candidate, Overrides, Precedence, Terms};
use super::record::{Advantage, LostReason, Unqualified, Winner};
use crate::affiliate::AffiliateStatus;
use crate::email::EmailKey;
use crate::money::Currency;
use crate::order::snapshot::OrderSnapshot;
use crate::trigger::TriggerKind;

/// A candidate with the facts of one order.
pub(super) struct Contender<'a> {
    pub candidate: &'a Candidate,
    /// The index of the code, or of the SKU's first line, on the order.
    position: usize,
    /// The discount of the code in minor units; 0 for other kinds.
    pub discount_minor: i64,
    /// Why the candidate isn't considered: it wasn't active when the order was placed, or isn't on
    /// the order.
    pub out_of_force: Option<LostReason>,
    /// Why it would earn nothing.
    pub unqualified: Option<Unqualified>,
    /// The reason to earn nothing that a merchant overruled.
    pub overruled: Option<Unqualified>,
}

/// The value that the merchant's rule compares. Within one decision it's always the same variant.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum ByRule {
    Position(usize),
    Discount(Reverse<i64>),
    Age(DateTime<Utc>),
}

/// All candidates, sorted by their own values only, so the result doesn't depend on the input
/// order.
pub(super) fn contenders<'a>(
    report: &OrderSnapshot,
    candidates: &'a [Candidate],
    overrides: &Overrides,
) -> Vec<Contender<'a>> {
    let order = OrderKeys::of(report);
    let mut field: Vec<Contender<'a>> =
        candidates.iter().map(|candidate| Contender::new(candidate, &order, overrides)).collect();
    field.sort_by_key(|contender| contender.place());
    field.dedup_by_key(|contender| contender.place());
    field
}

/// The order's codes, SKUs and email as keys, computed once.
struct OrderKeys<'a> {
    report: &'a OrderSnapshot,
    codes: Vec<String>,
    skus: Vec<Option<String>>,
    email: Option<EmailKey>,
}

impl<'a> OrderKeys<'a> {
    fn of(report: &'a OrderSnapshot) -> Self {
        Self {
            report,
            codes: report.codes.iter().map(|code| code.key()).collect(),
            skus: report.lines.iter().map(|line| line.sku_key()).collect(),
            email: report.customer_email.as_deref().and_then(|email| EmailKey::parse(email).ok()),
        }
    }

    /// The index of the candidate's code or SKU on the order; 0 for a matching email.
    fn position(&self, candidate: &Candidate) -> Option<usize> {
        let key = candidate.key.as_str();
        match candidate.kind {
            TriggerKind::CouponCode => self.codes.iter().position(|code| code == key),
            TriggerKind::Sku => self.skus.iter().position(|sku| sku.as_deref() == Some(key)),
            TriggerKind::CustomerEmail => {
                self.email.as_ref().is_some_and(|email| email.as_str() == key).then_some(0)
            }
        }
    }

    /// The discount of a code, summed over all its spellings on the order.
    fn discount(&self, candidate: &Candidate) -> i64 {
        if candidate.kind != TriggerKind::CouponCode {
            return 0;
        }
        let carried = self.codes.iter().zip(&self.report.codes);
        carried
            .filter(|(key, _)| **key == candidate.key)
            .fold(0, |sum, (_, code)| sum.saturating_add(code.discount_minor))
    }

    fn out_of_force(&self, candidate: &Candidate, on_order: bool) -> Option<LostReason> {
        let placed_at = self.report.placed_at;
        if !on_order {
            return Some(LostReason::NotOnOrder);
        }
        if placed_at < candidate.owned_from {
            return Some(LostReason::NotYetOwned { from: candidate.owned_from });
        }
        if let Some(until) = candidate.owned_until.filter(|until| *until <= placed_at) {
            return Some(LostReason::NoLongerOwned { until });
        }
        let retired = candidate.retired_at.filter(|at| *at <= placed_at);
        retired.map(|at| LostReason::Retired { at })
    }

    /// Why the affiliate earns nothing, unless a merchant overrules it.
    fn objection(&self, candidate: &Candidate) -> Option<Unqualified> {
        let affiliate = &candidate.affiliate;
        if self.report.is_test {
            return Some(Unqualified::TestOrder);
        }
        if affiliate.status != AffiliateStatus::Active {
            return Some(Unqualified::InactiveAffiliate { status: affiliate.status });
        }
        if let Some(exclusion_id) = candidate.excluded_by {
            return Some(Unqualified::ExcludedCode { exclusion_id });
        }
        let customer = self.email.as_ref()?;
        let is_own = |known: &String| EmailKey::parse(known).is_ok_and(|known| known == *customer);
        affiliate.emails.iter().any(is_own).then_some(Unqualified::OwnPurchase)
    }
}

impl Unqualified {
    /// A flat amount can't be paid for an order in another currency.
    pub(super) fn by_currency(terms: &Terms, order: Currency) -> Option<Self> {
        let terms = terms.commission.currency().filter(|currency| *currency != order)?;
        Some(Self::OtherCurrency { terms, order })
    }
}

impl<'a> Contender<'a> {
    fn new(candidate: &'a Candidate, order: &OrderKeys<'_>, overrides: &Overrides) -> Self {
        let position = order.position(candidate);
        let objection = order.objection(candidate);
        let is_overruled = overrides.overruled.contains(&candidate.affiliate.id);
        let (overruled, stands) = if is_overruled { (objection, None) } else { (None, objection) };
        let by_currency = Unqualified::by_currency(&candidate.terms, order.report.currency);
        Self {
            candidate,
            position: position.unwrap_or(usize::MAX),
            discount_minor: order.discount(candidate),
            out_of_force: order.out_of_force(candidate, position.is_some()),
            unqualified: stands.or(by_currency),
            overruled,
        }
    }

    /// The sort key in the record. No two candidates share all of it.
    fn place(&self) -> (TriggerKind, usize, DateTime<Utc>, i64, i64, DateTime<Utc>) {
        let candidate = self.candidate;
        (
            candidate.kind,
            self.position,
            candidate.trigger_created_at,
            candidate.trigger_id,
            candidate.affiliate.id,
            candidate.owned_from,
        )
    }

    /// The smallest rank wins. Candidates that can be credited come first, then coupon codes before
    /// emails, then the merchant's rule. Ties are decided by position on the order, age of the
    /// trigger, then its id.
    pub(super) fn rank(&self, rule: Precedence) -> impl Ord + use<> {
        let candidate = self.candidate;
        let age = candidate.trigger_created_at;
        let by_rule = match rule {
            Precedence::FirstOnOrder => ByRule::Position(self.position),
            Precedence::LargestDiscount => ByRule::Discount(Reverse(self.discount_minor)),
            Precedence::OldestTrigger => ByRule::Age(age),
        };
        let tie = (self.position, age, candidate.trigger_id, candidate.affiliate.id);
        (self.unqualified.is_some(), candidate.kind, by_rule, tie)
    }

    pub(super) fn lost_to(&self, winner: &Contender<'_>, rule: Precedence) -> LostReason {
        let (this, other) = (self.candidate, winner.candidate);
        let named = Winner { value: other.value.clone(), affiliate: other.affiliate.name.clone() };
        if this.affiliate.id == other.affiliate.id {
            return LostReason::CreditedAlready { through: other.value.clone() };
        }
        match self.unqualified {
            Some(reason) if winner.unqualified.is_none() => {
                LostReason::Ineligible { reason, winner: named }
            }
            _ if this.kind != other.kind => LostReason::CouponComesFirst { winner: named },
            _ => {
                LostReason::Outranked { by: winner.advantage_over(self, rule), winner: named, rule }
            }
        }
    }

    /// The first criterion by which this one is ahead, starting with the merchant's rule.
    fn advantage_over(&self, other: &Contender<'_>, rule: Precedence) -> Advantage {
        let by_rule = match rule {
            Precedence::FirstOnOrder => Advantage::EarlierOnOrder,
            Precedence::LargestDiscount => Advantage::LargerDiscount,
            Precedence::OldestTrigger => Advantage::OlderTrigger,
        };
        [by_rule, Advantage::EarlierOnOrder, Advantage::OlderTrigger]
            .into_iter()
            .find(|advantage| match advantage {
                Advantage::EarlierOnOrder => self.position < other.position,
                Advantage::LargerDiscount => self.discount_minor > other.discount_minor,
                Advantage::OlderTrigger => {
                    self.candidate.trigger_created_at < other.candidate.trigger_created_at
                }
                Advantage::EnteredFirst => true,
            })
            .unwrap_or(Advantage::EnteredFirst)
    }
}
