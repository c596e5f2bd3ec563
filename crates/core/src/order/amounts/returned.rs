//! Splits refunds into goods, shipping and the order as a whole.
//!
//! Stores differ in their level of detail:
//!
//! * A refunded line without an amount is worth the paid price of its quantity.
//! * A line that the order doesn't have reduces the order as a whole, unless it's a fee.
//! * A total without a breakdown first covers lines without an amount, then shipping if there were
//!   such lines.
//! * The rest reduces the order as a whole, with the same share of tax as the order.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use super::{Basis, bounded, narrow};
use crate::money::{allocate, proportion_half_even};
use crate::order::snapshot::{OrderSnapshot, RefundedLine, ReportedLine, ReportedRefund};

/// An amount without tax, and the tax on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct TaxedAmount {
    net: i128,
    tax: i128,
}

impl TaxedAmount {
    pub(super) fn new(net_minor: i64, tax_minor: i64) -> Self {
        Self { net: net_minor.into(), tax: tax_minor.into() }
    }

    /// The part that the merchant's Calculation Logic counts.
    pub(super) fn counted(self, basis: Basis) -> i128 {
        self.net + if basis.include_tax { self.tax } else { 0 }
    }

    fn gross(self) -> i128 {
        self.net + self.tax
    }

    /// Splits a non-negative `gross_minor` into net and tax in the ratio of this amount. If this
    /// amount is zero, the tax is zero.
    fn divide(self, gross_minor: i64) -> Self {
        let (tax, gross) = (self.tax.clamp(0, self.gross().max(0)), self.gross().max(0));
        let tax = proportion_half_even(gross_minor, narrow(tax), narrow(gross));
        Self::new(gross_minor - tax, tax)
    }

    fn not_negative(self) -> Self {
        Self { net: self.net.max(0), tax: self.tax.max(0) }
    }
}

impl AddAssign for TaxedAmount {
    fn add_assign(&mut self, other: Self) {
        self.net += other.net;
        self.tax += other.tax;
    }
}

/// The refunded items and money of one line.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LineRefund {
    pub quantity: i128,
    pub money: TaxedAmount,
}

/// All refunds of an order, combined.
#[derive(Default)]
pub(super) struct Returned {
    /// Every line of the order, by its id.
    lines: BTreeMap<String, LineRefund>,
    pub shipping: TaxedAmount,
    /// Refunds of the order as a whole.
    pub whole: TaxedAmount,
    /// Refunds for things that aren't lines of the order, including tax.
    other: i128,
}

impl Returned {
    pub(super) fn of<'a>(
        report: &OrderSnapshot,
        refunds: impl IntoIterator<Item = &'a ReportedRefund>,
    ) -> Self {
        let refs = report.lines.iter().map(|line| line.line_ref.trim().to_owned());
        let lines = refs.map(|line_ref| (line_ref, LineRefund::default())).collect();
        let mut returned = Self { lines, ..Self::default() };
        for refund in refunds {
            returned.add(report, refund);
        }
        returned
    }

    pub(super) fn of_line(&self, line: &ReportedLine) -> LineRefund {
        self.lines.get(line.line_ref.trim()).copied().unwrap_or_default()
    }

    pub(super) fn total(&self) -> i128 {
        let lines: i128 = self.lines.values().map(|line| line.money.gross()).sum();
        lines + self.shipping.gross() + self.whole.gross() + self.other
    }

    fn add(&mut self, report: &OrderSnapshot, refund: &ReportedRefund) {
        let (priced, unpriced): (Vec<&RefundedLine>, Vec<&RefundedLine>) =
            refund.lines.iter().partition(|line| line.amount_minor.is_some());
        for line in priced {
            let money = TaxedAmount::new(line.amount_minor.unwrap_or_default(), line.tax_minor);
            self.add_line(line, money);
        }
        self.shipping +=
            TaxedAmount::new(refund.shipping_minor, refund.shipping_tax_minor).not_negative();
        self.whole +=
            TaxedAmount::new(refund.adjustment_minor, refund.adjustment_tax_minor).not_negative();
        self.other += i128::from(refund.other_minor.max(0));
        let rest = self.pay_for(report, &unpriced, refund.undivided_minor);
        let for_shipping =
            if unpriced.is_empty() { 0 } else { self.pay_for_shipping(report, rest) };
        self.whole += paid_in_all(report).divide(rest - for_shipping);
    }

    fn add_line(&mut self, line: &RefundedLine, money: TaxedAmount) {
        let Some(sum) = self.lines.get_mut(line.line_ref.trim()) else {
            if line.is_fee {
                self.other += money.not_negative().gross();
            } else {
                self.whole += money.not_negative();
            }
            return;
        };
        sum.quantity += i128::from(line.quantity.max(0));
        sum.money += money.not_negative();
    }

    /// Adds lines at their paid price, or at their share of `given_minor` if that's less. Returns
    /// the rest of `given_minor`.
    fn pay_for(
        &mut self,
        report: &OrderSnapshot,
        lines: &[&RefundedLine],
        given_minor: Option<i64>,
    ) -> i64 {
        let prices: Vec<TaxedAmount> = lines.iter().map(|line| price_of(report, line)).collect();
        let weights: Vec<i64> = prices.iter().map(|price| bounded(price.gross())).collect();
        let all = narrow(weights.iter().map(|minor| i128::from(*minor)).sum());
        let paid = given_minor.map_or(all, |given| given.clamp(0, all));
        let shares = allocate(paid, &weights);
        for ((line, price), share) in lines.iter().zip(&prices).zip(shares) {
            self.add_line(line, price.divide(share));
        }
        given_minor.map_or(0, |given| given.max(0) - paid)
    }

    /// Adds as much of `minor` to shipping as isn't refunded yet. Returns the added amount.
    fn pay_for_shipping(&mut self, report: &OrderSnapshot, minor: i64) -> i64 {
        let paid =
            TaxedAmount::new(report.shipping_minor, report.shipping_tax_minor).not_negative();
        let taken = bounded(paid.gross() - self.shipping.gross()).min(minor);
        self.shipping += paid.divide(taken);
        taken
    }
}

/// What the customer paid for the returned quantity of a line.
fn price_of(report: &OrderSnapshot, returned: &RefundedLine) -> TaxedAmount {
    let line = report.lines.iter().find(|line| line.line_ref.trim() == returned.line_ref.trim());
    line.map_or(TaxedAmount::default(), |line| {
        let count = returned.quantity.clamp(0, line.quantity.max(0));
        let part = |minor: i64| proportion_half_even(minor, count, line.quantity);
        let paid = paid_for(line);
        TaxedAmount::new(part(narrow(paid.net)), part(narrow(paid.tax)))
    })
}

fn paid_for(line: &ReportedLine) -> TaxedAmount {
    let of = |include_tax| super::paid_for(line, Basis { include_tax, ..Basis::default() });
    let (net, gross) = (of(false), of(true));
    TaxedAmount::new(net, gross - net)
}

/// What the customer paid for the whole order, by its totals, or by its lines if the totals are
/// missing.
fn paid_in_all(report: &OrderSnapshot) -> TaxedAmount {
    let mut parts =
        TaxedAmount::new(report.shipping_minor, report.shipping_tax_minor).not_negative();
    for line in &report.lines {
        parts += paid_for(line);
    }
    let tax = i128::from(report.tax_minor).max(parts.tax);
    let total = i128::from(report.total_minor);
    if total > tax { TaxedAmount { net: total - tax, tax } } else { parts }
}
