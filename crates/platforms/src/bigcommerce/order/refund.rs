//! BigCommerce's refunds. They contain the total and the lines, but no amount per line, so it's
//! computed from what was paid. The order's own `refunded_amount` is always 0.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use vouch_core::money::{Currency, allocate, proportion_half_even};
use vouch_core::order::snapshot::{RefundedLine, ReportedLine, ReportedRefund};

use super::exact::Exact;
use super::payload::{Refund, RefundItem};
use super::snapshot::whole;
use crate::payload::{MAX_LINES, MAX_PARTS, PayloadError, at_most};

/// The type of items that are order lines.
const PRODUCT: &str = "PRODUCT";

/// Every refund with at least one payment that wasn't declined. Fails if an amount can't be parsed
/// or there are too many parts.
pub(super) fn refunds(
    refunds: &[Refund],
    lines: &[ReportedLine],
    currency: Currency,
    or_then: DateTime<Utc>,
) -> Result<Vec<ReportedRefund>, PayloadError> {
    at_most(MAX_PARTS, refunds.len(), || "refunds".to_owned())?;
    let mut seen = BTreeSet::new();
    let mut reported: Vec<ReportedRefund> = refunds
        .iter()
        .enumerate()
        .filter(|(_, refund)| seen.insert(refund.id.0.as_str()) && !is_declined(refund))
        .map(|(i, one)| refund(one, i, lines, currency, or_then))
        .collect::<Result<_, _>>()?;
    if let Some(first) = reported.iter().position(|refund| refund.undivided_minor.is_some()) {
        let items = untold_items(lines, &reported);
        reported[first].lines.extend(items);
    }
    Ok(reported)
}

/// Whether the order has refunds and all of them were declined, so nothing was refunded.
pub(super) fn are_all_declined(refunds: &[Refund]) -> bool {
    !refunds.is_empty() && refunds.iter().all(is_declined)
}

fn is_declined(refund: &Refund) -> bool {
    let mut payments = refund.payments.iter();
    !refund.payments.is_empty() && payments.all(|payment| payment.is_declined == Some(true))
}

/// How many items of a line are in declined refunds. The line still counts them as refunded.
pub(super) fn declined_items(refunds: &[Refund], line_ref: &str) -> i64 {
    let items = refunds.iter().filter(|refund| is_declined(refund)).flat_map(|one| &one.items);
    let of_line = items.filter(|item| {
        let item_id = item.item_id.as_ref().map(|id| id.0.as_str());
        item.item_type.0 == PRODUCT && item_id == Some(line_ref)
    });
    let counts = of_line.filter_map(|item| whole(item.quantity.as_ref()?, &String::new).ok());
    counts.fold(0, i64::saturating_add)
}

/// Items that the lines count as refunded but no refund names. They belong to refunds without
/// items.
fn untold_items(lines: &[ReportedLine], refunds: &[ReportedRefund]) -> Vec<RefundedLine> {
    let told = |line: &ReportedLine| {
        let parts = refunds.iter().flat_map(|refund| &refund.lines);
        let of_line = parts.filter(|part| part.line_ref == line.line_ref);
        of_line.fold(0_i64, |sum, part| sum.saturating_add(part.quantity))
    };
    let untold = lines.iter().filter_map(|line| {
        let refunded = line.quantity - line.remaining_quantity?;
        let quantity = refunded.saturating_sub(told(line));
        let line_ref = line.line_ref.clone();
        (quantity > 0).then_some(RefundedLine {
            is_fee: false,
            line_ref,
            quantity,
            amount_minor: None,
            tax_minor: 0,
        })
    });
    untold.collect()
}

