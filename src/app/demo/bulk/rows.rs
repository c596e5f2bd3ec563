//! The rows of a big program. Each row depends on its number alone.

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use vouch_core::attribution::{
    Attribution, CalculationLogic, Candidate, CandidateAffiliate, ChainedEntry, Commission,
    LedgerEnd, Overrides, Terms, decide, ledger_difference,
};
use vouch_core::money::{Currency, Rate};
use vouch_core::order::{
    LineKind, OrderSnapshot, OrderState, PaymentState, RefundedLine, ReportedCode, ReportedLine,
    ReportedRefund,
};

use super::size::{OWNER, Size};
use super::stage::ReservedIds;
use crate::app::demo::catalog::{PRODUCTS, demo_customer};
use crate::app::demo::random::Random;
use crate::features::affiliates::AffiliateStatus;
use crate::features::conversions::{DenialReason, Review};
use crate::features::exclusions::look_alike::look_alike;
use crate::features::triggers::TriggerKind;

/// Orders are spread over this many days.
const DAYS: i64 = 91;

const FIRST: [&str; 12] = [
    "Amara",
    "Benoit",
    "Catalina",
    "Dmitri",
    "Elif",
    "Farid",
    "Greta",
    "Hiroshi",
    "Ingrid",
    "Joao",
    "Катерина",
    "美咲",
];
const LAST: [&str; 12] = [
    "Anders",
    "Bauer",
    "Castillo",
    "Dube",
    "Eriksen",
    "Fofana",
    "Garcia",
    "Hoang",
    "Ibrahim",
    "Jansen",
    "Κωνσταντίνου",
    "Müller-Lüdenscheidt",
];

pub(super) struct RowGenerator {
    pub(crate) size: Size,
    pub(crate) begun: DateTime<Utc>,
    pub(crate) now: DateTime<Utc>,
    /// Standard, then Partners.
    pub(crate) offers: [i64; 2],
    pub(crate) keys: ReservedIds,
}

#[derive(Serialize)]
pub(super) struct BulkAffiliate {
    id: i64,
    public_id: String,
    name: String,
    email: String,
    status: AffiliateStatus,
    offer_id: i64,
    at: DateTime<Utc>,
}

#[derive(Serialize)]
pub(super) struct BulkTrigger {
    id: i64,
    kind: TriggerKind,
    value: String,
    key: String,
    look_alike: Option<String>,
    affiliate_id: i64,
    at: DateTime<Utc>,
    retired_at: Option<DateTime<Utc>>,
}

#[derive(Serialize)]
pub(super) struct BulkOrder {
    id: i64,
    delivery_id: i64,
    order_ref: String,
    topic: &'static str,
    name: String,
    placed_at: DateTime<Utc>,
    reported_at: DateTime<Utc>,
    total_minor: i64,
    payment: PaymentState,
    cancelled_at: Option<DateTime<Utc>>,
    customer_name: Option<String>,
    customer_email: Option<String>,
    credited_affiliate_id: Option<i64>,
    code: Option<String>,
    code_key: Option<String>,
    discount_minor: i64,
    lines: Vec<LineRow>,
    conversion: Option<BulkConversion>,
    entries: Vec<ChainedEntry>,
    state: OrderState,
    attribution: Attribution,
}

#[derive(Serialize)]
struct LineRow {
    position: usize,
    sku_key: Option<String>,
    title: String,
    quantity: i64,
    base_minor: i64,
}

#[derive(Serialize)]
struct BulkConversion {
    id: i64,
    affiliate_id: i64,
    trigger_id: Option<i64>,
    offer_id: i64,
    review: Option<Review>,
    reviewed_by: Option<&'static str>,
    denial_reason: Option<DenialReason>,
    revenue_minor: i64,
    discount_minor: i64,
    refunded_minor: i64,
    commission_minor: i64,
    entries: i32,
    ledger_currency: Option<Currency>,
}

