//! The amounts of each order line: what the customer paid, and what remains after refunds.
//!
//! The base of a line is the price after all discounts, without tax and shipping, unless the
//! merchant's Calculation Logic includes them.

mod returned;

use self::returned::{LineRefund, Returned, TaxedAmount};
use super::snapshot::{LineKind, OrderSnapshot, PaymentState, ReportedLine, ReportedRefund};
use super::state::OrderState;
use crate::money::{allocate, proportion_half_even};

/// Amounts per line are capped at this value, so that sums over an order fit into `i64`.
const MAX_LINE_MINOR: i128 = 500_000_000_000_000;

/// The parts of an order that the base of a commission includes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Basis {
    pub include_tax: bool,
    pub include_shipping: bool,
    /// Whether negative fees lower the base; otherwise they count as a means of payment.
    pub negative_fees_lower: bool,
}

/// The amounts of one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineAmounts<'a> {
    /// The line as reported; none for the order's shipping, which is a line of its own if it
    /// counts.
    pub line: Option<&'a ReportedLine>,
    /// What the customer paid, before refunds.
    pub gross_minor: i64,
    /// The part that was refunded or removed from the order; at most `gross_minor`.
    pub refunded_minor: i64,
    /// The ordered quantity; 0 for shipping.
    pub quantity: i64,
    /// The quantity that the customer kept.
    pub remaining: i64,
}

impl LineAmounts<'_> {
    /// What the customer paid, after refunds.
    pub fn net_minor(&self) -> i64 {
        self.gross_minor - self.refunded_minor
    }

    fn is_shipping(&self) -> bool {
        self.line.is_none_or(|line| line.kind == LineKind::Shipping)
    }
}

/// The amounts of every line in the order of the report, then shipping if it counts.
///
/// No amount is negative: a refund takes at most what was paid.
pub fn line_amounts<'a>(state: &'a OrderState, basis: Basis) -> Vec<LineAmounts<'a>> {
    let Some(report) = &state.report else {
        return Vec::new();
    };
    let refunds = state.refunds();
    let returned = Returned::of(report, refunds.iter().map(AsRef::as_ref));
    let mut amounts: Vec<LineAmounts<'a>> = report
        .lines
        .iter()
        .zip(shares_of_negative_fees(report, basis))
        .map(|(line, fees_minor)| goods(line, fees_minor, returned.of_line(line), basis))
        .collect();
    let mut whole = bounded(returned.whole.counted(basis));
    whole -= take_off(&mut amounts, whole, |line| !line.is_shipping());
    whole -= take_off(&mut amounts, whole, LineAmounts::is_shipping);
    if basis.include_shipping {
        let mut shipping = [shipping(report, returned.shipping, basis)];
        take_off(&mut shipping, whole, LineAmounts::is_shipping);
        amounts.extend(shipping);
    }
    if report.payment == PaymentState::Refunded {
        // Everything was refunded, even if the store didn't name the lines.
        for line in &mut amounts {
            line.refunded_minor = line.gross_minor;
            line.remaining = 0;
        }
    }
    amounts
}

/// The total amount of a refund of this order, including tax.
pub fn given_back(report: &OrderSnapshot, refund: &ReportedRefund) -> i64 {
    bounded(Returned::of(report, [refund]).total())
}

/// The share of the negative fees per line. They're a discount on the whole order, spread over its
/// items in proportion to their price.
fn shares_of_negative_fees(report: &OrderSnapshot, basis: Basis) -> Vec<i64> {
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
    returned: LineRefund,
    basis: Basis,
) -> LineAmounts<'_> {
    let gross_minor = (paid_for(line, basis) - fees_minor).max(0);
    let quantity = line.quantity.max(0);
    let kept = narrow((i128::from(quantity) - returned.quantity).max(0));
    let remaining = line.remaining_quantity.map_or(kept, |left| left.clamp(0, kept));
    // Items that an edit removed without a refund. Refunded items aren't in `kept`, so none counts
    // twice. Refunds of money without items are subtracted as well.
    let edited = kept - remaining;
    let unedited = if edited > 0 {
        proportion_half_even(gross_minor, quantity - edited, quantity)
    } else {
        gross_minor
    };
    let left = unedited - bounded(returned.money.counted(basis)).min(unedited);
    LineAmounts {
        line: Some(line),
        gross_minor,
        refunded_minor: gross_minor - left,
        quantity,
        remaining,
    }
}

/// What the customer paid for all items of the line.
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

/// Subtracts money from the selected lines in proportion to their remaining amounts. Returns the
/// subtracted amount.
fn take_off<'a>(
    lines: &mut [LineAmounts<'a>],
    minor: i64,
    those: impl Fn(&LineAmounts<'a>) -> bool,
) -> i64 {
    let left = lines.iter().map(|line| if those(line) { line.net_minor() } else { 0 });
    let left: Vec<i64> = left.collect();
    let all: i128 = left.iter().map(|minor| i128::from(*minor)).sum();
    let taken = narrow(i128::from(minor).min(all));
    for (line, share) in lines.iter_mut().zip(allocate(taken, &left)) {
        // The sum never exceeds the weights, so `allocate` never exceeds a line's remaining amount.
        line.refunded_minor += share;
    }
    taken
}

fn shipping<'a>(report: &OrderSnapshot, returned: TaxedAmount, basis: Basis) -> LineAmounts<'a> {
    let paid = TaxedAmount::new(report.shipping_minor, report.shipping_tax_minor);
    let gross_minor = bounded(paid.counted(basis));
    let refunded_minor = bounded(returned.counted(basis)).min(gross_minor);
    LineAmounts { line: None, gross_minor, refunded_minor, quantity: 0, remaining: 0 }
}

fn bounded(minor: i128) -> i64 {
    narrow(minor.clamp(0, MAX_LINE_MINOR))
}

fn narrow(wide: i128) -> i64 {
    i64::try_from(wide).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
