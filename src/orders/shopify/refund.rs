//! Shopify's refunds, as they come in an order or in a message of their own.

use chrono::{DateTime, Utc};

use super::money::Amounts;
use super::payload::{MoneySet, OrderAdjustment, Refund};
use crate::money::{Currency, allocate};
use crate::orders::reading::{At, MAX_LINES, Unintelligible, at_most, sum};
use crate::orders::report::{RefundedLine, ReportedRefund};

/// Which kind of adjustment is shipping given back.
const SHIPPING: &str = "shipping_refund";

/// # Errors
/// If an amount cannot be read, or there are too many lines.
pub(super) fn refund(
    refund: Refund,
    amounts: Amounts,
    at: At<'_>,
    or_then: DateTime<Utc>,
) -> Result<ReportedRefund, Unintelligible> {
    at_most(MAX_LINES, refund.refund_line_items.len(), || format!("{}refund_line_items", at()))?;
    let mut lines = lines(&refund, amounts, at)?;
    let (shipping_minor, shipping_tax_minor) = shipping(&refund, amounts, at)?;
    let beyond = sum(adjustments(&refund, false).map(|(i, adjustment)| {
        let at = || format!("{}order_adjustments[{i}].amount", at());
        let (set, plain) = (adjustment.amount_set.as_ref(), adjustment.amount.as_ref());
        amounts.signed(set, plain, &at).map(Option::unwrap_or_default)
    }))?;
    keep_back(&mut lines, beyond.max(0));
    Ok(ReportedRefund {
        refund_ref: refund.id.0,
        refunded_at: refund.processed_at.or(refund.created_at).map_or(or_then, |time| time.0),
        lines,
        // Negative in Shopify's books: more went back than the lines come to.
        adjustment_minor: beyond.min(0).saturating_neg(),
        shipping_minor,
        shipping_tax_minor,
    })
}

fn lines(
    refund: &Refund,
    amounts: Amounts,
    at: At<'_>,
) -> Result<Vec<RefundedLine>, Unintelligible> {
    let lines = refund.refund_line_items.iter().enumerate().map(|(i, line)| {
        let at = |field: &str| format!("{}refund_line_items[{i}].{field}", at());
        Ok(RefundedLine {
            line_ref: line.line_item_id.0.clone(),
            quantity: line.quantity.max(0),
            amount_minor: amounts.amount(
                line.subtotal_set.as_ref(),
                line.subtotal.as_ref(),
                &|| at("subtotal"),
            )?,
            tax_minor: amounts.amount(
                line.total_tax_set.as_ref(),
                line.total_tax.as_ref(),
                &|| at("total_tax"),
            )?,
        })
    });
    lines.collect()
}

/// Shipping given back and its tax: lines of their own since API version 2024-10, adjustments
/// with a negative amount before.
fn shipping(refund: &Refund, amounts: Amounts, at: At<'_>) -> Result<(i64, i64), Unintelligible> {
    let lines = || refund.refund_shipping_lines.iter().enumerate();
    let of_line = |set: Option<&MoneySet>, i: usize, field: &str| {
        amounts.amount(set, None, &|| format!("{}refund_shipping_lines[{i}].{field}", at()))
    };
    if lines().next().is_some() {
        let net = sum(lines().map(|(i, line)| {
            of_line(line.subtotal_amount_set.as_ref(), i, "subtotal_amount_set")
        }))?;
        let tax = sum(
            lines().map(|(i, line)| of_line(line.tax_amount_set.as_ref(), i, "tax_amount_set"))
        )?;
        return Ok((net, tax));
    }
    let net = sum(adjustments(refund, true).map(|(i, adjustment)| {
        let at = || format!("{}order_adjustments[{i}].amount", at());
        let (set, plain) = (adjustment.amount_set.as_ref(), adjustment.amount.as_ref());
        Ok(amounts.signed(set, plain, &at)?.unwrap_or(0).saturating_abs())
    }))?;
    let tax = sum(adjustments(refund, true).map(|(i, adjustment)| {
        let at = || format!("{}order_adjustments[{i}].tax_amount", at());
        let (set, plain) = (adjustment.tax_amount_set.as_ref(), adjustment.tax_amount.as_ref());
        Ok(amounts.signed(set, plain, &at)?.unwrap_or(0).saturating_abs())
    }))?;
    Ok((net, tax))
}

fn adjustments(
    refund: &Refund,
    of_shipping: bool,
) -> impl Iterator<Item = (usize, &OrderAdjustment)> {
    refund.order_adjustments.iter().enumerate().filter(move |(_, adjustment)| {
        of_shipping == adjustment.kind.as_ref().is_some_and(|kind| kind.0 == SHIPPING)
    })
}

/// Takes off the lines what the merchant kept back, a restocking fee for example: Shopify reports
/// the lines in full and the difference apart.
fn keep_back(lines: &mut [RefundedLine], kept_minor: i64) {
    let weights: Vec<i64> = lines.iter().map(|line| line.amount_minor).collect();
    let refunded = weights.iter().fold(0_i64, |sum, minor| sum.saturating_add(*minor));
    let parts = allocate(kept_minor.min(refunded), &weights);
    for (line, part) in lines.iter_mut().zip(parts) {
        line.amount_minor -= part;
    }
}

/// The store's currency as far as a refund alone tells it.
pub(super) fn currency_of(refund: &Refund) -> Option<Currency> {
    let lines = refund.refund_line_items.iter().map(|line| line.subtotal_set.as_ref());
    let shipping =
        refund.refund_shipping_lines.iter().map(|line| line.subtotal_amount_set.as_ref());
    let adjustments = refund.order_adjustments.iter().map(|a| a.amount_set.as_ref());
    let in_sets = lines
        .chain(shipping)
        .chain(adjustments)
        .chain([refund.total_duties_set.as_ref()])
        .filter_map(|set| set?.shop_money.as_ref()?.currency_code.as_ref());
    // Last, because a transaction may be in the currency the customer was shown.
    let in_transactions = refund.transactions.iter().filter_map(|t| t.currency.as_ref());
    in_sets.chain(in_transactions).find_map(|code| Currency::from_code(&code.0).ok())
}