/// The code of the trigger with that number, in one of four styles.
pub(super) fn code(number: u64) -> String {
    match number % 4 {
        0 => format!("MERIDIAN{number}"),
        1 => format!("save-{number:x}"),
        2 => {
            format!("{}{number}", deunicode::deunicode(FIRST[index(number / 4, 10)]).to_uppercase())
        }
        _ => format!("TRAIL_{number}_10"),
    }
}

fn index(number: u64, length: usize) -> usize {
    usize::try_from(number).unwrap_or_default() % length
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or_default()
}

/// A unique affiliate ID in the format of `affiliates::create`.
fn public_id(number: u64) -> String {
    const LETTERS: &[u8] = b"abcdfghjkmnpqrstvwxyz";
    const DIGITS: &[u8] = b"23456789";
    const ALL: u64 = 21 * 8 * 21 * 8 * 21 * 8;
    // Coprime to ALL, so consecutive IDs look unrelated and all differ.
    let mut rest = number % ALL * 1_234_577 % ALL;
    let mut id = String::with_capacity(8);
    for at in 0..6 {
        let set = if at % 2 == 0 { LETTERS } else { DIGITS };
        let length = set.len() as u64;
        id.push(char::from(set[index(rest % length, set.len())]));
        rest /= length;
    }
    if number >= ALL {
        id.push_str(&(number / ALL).to_string());
    }
    id
}

impl RowGenerator {
    /// Nine of ten are active.
    fn status(number: u64) -> AffiliateStatus {
        match number % 20 {
            13 => AffiliateStatus::Pending,
            17 => AffiliateStatus::Disabled,
            _ => AffiliateStatus::Active,
        }
    }

    fn joined(&self, number: u64) -> DateTime<Utc> {
        self.begun + Duration::seconds(signed(number * 7_919 % (300 * 86_400)))
    }

    fn name(number: u64) -> String {
        let name = format!("{} {}", FIRST[index(number, 12)], LAST[index(number / 12, 12)]);
        if number < 144 { name } else { format!("{name} {}", number / 144 + 1) }
    }

    pub(super) fn affiliate(&self, number: u64) -> BulkAffiliate {
        BulkAffiliate {
            id: self.keys.affiliates + signed(number),
            public_id: public_id(number),
            name: Self::name(number),
            email: format!("a{number}@affiliates.example"),
            status: Self::status(number),
            offer_id: self.offers[index(number % 5 / 4, 2)],
            at: self.joined(number),
        }
    }

    fn created(&self, number: u64) -> DateTime<Utc> {
        // After the last affiliate has joined and before the first order.
        self.begun + Duration::days(301) + Duration::seconds(signed(number * 6_007 % (90 * 86_400)))
    }

    pub(super) fn trigger(&self, number: u64) -> BulkTrigger {
        let is_email = Self::is_email(number);
        let value =
            if is_email { format!("regular{number}@customers.example") } else { code(number) };
        let key = if is_email { value.clone() } else { value.to_uppercase() };
        BulkTrigger {
            id: self.keys.triggers + signed(number),
            kind: if is_email { TriggerKind::CustomerEmail } else { TriggerKind::CouponCode },
            look_alike: (!is_email).then(|| look_alike(&key)),
            key,
            value,
            affiliate_id: self.keys.affiliates + signed(self.holder(number)),
            at: self.created(number),
            retired_at: Self::is_retired(number).then(|| self.now - Duration::days(2)),
        }
    }

    fn is_email(number: u64) -> bool {
        number % 50 == 49
    }

    fn is_retired(number: u64) -> bool {
        number % 40 == 21
    }

    fn holder(&self, number: u64) -> u64 {
        number % self.size.affiliates
    }

    /// An active code of an active affiliate. Low numbers are more popular.
    fn some_trigger(&self, random: &mut Random) -> u64 {
        for _ in 0..50 {
            let (one, other) = (random.below(self.size.triggers), random.below(self.size.triggers));
            let number = one.min(other);
            let active = Self::status(self.holder(number)) == AffiliateStatus::Active;
            if active && !Self::is_email(number) && !Self::is_retired(number) {
                return number;
            }
        }
        0
    }

