//! Shopify's orders.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::Envelope;
use super::money::Amounts;
use super::payload::{self, DiscountCode, LineItem, Order, ShippingLine};
use super::refund::refund;
use crate::money::{Currency, allocate};
use crate::orders::reading::{
    MAX_LINES, MAX_PARTS, MAX_QUANTITY, Text, Unintelligible, at_most, filled,
};
use crate::orders::report::{
    LineKind, OrderReport, PaymentState, ReportedCode, ReportedLine, ReportedRefund,
};

/// # Errors
/// If the currency or an amount cannot be read, or there are too many parts.
pub(super) fn report(order: Order, envelope: Envelope) -> Result<OrderReport, Unintelligible> {
    let currency = Currency::from_code(&order.currency.0)
        .map_err(|error| Unintelligible::new("currency", error.to_string()))?;
    let amounts = Amounts { currency: Some(currency) };
    let total = |set, plain, name: &'static str| amounts.amount(set, plain, &|| name.to_owned());
    let discounts = total(
        order.total_discounts_set.as_ref(),
        order.total_discounts.as_ref(),
        "total_discounts",
    )?;
    let tax_minor = total(order.total_tax_set.as_ref(), order.total_tax.as_ref(), "total_tax")?;
    let total_minor =
        total(order.total_price_set.as_ref(), order.total_price.as_ref(), "total_price")?;

    let placed_at = order.processed_at.or(order.created_at).map(|time| time.0);
    let reported_at = order.updated_at.map(|time| time.0).or(placed_at);
    let reported_at = reported_at.unwrap_or(envelope.triggered_at);
    let tax_included = order.taxes_included.unwrap_or(false);
    let shipping = shipping(&order.shipping_lines, amounts, tax_included)?;
    let mut lines = lines(&order.line_items, amounts, tax_included)?;
    let codes = codes(&order.discount_codes, amounts)?;
    spread_discounts(
        &mut lines,
        goods_discounts(&order, &codes, discounts, shipping.discount_minor),
    );
    let name = order.name.as_ref().map(|name| name.0.trim()).filter(|name| !name.is_empty());
    Ok(OrderReport {
        name: name.map_or_else(|| format!("#{}", order.id.0), str::to_owned),
        reported_at,
        placed_at: placed_at.unwrap_or(reported_at),
        currency,
        is_test: envelope.is_test || order.test.unwrap_or(false),
        payment: payment(order.financial_status.as_ref()),
        cancelled_at: order.cancelled_at.map(|time| time.0),
        customer_email: customer_email(&order),
        customer_ref: order.customer.as_ref().and_then(|c| c.id.as_ref()).map(|id| id.0.clone()),
        customer_name: customer_name(&order),
        codes,
        lines,
        shipping_minor: shipping.net_minor,
        shipping_tax_minor: shipping.tax_minor,
        tax_minor,
        total_minor,
        refunds: refunds(order.refunds, amounts, reported_at)?,
        negative_fees_minor: 0,
        notes: Vec::new(),
        order_ref: order.id.0,
    })
}

fn codes(codes: &[DiscountCode], amounts: Amounts) -> Result<Vec<ReportedCode>, Unintelligible> {
    at_most(MAX_PARTS, codes.len(), || "discount_codes".to_owned())?;
    let reported = codes.iter().enumerate().map(|(i, code)| {
        let at = || format!("discount_codes[{i}].amount");
        Ok(ReportedCode {
            code: code.code.0.clone(),
            discount_minor: amounts.amount(None, code.amount.as_ref(), &at)?,
        })
    });
    reported.collect()
}

fn lines(
    items: &[LineItem],
    amounts: Amounts,
    tax_included: bool,
) -> Result<Vec<ReportedLine>, Unintelligible> {
    at_most(MAX_LINES, items.len(), || "line_items".to_owned())?;
    items.iter().enumerate().map(|(i, item)| line(item, i, amounts, tax_included)).collect()
}

fn line(
    item: &LineItem,
    i: usize,
    amounts: Amounts,
    tax_included: bool,
) -> Result<ReportedLine, Unintelligible> {
    let at = |field: &str| format!("line_items[{i}].{field}");
    if !(0..=MAX_QUANTITY).contains(&item.quantity) {
        return Err(Unintelligible::new(at("quantity"), "this is no quantity of an order"));
    }
    let price = amounts.amount(item.price_set.as_ref(), item.price.as_ref(), &|| at("price"))?;
    if item.price.is_none() && item.price_set.is_none() {
        return Err(Unintelligible::new(at("price"), "the price is missing"));
    }
    // The allocations are all discounts of the line, those on the order too; `total_discount` is
    // a part of them, or all there is in old orders.
    let discount_minor = if item.discount_allocations.is_empty() {
        let (set, plain) = (item.total_discount_set.as_ref(), item.total_discount.as_ref());
        amounts.amount(set, plain, &|| at("total_discount"))?
    } else {
        amounts.allocations(&item.discount_allocations, &|| format!("line_items[{i}]"))?
    };
    let title = item.name.as_ref().or(item.title.as_ref());
    Ok(ReportedLine {
        line_ref: item.id.0.clone(),
        sku: filled(item.sku.as_ref()),
        title: title.map(|title| title.0.clone()).unwrap_or_default(),
        quantity: item.quantity,
        remaining_quantity: item.current_quantity.map(|left| left.clamp(0, item.quantity)),
        price_minor: price,
        discount_minor,
        tax_minor: amounts.taxes(&item.tax_lines, &|| format!("line_items[{i}]"))?,
        tax_included,
        kind: LineKind::Goods,
    })
}

