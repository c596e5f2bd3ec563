//! What the customer paid for each line of an order, and what of it is left.
//!
//! The base of a line is what the customer paid for it: after all discounts, without tax, without
//! shipping, unless the merchant's Calculation Logic says otherwise.

use std::collections::BTreeMap;

use super::report::{LineKind, OrderReport, PaymentState, ReportedLine, ReportedRefund};
use super::state::OrderState;
use crate::money::{allocate, proportion_half_even};

/// No line is counted for more than this, so that no sum over an order can leave `i64`.
const MAX_LINE_MINOR: i128 = 500_000_000_000_000;

/// What belongs to the base of a commission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Basis {
    pub include_tax: bool,
    pub include_shipping: bool,
    /// Whether negative fees lower the base; else they're a means of payment.
    pub negative_fees_lower: bool,
}

/// What was paid for one line, and what of it is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineAmounts<'a> {
    /// The line as reported; none for shipping, which counts as a line of its own if it counts.
    pub line: Option<&'a ReportedLine>,
    /// What the customer paid, before refunds.
    pub gross_minor: i64,
    /// What of it was given back or taken off the order; at most `gross_minor`.
    pub refunded_minor: i64,
    /// How many were ordered; 0 for shipping.
    pub quantity: i64,
    /// How many of them the customer kept.
    pub remaining: i64,
}

impl LineAmounts<'_> {
    /// What is left of what the customer paid.
    pub fn net_minor(&self) -> i64 {
        self.gross_minor - self.refunded_minor
    }
}

/// The amounts of every line, in the order of the report; shipping last, if it counts.
///
/// Nothing is negative: a refund takes at most what was paid.
pub fn line_amounts<'a>(state: &'a OrderState, basis: Basis) -> Vec<LineAmounts<'a>> {
    let Some(report) = &state.report else {
        return Vec::new();
    };
    let refunds: Vec<&ReportedRefund> = state.refunds().collect();
    let returned = returned_by_line(&refunds, basis);
    let mut amounts: Vec<LineAmounts<'a>> = report
        .lines
        .iter()
        .zip(shares_of_negative_fees(report, basis))
        .map(|(line, fees_minor)| {
            let returned = returned.get(line.line_ref.trim()).copied().unwrap_or_default();
            goods(line, fees_minor, returned, basis)
        })
        .collect();
    spread_goodwill(&mut amounts, &refunds);
    if basis.include_shipping {
        amounts.push(shipping(report, &refunds, basis));
    }
    if report.payment == PaymentState::Refunded {
        // All the money went back, whether or not the store said for which lines.
        for line in &mut amounts {
            line.refunded_minor = line.gross_minor;
            line.remaining = 0;
        }
    }
    amounts
}

/// What refunds say of one line.
#[derive(Debug, Clone, Copy, Default)]
struct Returned {
    quantity: i128,
    minor: i128,
}

fn returned_by_line<'a>(
    refunds: &[&'a ReportedRefund],
    basis: Basis,
) -> BTreeMap<&'a str, Returned> {
    let mut by_line = BTreeMap::<&str, Returned>::new();
    for line in refunds.iter().flat_map(|refund| &refund.lines) {
        let sum = by_line.entry(line.line_ref.trim()).or_default();
        sum.quantity += i128::from(line.quantity.max(0));
        sum.minor += with_tax(line.amount_minor, line.tax_minor, basis).max(0);
    }
    by_line
}

/// What negative fees take off each line: they're a discount on the order as a whole, spread over its
/// items by what was paid for each.
fn shares_of_negative_fees(report: &OrderReport, basis: Basis) -> Vec<i64> {
    let fees_minor = if basis.negative_fees_lower { report.negative_fees_minor.max(0) } else { 0 };
    let without_tax = Basis::default();
    let weight = |line: &ReportedLine| match line.kind {
        LineKind::Goods | LineKind::GiftCard => paid_for(line, without_tax),
        LineKind::Tip | LineKind::Fee | LineKind::Shipping => 0,
    };
    let weights: Vec<i64> = report.lines.iter().map(weight).collect();
    let paid: i128 = weights.iter().map(|minor| i128::from(*minor)).sum();
    allocate(narrow(i128::from(fees_minor).min(paid)), &weights)
}

fn goods(
    line: &ReportedLine,
    fees_minor: i64,
    returned: Returned,
    basis: Basis,
) -> LineAmounts<'_> {
    let gross_minor = (paid_for(line, basis) - fees_minor).max(0);
    let by_refunds = gross_minor - bounded(returned.minor).min(gross_minor);
    let quantity = line.quantity.max(0);
    let kept = narrow((i128::from(quantity) - returned.quantity).max(0));
    let remaining = line.remaining_quantity.map_or(kept, |left| left.clamp(0, kept));
    // Taken off by an edit without a refund of its own. What a refund took as well is not in
    // `kept` any more, so nothing counts twice.
    let left = if remaining < kept {
        proportion_half_even(by_refunds, remaining, kept)
    } else {
        by_refunds
    };
    LineAmounts {
        line: Some(line),
        gross_minor,
        refunded_minor: gross_minor - left,
        quantity,
        remaining,
    }
}

/// What the customer paid for the whole line.
fn paid_for(line: &ReportedLine, basis: Basis) -> i64 {
    let asked = i128::from(line.price_minor) * i128::from(line.quantity.max(0));
    let paid = asked - i128::from(line.discount_minor);
    let tax = i128::from(line.tax_minor);
    bounded(match (basis.include_tax, line.tax_included) {
        (true, false) => paid + tax,
        (false, true) => paid - tax,
        (true, true) | (false, false) => paid,
    })
}

/// Takes money given back for the order as a whole off its lines, by what is left of each.
fn spread_goodwill(amounts: &mut [LineAmounts<'_>], refunds: &[&ReportedRefund]) {
    let goodwill: i128 = refunds.iter().map(|r| i128::from(r.adjustment_minor.max(0))).sum();
    let left: Vec<i64> = amounts.iter().map(LineAmounts::net_minor).collect();
    let total = goodwill.min(left.iter().map(|minor| i128::from(*minor)).sum());
    for (line, share) in amounts.iter_mut().zip(allocate(narrow(total), &left)) {
        // An equal share of nothing is still nothing: `allocate` exceeds no weight here.
        line.refunded_minor += share;
    }
}

fn shipping<'a>(
    report: &OrderReport,
    refunds: &[&ReportedRefund],
    basis: Basis,
) -> LineAmounts<'a> {
    let gross_minor = bounded(with_tax(report.shipping_minor, report.shipping_tax_minor, basis));
    let returned = refunds
        .iter()
        .map(|refund| with_tax(refund.shipping_minor, refund.shipping_tax_minor, basis).max(0))
        .sum();
    let refunded_minor = bounded(returned).min(gross_minor);
    LineAmounts { line: None, gross_minor, refunded_minor, quantity: 0, remaining: 0 }
}

fn with_tax(minor: i64, tax_minor: i64, basis: Basis) -> i128 {
    i128::from(minor) + if basis.include_tax { i128::from(tax_minor) } else { 0 }
}

fn bounded(minor: i128) -> i64 {
    narrow(minor.clamp(0, MAX_LINE_MINOR))
}

fn narrow(wide: i128) -> i64 {
    i64::try_from(wide).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
