use chrono::{DateTime, Utc};

use super::payload::{CouponLine, LineItem, Order};
use super::refund::outlines;
use crate::money::{Currency, allocate};
use crate::orders::reading::{
    At, Decimal, MAX_LINES, MAX_PARTS, MAX_QUANTITY, Unintelligible, at_most, filled, sum,
};
use crate::orders::report::{
    LineKind, OrderReport, PaymentState, ReportedCode, ReportedLine, StoreEvent,
};

/// What an order says, by its status.
///
/// # Errors
/// If the currency or an amount cannot be read, or there are too many parts.
pub(super) fn event(
    order: Order,
    received_at: DateTime<Utc>,
) -> Result<StoreEvent, Unintelligible> {
    match order.status.0.as_str() {
        "trash" => {
            let reported_at = order.date_modified_gmt.map(|time| time.0);
            Ok(StoreEvent::Trashed { order_ref: order.id.0, reported_at })
        }
        "checkout-draft" | "auto-draft" | "draft" => Ok(StoreEvent::Noted {
            order_ref: order.id.0,
            what: "The order is not placed yet: the shopper is at the checkout.",
        }),
        _ => report(order, received_at).map(|report| StoreEvent::Order(Box::new(report))),
    }
}

fn report(order: Order, received_at: DateTime<Utc>) -> Result<OrderReport, Unintelligible> {
    let currency = Currency::from_code(&order.currency.0)
        .map_err(|error| Unintelligible::new("currency", error.to_string()))?;
    let amounts = Amounts(currency);
    let total = |amount: &Option<Decimal>, name: &'static str| {
        amounts.amount(amount.as_ref(), &|| name.to_owned())
    };
    let placed_at = order.date_created_gmt.map(|time| time.0);
    let reported_at = order.date_modified_gmt.map(|time| time.0).or(placed_at);
    let reported_at = reported_at.unwrap_or(received_at);
    let mut lines = lines(&order.line_items, amounts)?;
    take_off(&mut lines, below_zero(&order, amounts)?);
    let name = filled(order.number.as_ref()).unwrap_or_else(|| order.id.0.clone());
    Ok(OrderReport {
        name: format!("#{name}"),
        reported_at,
        placed_at: placed_at.unwrap_or(reported_at),
        currency,
        is_test: false,
        payment: payment(&order),
        // WooCommerce does not say when; every later change moves this on.
        cancelled_at: (order.status.0 == "cancelled").then_some(reported_at),
        customer_email: order.billing.as_ref().and_then(|b| filled(b.email.as_ref())),
        customer_ref: order.customer_id.as_ref().map(|id| id.0.clone()).filter(|id| id != "0"),
        customer_name: customer_name(&order),
        codes: codes(&order.coupon_lines, amounts)?,
        refunds: outlines(&order.refunds, amounts, reported_at)?,
        lines,
        shipping_minor: total(&order.shipping_total, "shipping_total")?,
        shipping_tax_minor: total(&order.shipping_tax, "shipping_tax")?,
        tax_minor: total(&order.total_tax, "total_tax")?,
        total_minor: total(&order.total, "total")?,
        negative_fees_minor: 0,
        notes: Vec::new(),
        order_ref: order.id.0,
    })
}

/// An order that is paid on delivery is `processing` without a date of payment until it is
/// `completed`. Statuses of extensions (`shipped`) count by the date of payment.
fn payment(order: &Order) -> PaymentState {
    let is_paid = order.date_paid_gmt.is_some() || order.status.0 == "completed";
    match order.status.0.as_str() {
        "refunded" => PaymentState::Refunded,
        "failed" => PaymentState::Voided,
        _ if is_paid && !order.refunds.is_empty() => PaymentState::PartiallyRefunded,
        _ if is_paid => PaymentState::Paid,
        _ => PaymentState::Pending,
    }
}

fn customer_name(order: &Order) -> Option<String> {
    let billing = order.billing.as_ref()?;
    let names = [billing.first_name.as_ref(), billing.last_name.as_ref()];
    let names: Vec<String> = names.into_iter().filter_map(filled).collect();
    if names.is_empty() { filled(billing.company.as_ref()) } else { Some(names.join(" ")) }
}

fn codes(coupons: &[CouponLine], amounts: Amounts) -> Result<Vec<ReportedCode>, Unintelligible> {
    at_most(MAX_PARTS, coupons.len(), || "coupon_lines".to_owned())?;
    let reported = coupons.iter().enumerate().map(|(i, coupon)| {
        let at = || format!("coupon_lines[{i}].discount");
        Ok(ReportedCode {
            code: coupon.code.0.clone(),
            discount_minor: amounts.amount(coupon.discount.as_ref(), &at)?,
        })
    });
    reported.collect()
}