    fn candidate(&self, number: u64) -> Candidate {
        let (trigger, affiliate) = (self.trigger(number), self.affiliate(self.holder(number)));
        let is_partner = affiliate.offer_id == self.offers[1];
        Candidate {
            trigger_id: trigger.id,
            kind: trigger.kind,
            value: trigger.value,
            key: trigger.key,
            trigger_created_at: trigger.at,
            affiliate: CandidateAffiliate {
                id: affiliate.id,
                public_id: affiliate.public_id,
                name: affiliate.name,
                emails: vec![affiliate.email],
                status: affiliate.status,
            },
            owned_from: trigger.at,
            owned_until: None,
            retired_at: trigger.retired_at,
            excluded_by: None,
            terms: Terms {
                offer_id: affiliate.offer_id,
                offer_name: if is_partner { "Partners" } else { "Standard" }.to_owned(),
                commission: Commission::Percent {
                    rate: Rate::percent(if is_partner { 15 } else { 10 }),
                },
                excluded_skus: Vec::new(),
                auto_approve: false,
            },
        }
    }

    pub(super) fn order(&self, number: u64) -> BulkOrder {
        let mut random = Random::new(number.wrapping_mul(0x51_7c_c1_b7_27_22_0a_95));
        let candidate =
            (!random.percent(12)).then(|| self.candidate(self.some_trigger(&mut random)));
        let report = self.report(number, candidate.as_ref(), &mut random);
        let state = OrderState::from(report.clone());
        let candidates: Vec<Candidate> = candidate.into_iter().collect();
        let attribution =
            decide(&state, &candidates, &CalculationLogic::default(), &Overrides::default());
        let conversion_id = self.keys.conversions + signed(number);
        let credit = attribution.credits.first();
        let commission = credit.map(|credit| credit.commission).unwrap_or_default();
        let review = self.review(&report, &mut random);
        let code = report.codes.first();
        let mut end = LedgerEnd::default();
        let entries = end.append(ledger_difference(&[], report.currency, &commission));
        BulkOrder {
            id: self.keys.orders + signed(number),
            delivery_id: self.keys.deliveries + signed(number),
            topic: topic(&report),
            order_ref: report.order_ref.clone(),
            name: report.name.clone(),
            placed_at: report.placed_at,
            reported_at: report.reported_at,
            total_minor: report.total_minor,
            payment: report.payment,
            cancelled_at: report.cancelled_at,
            customer_name: report.customer_name.clone(),
            customer_email: report.customer_email.clone(),
            credited_affiliate_id: credit.map(|credit| credit.affiliate.id),
            code: code.map(|code| code.code.clone()),
            code_key: code.map(ReportedCode::key),
            discount_minor: code.map_or(0, |code| code.discount_minor),
            lines: report.lines.iter().enumerate().map(line_row).collect(),
            conversion: credit.map(|credit| BulkConversion {
                id: conversion_id,
                affiliate_id: credit.affiliate.id,
                trigger_id: credit.trigger_id,
                offer_id: credit.offer_id,
                review,
                reviewed_by: review.map(|_| OWNER),
                denial_reason: (review == Some(Review::Denied)).then_some(DenialReason::Other),
                revenue_minor: credit.revenue_minor,
                discount_minor: credit.discount_minor,
                refunded_minor: credit.refunded_minor,
                commission_minor: commission.total(),
                entries: end.entries,
                ledger_currency: end.currency,
            }),
            entries,
            state,
            attribution,
        }
    }

    /// Conversions older than two weeks have been reviewed.
    fn review(&self, report: &OrderSnapshot, random: &mut Random) -> Option<Review> {
        match (self.now - report.placed_at < Duration::days(14), random.percent(3)) {
            (true, _) => None,
            (false, true) => Some(Review::Denied),
            (false, false) => Some(Review::Approved),
        }
    }