fn refund(
    refund: &Refund,
    i: usize,
    lines: &[ReportedLine],
    currency: Currency,
    or_then: DateTime<Utc>,
) -> Result<ReportedRefund, PayloadError> {
    at_most(MAX_LINES, refund.items.len(), || format!("refunds[{i}].items"))?;
    let at = |field: &str| format!("refunds[{i}].{field}");
    let total = Exact::read(refund.total_amount.as_ref(), &|| at("total_amount"))?;
    let tax = Exact::signed(refund.total_tax.as_ref(), &|| at("total_tax"))?;
    let (paid, asked) = paid_of(refund, i, currency)?;
    // If some of its payments were declined, all parts are reduced proportionally.
    let given = |amount: Exact| proportion_half_even(amount.minor(currency), paid, asked);
    let refunded_at = refund.created.map_or(or_then, |time| time.0);
    let mut reported = ReportedRefund::new(refund.id.0.clone(), refunded_at);
    if refund.items.is_empty() {
        match tax {
            Some(tax) if lines.iter().all(|line| line.remaining_quantity.is_none()) => {
                reported.adjustment_minor = given(total.less(tax));
                reported.adjustment_tax_minor = given(tax).max(0);
            }
            _ => reported.undivided_minor = Some(given(total)),
        }
        return Ok(reported);
    }
    let tax = tax.unwrap_or_default();
    let parts = refund.items.iter().enumerate().map(|(j, item)| part(item, i, j, lines, currency));
    let parts: Vec<Part> = parts.collect::<Result<_, _>>()?;
    let nets = shares(given(total.less(tax)), &parts, |part| part.net_minor);
    let taxes = shares(given(tax).max(0), &parts, |part| part.tax_minor);
    for ((part, net_minor), tax_minor) in parts.into_iter().zip(nets).zip(taxes) {
        match part.what {
            What::Line { line_ref, quantity } => reported.lines.push(RefundedLine {
                is_fee: false,
                line_ref,
                quantity,
                amount_minor: Some(net_minor),
                tax_minor,
            }),
            What::Shipping => {
                reported.shipping_minor += net_minor;
                reported.shipping_tax_minor += tax_minor;
            }
            What::Goodwill => {
                reported.adjustment_minor += net_minor;
                reported.adjustment_tax_minor += tax_minor;
            }
            What::Extras => {}
        }
    }
    Ok(reported)
}

/// The sum of the payments that weren't declined, and the sum of all payments. It's (1, 1) if they
/// sum to 0.
fn paid_of(refund: &Refund, i: usize, currency: Currency) -> Result<(i64, i64), PayloadError> {
    let (mut paid, mut all) = (0_i64, 0_i64);
    for (j, payment) in refund.payments.iter().enumerate() {
        let at = || format!("refunds[{i}].payments[{j}].amount");
        let amount = Exact::read(payment.amount.as_ref(), &at)?.minor(currency);
        all = all.saturating_add(amount);
        if payment.is_declined != Some(true) {
            paid = paid.saturating_add(amount);
        }
    }
    Ok(if all > 0 { (paid, all) } else { (1, 1) })
}

/// The expected share of one item of a refund.
struct Part {
    what: What,
    net_minor: i64,
    tax_minor: i64,
}

enum What {
    Line {
        line_ref: String,
        quantity: i64,
    },
    Shipping,
    /// A refund on the order as a whole.
    Goodwill,
    /// Wrapping, handling and fees, which earn no commission.
    Extras,
}

fn part(
    item: &RefundItem,
    i: usize,
    j: usize,
    lines: &[ReportedLine],
    currency: Currency,
) -> Result<Part, PayloadError> {
    let at = |field: &str| format!("refunds[{i}].items[{j}].{field}");
    let requested = Exact::optional(item.requested_amount.as_ref(), &|| at("requested_amount"))?;
    let requested = requested.map(|amount| amount.minor(currency));
    let sum = |what| Part { what, net_minor: requested.unwrap_or(0), tax_minor: 0 };
    match item.item_type.0.as_str() {
        PRODUCT => {
            let quantity = match &item.quantity {
                Some(quantity) => whole(quantity, &|| at("quantity"))?,
                None => 0,
            };
            let line_ref = item.item_id.as_ref().map(|id| id.0.clone()).unwrap_or_default();
            let (net_minor, tax_minor) = lines
                .iter()
                .find(|line| line.line_ref == line_ref)
                .map_or((0, 0), |line| paid_for(line, quantity));
            let net_minor = requested.unwrap_or(net_minor);
            Ok(Part { what: What::Line { line_ref, quantity }, net_minor, tax_minor })
        }
        "SHIPPING" => {
            let shipping = sum(What::Shipping);
            Ok(Part { tax_minor: shipping.net_minor, ..shipping })
        }
        "ORDER" => Ok(sum(What::Goodwill)),
        _ => Ok(sum(What::Extras)),
    }
}

/// The amount paid for that many items of a line, without tax, and its tax.
fn paid_for(line: &ReportedLine, quantity: i64) -> (i64, i64) {
    let asked = line.price_minor.saturating_mul(line.quantity).saturating_sub(line.discount_minor);
    let net = if line.tax_included { asked.saturating_sub(line.tax_minor) } else { asked };
    let share =
        |minor: i64| proportion_half_even(minor.max(0), quantity.min(line.quantity), line.quantity);
    (share(net), share(line.tax_minor))
}

/// Divides the refunded total in proportion to the expected shares, so the sum equals the store's.
fn shares(total_minor: i64, parts: &[Part], weight: impl Fn(&Part) -> i64) -> Vec<i64> {
    let weights: Vec<i64> = parts.iter().map(weight).collect();
    allocate(total_minor, &weights)
}