fn lines(items: &[LineItem], amounts: Amounts) -> Result<Vec<ReportedLine>, Unintelligible> {
    at_most(MAX_LINES, items.len(), || "line_items".to_owned())?;
    items.iter().enumerate().map(|(i, item)| line(item, i, amounts)).collect()
}

fn line(item: &LineItem, i: usize, amounts: Amounts) -> Result<ReportedLine, Unintelligible> {
    let at = |field: &str| format!("line_items[{i}].{field}");
    let paid = amounts.signed(Some(&item.total), &|| at("total"))?.max(0);
    let asked = amounts.signed(item.subtotal.as_ref(), &|| at("subtotal"))?.max(paid);
    let quantity = quantity(&item.quantity)
        .ok_or_else(|| Unintelligible::new(at("quantity"), "this is no quantity of an order"))?;
    // Only the whole line is exact. Where it does not divide, the price of one is rounded up and
    // the discount takes the rest, so that what was paid comes out to the cent.
    let price_minor = (asked + quantity - 1) / quantity;
    Ok(ReportedLine {
        line_ref: item.id.0.clone(),
        sku: filled(item.sku.as_ref()),
        title: item.name.as_ref().map(|name| name.0.clone()).unwrap_or_default(),
        quantity,
        remaining_quantity: None,
        price_minor,
        discount_minor: price_minor.saturating_mul(quantity) - paid,
        tax_minor: amounts.signed(item.total_tax.as_ref(), &|| at("total_tax"))?.max(0),
        tax_included: false,
        kind: LineKind::Goods,
    })
}

/// How many; one, where a line is sold by weight or length (`0.75`).
fn quantity(sent: &Decimal) -> Option<i64> {
    let (whole, fraction) = sent.0.split_once('.').unwrap_or((&sent.0, ""));
    if !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let whole: i64 = whole.parse().ok().filter(|whole| (0..=MAX_QUANTITY).contains(whole))?;
    let is_whole = fraction.bytes().all(|digit| digit == b'0');
    Some(if is_whole { whole.max(1) } else { 1 })
}

/// Fees and lines below zero are discounts that no code gave.
fn below_zero(order: &Order, amounts: Amounts) -> Result<i64, Unintelligible> {
    at_most(MAX_PARTS, order.fee_lines.len(), || "fee_lines".to_owned())?;
    let below = |total: Option<&Decimal>, at: At<'_>| {
        Ok(amounts.signed(total, at)?.min(0).saturating_neg())
    };
    let fees = order.fee_lines.iter().enumerate();
    let of_fees =
        sum(fees.map(|(i, fee)| below(fee.total.as_ref(), &|| format!("fee_lines[{i}].total"))))?;
    let items = order.line_items.iter().enumerate();
    let of_lines =
        sum(items.map(|(i, item)| below(Some(&item.total), &|| format!("line_items[{i}].total"))))?;
    Ok(of_fees.saturating_add(of_lines))
}

/// Takes a discount on the order as a whole off its lines, by what was paid for each.
fn take_off(lines: &mut [ReportedLine], discount_minor: i64) {
    let paid: Vec<i64> = lines.iter().map(paid_for).collect();
    let parts = allocate(discount_minor.min(total_of(&paid)), &paid);
    for (line, part) in lines.iter_mut().zip(parts) {
        line.discount_minor += part;
    }
}

fn paid_for(line: &ReportedLine) -> i64 {
    line.price_minor.saturating_mul(line.quantity) - line.discount_minor
}

fn total_of(minors: &[i64]) -> i64 {
    minors.iter().fold(0_i64, |sum, minor| sum.saturating_add(*minor))
}

/// Reads amounts in the order's currency.
#[derive(Clone, Copy)]
pub(super) struct Amounts(pub Currency);

impl Amounts {
    /// Rounded to the currency's minor unit: WooCommerce sends as many decimals as the merchant
    /// has set, and coupon lines as many as there are. 0 if it is missing.
    pub fn signed(self, amount: Option<&Decimal>, at: At<'_>) -> Result<i64, Unintelligible> {
        amount.map_or(Ok(0), |decimal| decimal.rounded(self.0, at))
    }

    /// Like [`Self::signed`], for what cannot be negative.
    fn amount(self, amount: Option<&Decimal>, at: At<'_>) -> Result<i64, Unintelligible> {
        match self.signed(amount, at)? {
            minor if minor < 0 => Err(Unintelligible::new(at(), "this amount cannot be negative")),
            minor => Ok(minor),
        }
    }
}
