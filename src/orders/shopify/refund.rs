//! Shopify's refunds, as they come in an order or in a message of their own.

use chrono::{DateTime, Utc};

use super::money::Amounts;
use super::payload::{MoneySet, Refund, RefundLineItem, Transaction};
use crate::money::{Currency, allocate};
use crate::orders::reading::{At, MAX_LINES, Text, Unintelligible, at_most, sum};
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
    let beyond = adjusted(&refund, false, amounts, at)?;
    let duties = refund.total_duties_set.as_ref();
    let duties_minor = amounts.signed(duties, None, &|| format!("{}total_duties_set", at()))?;
    let given_minor = given(&refund, amounts, at)?;
    let is_divided = is_divided(&refund);
    let (beyond, beyond_tax) = beyond.unwrap_or_default();
    keep_back(&mut lines, beyond.max(0));
    let mut reported = ReportedRefund {
        lines,
        // Negative in Shopify's books: more went back than the lines come to.
        adjustment_minor: beyond.min(0).saturating_neg(),
        adjustment_tax_minor: beyond_tax.min(0).saturating_neg(),
        shipping_minor,
        shipping_tax_minor,
        ..ReportedRefund::new(
            refund.id.0,
            refund.processed_at.or(refund.created_at).map_or(or_then, |time| time.0),
        )
    };
    if !is_divided {
        let said = reported.divided_minor().saturating_add(duties_minor.unwrap_or(0));
        reported.undivided_minor = given_minor.map(|given| given.saturating_sub(said).max(0));
    }
    Ok(reported)
}

/// Whether nothing was given back, as far as the refund says.
pub(super) fn says_nothing(refund: &Refund) -> bool {
    refund.refund_line_items.is_empty()
        && refund.refund_shipping_lines.is_empty()
        && refund.order_adjustments.is_empty()
        && refund.total_refunded_set.is_none()
        && !refund.transactions.iter().any(gives_back)
}

/// Whether the refund says of all its money what it was for, so that transactions add nothing.
fn is_divided(refund: &Refund) -> bool {
    let lines = &refund.refund_line_items;
    let is_priced = |line: &RefundLineItem| line.subtotal_set.is_some() || line.subtotal.is_some();
    let is_empty = lines.is_empty()
        && refund.refund_shipping_lines.is_empty()
        && refund.order_adjustments.is_empty();
    !is_empty && lines.iter().all(is_priced)
}

/// Whether money went back, or is on its way.
fn gives_back(transaction: &Transaction) -> bool {
    let is = |word: Option<&Text>, known: &[&str]| {
        word.is_none_or(|word| known.contains(&word.0.trim().to_ascii_lowercase().as_str()))
    };
    transaction.amount.is_some()
        && is(transaction.kind.as_ref(), &["refund"])
        && is(transaction.status.as_ref(), &["success", "pending"])
}

/// All the money that was given back, tax and shipping included; none where the refund does not say
/// in the order's currency.
fn given(refund: &Refund, amounts: Amounts, at: At<'_>) -> Result<Option<i64>, Unintelligible> {
    let transactions = refund.transactions.iter().enumerate();
    let mut ours = transactions
        .filter(|(_, one)| gives_back(one) && amounts.is_ours(one.currency.as_ref()))
        .peekable();
    if ours.peek().is_none() {
        let at = || format!("{}total_refunded_set", at());
        return amounts.signed(refund.total_refunded_set.as_ref(), None, &at);
    }
    let given = sum(ours.map(|(i, transaction)| {
        let at = || format!("{}transactions[{i}].amount", at());
        let minor = amounts.signed(None, transaction.amount.as_ref(), &at)?;
        Ok(minor.unwrap_or(0).saturating_abs())
    }))?;
    Ok(Some(given))
}