/// What was taken off the goods, by the totals of the order: all discounts but those on shipping,
/// and at least what the codes took off.
fn goods_discounts(
    order: &Order,
    codes: &[ReportedCode],
    all_minor: i64,
    shipping_minor: i64,
) -> i64 {
    let taken_off = |shipping: bool| {
        let of_kind = order.discount_codes.iter().zip(codes).filter(move |(sent, _)| {
            shipping == sent.kind.as_ref().is_some_and(|kind| kind.0 == "shipping")
        });
        of_kind.fold(0_i64, |sum, (_, code)| sum.saturating_add(code.discount_minor))
    };
    (all_minor - shipping_minor.max(taken_off(true))).max(taken_off(false))
}

/// Spreads what the totals took off the goods beyond what stands on the lines: old orders have only
/// the lines' own discounts there, if any. Allocations are all there is.
fn spread_discounts(lines: &mut [ReportedLine], discounts_minor: i64) {
    let sum = |minors: &mut dyn Iterator<Item = i64>| minors.fold(0_i64, i64::saturating_add);
    let said = sum(&mut lines.iter().map(|line| line.discount_minor));
    let left: Vec<i64> = lines
        .iter()
        .map(|line| {
            line.price_minor
                .saturating_mul(line.quantity)
                .saturating_sub(line.discount_minor)
                .max(0)
        })
        .collect();
    let all = sum(&mut left.iter().copied());
    let rest = discounts_minor.saturating_sub(said).clamp(0, all);
    for (line, part) in lines.iter_mut().zip(allocate(rest, &left)) {
        line.discount_minor += part;
    }
}

struct Shipping {
    net_minor: i64,
    tax_minor: i64,
    discount_minor: i64,
}

fn shipping(
    lines: &[ShippingLine],
    amounts: Amounts,
    tax_included: bool,
) -> Result<Shipping, Unintelligible> {
    at_most(MAX_PARTS, lines.len(), || "shipping_lines".to_owned())?;
    let mut all = Shipping { net_minor: 0, tax_minor: 0, discount_minor: 0 };
    for (i, line) in lines.iter().enumerate().filter(|(_, l)| !l.is_removed.unwrap_or(false)) {
        let at = |field: &str| format!("shipping_lines[{i}].{field}");
        let price =
            amounts.amount(line.price_set.as_ref(), line.price.as_ref(), &|| at("price"))?;
        let (set, plain) = (line.discounted_price_set.as_ref(), line.discounted_price.as_ref());
        let discounted = amounts.signed(set, plain, &|| at("discounted_price"))?.unwrap_or(price);
        let allocated =
            amounts.allocations(&line.discount_allocations, &|| format!("shipping_lines[{i}]"))?;
        // `discounted_price` leaves discounts on the order out; the allocations have them all.
        let discount = if allocated > 0 { allocated } else { price - discounted }.clamp(0, price);
        let tax = amounts.taxes(&line.tax_lines, &|| format!("shipping_lines[{i}]"))?;
        let paid = price - discount - if tax_included { tax } else { 0 };
        all.net_minor += paid.max(0);
        all.tax_minor += tax;
        all.discount_minor += discount;
    }
    Ok(all)
}

fn refunds(
    refunds: Vec<payload::Refund>,
    amounts: Amounts,
    reported_at: DateTime<Utc>,
) -> Result<Vec<ReportedRefund>, Unintelligible> {
    at_most(MAX_PARTS, refunds.len(), || "refunds".to_owned())?;
    let mut seen = BTreeSet::new();
    refunds
        .into_iter()
        .enumerate()
        .filter(|(_, refund)| seen.insert(refund.id.0.clone()))
        .map(|(i, one)| refund(one, amounts, &|| format!("refunds[{i}]."), reported_at))
        .collect()
}

fn payment(status: Option<&Text>) -> PaymentState {
    match status.map(|status| status.0.as_str()) {
        None | Some("pending") => PaymentState::Pending,
        Some("authorized") => PaymentState::Authorized,
        Some("expired") => PaymentState::Expired,
        Some("partially_paid") => PaymentState::PartiallyPaid,
        Some("paid") => PaymentState::Paid,
        Some("partially_refunded") => PaymentState::PartiallyRefunded,
        Some("refunded") => PaymentState::Refunded,
        Some("voided") => PaymentState::Voided,
        Some(_) => PaymentState::Unknown,
    }
}

/// The address the order was placed with, else the customer's own.
fn customer_email(order: &Order) -> Option<String> {
    let of_customer = order.customer.as_ref().and_then(|customer| customer.email.as_ref());
    [order.email.as_ref(), order.contact_email.as_ref(), of_customer].into_iter().find_map(filled)
}

fn customer_name(order: &Order) -> Option<String> {
    let of_customer = order.customer.as_ref().and_then(|customer| {
        let parts = [customer.first_name.as_ref(), customer.last_name.as_ref()];
        let parts: Vec<String> = parts.into_iter().filter_map(filled).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    });
    of_customer.or_else(|| filled(order.billing_address.as_ref()?.name.as_ref()))
}
