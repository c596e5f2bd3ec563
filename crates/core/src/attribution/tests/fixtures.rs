//! Test data for attribution: two affiliates with codes, and short ways to decide.

use crate::affiliate::AffiliateStatus;
use crate::attribution::*;
use crate::code::key_of_reported_code;
use crate::email::EmailKey;
use crate::money::{Currency, Rate};
use crate::order::fixtures::march;
use crate::order::{OrderSnapshot, OrderState};
use crate::trigger::TriggerKind;

pub(super) const JANE: i64 = 7001;
pub(super) const MAX: i64 = 7002;
pub(super) const SUE: i64 = 7003;

pub(super) fn ten_percent() -> Terms {
    terms(Commission::Percent { rate: Rate::percent(10) })
}

pub(super) fn terms(commission: Commission) -> Terms {
    Terms {
        offer_id: 40,
        offer_name: "Standard".into(),
        commission,
        excluded_skus: Vec::new(),
        auto_approve: false,
    }
}

pub(super) fn per_order(amount_minor: i64) -> Terms {
    terms(Commission::FlatPerOrder { amount_minor, currency: Currency::USD })
}

pub(super) fn per_item(amount_minor: i64) -> Terms {
    terms(Commission::FlatPerItem { amount_minor, currency: Currency::USD })
}

pub(super) fn affiliate(id: i64) -> CandidateAffiliate {
    let name = match id {
        JANE => "Jane",
        MAX => "Max",
        _ => "Sue",
    };
    CandidateAffiliate {
        id,
        public_id: format!("a{id}"),
        name: name.into(),
        emails: vec![format!("{}@affiliates.example", name.to_lowercase())],
        status: AffiliateStatus::Active,
    }
}

/// Active since March 1, at ten percent. Trigger ids differ from affiliate ids, so mixing them up
/// fails.
fn candidate(trigger_id: i64, kind: TriggerKind, value: &str, owner: i64) -> Candidate {
    let key = match kind {
        TriggerKind::CustomerEmail => EmailKey::parse(value).unwrap().as_str().to_owned(),
        TriggerKind::CouponCode | TriggerKind::Sku => key_of_reported_code(value),
    };
    Candidate {
        trigger_id,
        kind,
        value: value.into(),
        key,
        trigger_created_at: march(1),
        affiliate: affiliate(owner),
        owned_from: march(1),
        owned_until: None,
        retired_at: None,
        excluded_by: None,
        terms: ten_percent(),
    }
}

pub(super) fn code(trigger_id: i64, value: &str, owner: i64) -> Candidate {
    candidate(trigger_id, TriggerKind::CouponCode, value, owner)
}

pub(super) fn email(trigger_id: i64, value: &str, owner: i64) -> Candidate {
    candidate(trigger_id, TriggerKind::CustomerEmail, value, owner)
}

pub(super) fn sku(trigger_id: i64, value: &str, owner: i64) -> Candidate {
    candidate(trigger_id, TriggerKind::Sku, value, owner)
}

impl Candidate {
    pub(super) fn on(mut self, terms: Terms) -> Self {
        self.terms = terms;
        self
    }

    pub(super) fn created(mut self, day: u32) -> Self {
        self.trigger_created_at = march(day);
        self
    }

    pub(super) fn with_status(mut self, status: AffiliateStatus) -> Self {
        self.affiliate.status = status;
        self
    }
}

pub(super) fn decided(report: OrderSnapshot, candidates: &[Candidate]) -> Attribution {
    decided_by(report, candidates, CalculationLogic::default())
}

pub(super) fn decided_by(
    report: OrderSnapshot,
    candidates: &[Candidate],
    rules: CalculationLogic,
) -> Attribution {
    decide(&OrderState::from(report), candidates, &rules, &Overrides::default())
}

pub(super) fn overruling(
    report: OrderSnapshot,
    candidates: &[Candidate],
    affiliates: &[i64],
) -> Attribution {
    let overruled = affiliates.iter().copied().collect();
    let overrides = Overrides { overruled, ..Overrides::default() };
    decide(&OrderState::from(report), candidates, &CalculationLogic::default(), &overrides)
}

impl Attribution {
    /// Affiliate ids with their commission; unqualified credits earn 0.
    pub(super) fn paid(&self) -> Vec<(i64, i64)> {
        self.credits.iter().map(|c| (c.affiliate.id, c.commission.total())).collect()
    }

    pub(super) fn result(&self, trigger_id: i64) -> &CandidateResult {
        let of_trigger = |outcome: &&CandidateOutcome| outcome.trigger_id == trigger_id;
        &self.outcomes.iter().find(of_trigger).unwrap().result
    }

    pub(super) fn lost(&self, trigger_id: i64) -> &LostReason {
        match self.result(trigger_id) {
            CandidateResult::Lost { reason } => reason,
            other => panic!("{other:?}"),
        }
    }
}

pub(super) fn components(sale: i64, refund: i64, cancellation: i64) -> Components {
    Components { sale, refund, cancellation }
}