fn lines(
    refund: &Refund,
    amounts: Amounts,
    at: At<'_>,
) -> Result<Vec<RefundedLine>, Unintelligible> {
    let lines = refund.refund_line_items.iter().enumerate().map(|(i, line)| {
        let at = |field: &str| format!("{}refund_line_items[{i}].{field}", at());
        let (subtotal, tax) = (line.subtotal.as_ref(), line.total_tax.as_ref());
        let amount = amounts.signed(line.subtotal_set.as_ref(), subtotal, &|| at("subtotal"))?;
        let tax = amounts.signed(line.total_tax_set.as_ref(), tax, &|| at("total_tax"))?;
        Ok(RefundedLine {
            line_ref: line.line_item_id.0.clone(),
            quantity: line.quantity.max(0),
            amount_minor: amount.map(|minor| minor.max(0)),
            tax_minor: tax.unwrap_or(0).max(0),
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
    let (net, tax) = adjusted(refund, true, amounts, at)?.unwrap_or_default();
    Ok((net.saturating_abs(), tax.saturating_abs()))
}

/// What the adjustments of shipping, or those of all else, come to, and their tax; none without any.
fn adjusted(
    refund: &Refund,
    of_shipping: bool,
    amounts: Amounts,
    at: At<'_>,
) -> Result<Option<(i64, i64)>, Unintelligible> {
    let mut sums = None;
    for (i, adjustment) in refund.order_adjustments.iter().enumerate() {
        let kind = adjustment.kind.as_ref();
        if of_shipping != kind.is_some_and(|kind| kind.0 == SHIPPING) {
            continue;
        }
        let at = |field: &str| format!("{}order_adjustments[{i}].{field}", at());
        let (set, plain) = (adjustment.amount_set.as_ref(), adjustment.amount.as_ref());
        let amount = amounts.signed(set, plain, &|| at("amount"))?.unwrap_or(0);
        let (set, plain) = (adjustment.tax_amount_set.as_ref(), adjustment.tax_amount.as_ref());
        let tax = amounts.signed(set, plain, &|| at("tax_amount"))?.unwrap_or(0);
        let (net, taxes) = sums.unwrap_or((0_i64, 0_i64));
        sums = Some((net.saturating_add(amount), taxes.saturating_add(tax)));
    }
    Ok(sums)
}

/// Takes off the lines what the merchant kept back, a restocking fee for example: Shopify reports
/// the lines in full and the difference apart.
fn keep_back(lines: &mut [RefundedLine], kept_minor: i64) {
    let weights: Vec<i64> = lines.iter().map(|line| line.amount_minor.unwrap_or(0)).collect();
    let refunded = weights.iter().fold(0_i64, |sum, minor| sum.saturating_add(*minor));
    let parts = allocate(kept_minor.min(refunded), &weights);
    for (line, part) in lines.iter_mut().zip(parts) {
        line.amount_minor = line.amount_minor.map(|minor| minor - part);
    }
}

/// The store's currency as far as a refund alone tells it; else it is the order's.
pub(super) fn currency_of(refund: &Refund) -> Option<Currency> {
    let lines = refund.refund_line_items.iter().map(|line| line.subtotal_set.as_ref());
    let shipping =
        refund.refund_shipping_lines.iter().map(|line| line.subtotal_amount_set.as_ref());
    let adjustments = refund.order_adjustments.iter().map(|a| a.amount_set.as_ref());
    let in_sets = lines
        .chain(shipping)
        .chain(adjustments)
        .chain([refund.total_duties_set.as_ref(), refund.total_refunded_set.as_ref()])
        .filter_map(|set| set?.shop_money.as_ref()?.currency_code.as_ref());
    // A transaction may be in the currency the customer was shown: it is asked only where its
    // amount is needed, which then does not count in an order of another currency.
    let in_transactions = refund.transactions.iter().filter(|_| !is_divided(refund));
    let in_transactions = in_transactions.filter_map(|one| one.currency.as_ref());
    in_sets.chain(in_transactions).find_map(|code| Currency::from_code(&code.0).ok())
}