    fn report(&self, number: u64, by: Option<&Candidate>, random: &mut Random) -> OrderSnapshot {
        let span = DAYS * 86_400;
        let share = i128::from(number) * i128::from(span) / i128::from(self.size.orders.max(1));
        let ago = Duration::seconds(span - i64::try_from(share).unwrap_or_default());
        let placed_at = self.now - ago;
        let buyer = demo_customer(random);
        let mut lines = Vec::new();
        for at in 0..1 + random.below(2) {
            let product = &PRODUCTS[index(random.below(5) + at * 5, 10)];
            let quantity = random.between(1, 2);
            let rate = if by.is_some() { 10 } else { 0 };
            lines.push(ReportedLine {
                line_ref: at.to_string(),
                sku: Some(product.sku.to_owned()),
                title: product.title.to_owned(),
                quantity,
                remaining_quantity: None,
                price_minor: product.cents,
                discount_minor: product.cents * quantity * rate / 100,
                tax_minor: 0,
                tax_included: false,
                kind: LineKind::Goods,
            });
        }
        let goods: i64 = lines.iter().map(|line| line.price_minor * line.quantity).sum();
        let discount: i64 = lines.iter().map(|line| line.discount_minor).sum();
        let code = |candidate: &Candidate| ReportedCode {
            code: candidate.value.clone(),
            discount_minor: discount,
        };
        let mut report = OrderSnapshot {
            order_ref: (6_000_000_000_000 + number).to_string(),
            name: format!("#{}", 1_001 + number),
            reported_at: placed_at,
            placed_at,
            currency: Currency::USD,
            is_test: false,
            payment: PaymentState::Paid,
            cancelled_at: None,
            customer_email: Some(buyer.email),
            customer_ref: Some((7_000_000_000_000 + number).to_string()),
            customer_name: Some(format!("{} {}", buyer.first, buyer.last)),
            codes: by.map(code).into_iter().collect(),
            lines,
            shipping_minor: 0,
            shipping_tax_minor: 0,
            tax_minor: 0,
            total_minor: goods - discount,
            refunds: Vec::new(),
            negative_fees_minor: 0,
            notes: Vec::new(),
        };
        change_later(&mut report, random, (self.now - placed_at) / 2);
        report
    }
}

fn line_row((position, line): (usize, &ReportedLine)) -> LineRow {
    LineRow {
        position,
        sku_key: line.sku_key(),
        title: line.title.clone(),
        quantity: line.quantity,
        base_minor: line.price_minor * line.quantity - line.discount_minor,
    }
}

fn topic(report: &OrderSnapshot) -> &'static str {
    match (report.cancelled_at, report.refunds.is_empty()) {
        (Some(_), _) => "orders/cancelled",
        (None, false) => "orders/updated",
        (None, true) => "orders/create",
    }
}

/// Of 100 orders, two are canceled and four are partially refunded.
fn change_later(report: &mut OrderSnapshot, random: &mut Random, after: Duration) {
    let at = report.placed_at + after.min(Duration::days(5));
    match random.below(100) {
        0..=1 => {
            report.cancelled_at = Some(at);
            report.payment = PaymentState::Voided;
            report.reported_at = at;
        }
        2..=5 => {
            let line = &report.lines[0];
            let paid = line.price_minor * line.quantity - line.discount_minor;
            report.refunds.push(ReportedRefund {
                lines: vec![RefundedLine {
                    is_fee: false,
                    line_ref: line.line_ref.clone(),
                    quantity: 1,
                    amount_minor: Some(paid / line.quantity),
                    tax_minor: 0,
                }],
                ..ReportedRefund::new(format!("{}1", report.order_ref), at)
            });
            report.payment = PaymentState::PartiallyRefunded;
            report.reported_at = at;
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::features::triggers::CouponCode;

    #[test]
    fn numbers_make_different_codes_and_ids() {
        let codes: HashSet<String> =
            (0..20_000).map(|n| CouponCode::parse(&code(n)).unwrap().key().to_owned()).collect();
        assert_eq!(codes.len(), 20_000);
        assert!(
            (0..40).all(|n| CouponCode::parse(&code(n)).unwrap().key() == code(n).to_uppercase())
        );
        let ids: HashSet<String> = (0..100_000).map(public_id).collect();
        assert_eq!(ids.len(), 100_000);
    }
}
