use chrono::{DateTime, Utc};
use vouch_core::money::{Currency, allocate};
use vouch_core::order::snapshot::{
    IgnoredReason, LineKind, OrderSnapshot, PaymentState, ReadProblem, ReportedCode, ReportedLine,
    StoreEvent,
};

use super::payload::{CouponLine, FeeLine, LineItem, Order};
use super::refund::outlines;
use crate::payload::{
    At, Decimal, MAX_LINES, MAX_PARTS, MAX_QUANTITY, Notes, PayloadError, PayloadProblem, at_most,
    filled, plain, sum,
};

/// The prefixes of the metadata keys that gift card extensions (WooCommerce Gift Cards, PW, YITH)
/// set on lines that sell a gift card.
const GIFT_CARD_KEYS: [&str; 4] = ["wc_gc_giftcard", "pw_gift_card", "_ywgc", "ywgc"];

/// Parses an order by its status. Fails if the currency or an amount of the base can't be parsed,
/// or if there are too many parts.
pub(super) fn event(
    order: Order,
    notes: Notes,
    received_at: DateTime<Utc>,
) -> Result<StoreEvent, PayloadError> {
    match status(&order) {
        "trash" => {
            let reported_at = order.date_modified_gmt.map(|time| time.0);
            Ok(StoreEvent::Trashed { order_ref: order.id.0, reported_at })
        }
        "checkout-draft" | "auto-draft" | "draft" => {
            Ok(StoreEvent::Ignored { order_ref: order.id.0, reason: IgnoredReason::NotPlaced })
        }
        _ => report(order, notes, received_at).map(|report| StoreEvent::Order(Box::new(report))),
    }
}

fn status(order: &Order) -> &str {
    let status = order.status.as_ref().map_or("", |status| status.0.trim());
    // WordPress stores the status with this prefix.
    status.strip_prefix("wc-").unwrap_or(status)
}

fn report(
    order: Order,
    mut notes: Notes,
    received_at: DateTime<Utc>,
) -> Result<OrderSnapshot, PayloadError> {
    let currency =
        notes.currency(&filled(order.currency.as_ref()).unwrap_or_default(), "currency")?;
    let amounts = Amounts(currency);
    let mut total = |amount: &Option<Decimal>, name: &'static str, problem: ReadProblem| {
        notes.or_zero(problem, amounts.signed(amount.as_ref(), &|| name.to_owned())).max(0)
    };
    let shipping_minor =
        total(&order.shipping_total, "shipping_total", ReadProblem::UnreadableShipping);
    let shipping_tax_minor = total(&order.shipping_tax, "shipping_tax", ReadProblem::UnreadableTax);
    // For display only. Nothing is computed from these.
    let tax_minor = total(&order.total_tax, "total_tax", ReadProblem::Unreadable);
    let total_minor = total(&order.total, "total", ReadProblem::Unreadable);
    let placed_at = order.date_created_gmt.map(|time| time.0);
    let reported_at = order.date_modified_gmt.map(|time| time.0).or(placed_at);
    let reported_at = reported_at.unwrap_or(received_at);
    let mut lines = lines(&order.line_items, amounts, &mut notes)?;
    take_off(&mut lines, below_zero(&order.line_items, amounts)?);
    let (fees, negative_fees_minor) = fees(&order.fee_lines, amounts, &mut notes)?;
    lines.extend(fees);
    let name = filled(order.number.as_ref()).unwrap_or_else(|| order.id.0.clone());
    Ok(OrderSnapshot {
        name: format!("#{}", plain(&name)),
        reported_at,
        placed_at: placed_at.unwrap_or(reported_at),
        currency,
        is_test: false,
        payment: payment(&order),
        // WooCommerce has no cancellation time. Every later change moves this one.
        cancelled_at: (status(&order) == "cancelled").then_some(reported_at),
        customer_email: order.billing.as_ref().and_then(|b| filled(b.email.as_ref())),
        customer_ref: order.customer_id.as_ref().map(|id| id.0.clone()).filter(|id| id != "0"),
        customer_name: customer_name(&order).map(|name| plain(&name)),
        codes: codes(&order.coupon_lines, amounts, &mut notes)?,
        refunds: outlines(&order.refunds, amounts, reported_at, &mut notes)?,
        lines,
        shipping_minor,
        shipping_tax_minor,
        tax_minor,
        total_minor,
        negative_fees_minor,
        notes: notes.into_vec(),
        order_ref: order.id.0,
    })
}

/// An order paid on delivery is `processing` without a payment date until it's `completed`.
/// Statuses of extensions (`shipped`) count by the payment date.
fn payment(order: &Order) -> PaymentState {
    let is_dated = order.date_paid_gmt.is_some() || order.date_paid.is_some();
    let is_paid = is_dated || status(order) == "completed";
    match status(order) {
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

fn codes(
    coupons: &[CouponLine],
    amounts: Amounts,
    notes: &mut Notes,
) -> Result<Vec<ReportedCode>, PayloadError> {
    at_most(MAX_PARTS, coupons.len(), || "coupon_lines".to_owned())?;
    let reported = coupons.iter().enumerate().map(|(i, coupon)| {
        let at = || format!("coupon_lines[{i}].discount");
        let discount = amounts.signed(coupon.discount.as_ref(), &at);
        ReportedCode {
            code: coupon.code.0.clone(),
            discount_minor: notes.or_zero(ReadProblem::Unreadable, discount).max(0),
        }
    });
    Ok(reported.collect())
}

fn lines(
    items: &[LineItem],
    amounts: Amounts,
    notes: &mut Notes,
) -> Result<Vec<ReportedLine>, PayloadError> {
    at_most(MAX_LINES, items.len(), || "line_items".to_owned())?;
    items.iter().enumerate().map(|(i, item)| line(item, i, amounts, notes)).collect()
}

fn line(
    item: &LineItem,
    i: usize,
    amounts: Amounts,
    notes: &mut Notes,
) -> Result<ReportedLine, PayloadError> {
    let at = |field: &str| format!("line_items[{i}].{field}");
    let asked = amounts.signed(item.subtotal.as_ref(), &|| at("subtotal"));
    let is_missing = item.total.as_ref().is_none_or(Decimal::is_blank);
    if is_missing && asked != Ok(0) {
        return Err(PayloadError::new(at("total"), PayloadProblem::Missing));
    }
    let paid = amounts.signed(item.total.as_ref(), &|| at("total"))?.max(0);
    // It only determines how much of the price is a discount.
    let asked = notes.or_zero(ReadProblem::Unreadable, asked).max(paid);
    // The line's amounts cover all of its items.
    let quantity = item.quantity.as_ref().and_then(quantity).unwrap_or_else(|| {
        notes.add(ReadProblem::Unreadable, at("quantity"));
        1
    });
    // Only the whole line is exact. If it can't be divided evenly, the unit price is rounded up.
    // The discount absorbs the rest, so the paid amount is exact to the cent.
    let price_minor = (asked + quantity - 1) / quantity;
    let tax = amounts.signed(item.total_tax.as_ref(), &|| at("total_tax"));
    Ok(ReportedLine {
        line_ref: item.id.as_ref().map_or_else(|| format!("#{}", i + 1), |id| id.0.clone()),
        sku: filled(item.sku.as_ref()),
        title: plain(&filled(item.name.as_ref()).unwrap_or_default()),
        quantity,
        remaining_quantity: None,
        price_minor,
        discount_minor: price_minor.saturating_mul(quantity) - paid,
        tax_minor: notes.or_zero(ReadProblem::UnreadableTax, tax).max(0),
        tax_included: false,
        kind: if sells_gift_card(item) { LineKind::GiftCard } else { LineKind::Goods },
    })
}

fn sells_gift_card(item: &LineItem) -> bool {
    let mut keys = item.meta_data.iter().filter_map(|meta| meta.key.as_ref()?.as_str());
    keys.any(|key| GIFT_CARD_KEYS.iter().any(|begin| key.starts_with(begin)))
}

/// The number of items; 1 for a line sold by weight or length (`0.75`).
fn quantity(sent: &Decimal) -> Option<i64> {
    let (whole, fraction) = sent.0.trim().split_once('.').unwrap_or((sent.0.trim(), ""));
    if !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let whole: i64 = whole.parse().ok().filter(|whole| (0..=MAX_QUANTITY).contains(whole))?;
    let is_whole = fraction.bytes().all(|digit| digit == b'0');
    Some(if is_whole { whole.max(1) } else { 1 })
}

/// The fees as lines, and the sum of the negative ones.
fn fees(
    fees: &[FeeLine],
    amounts: Amounts,
    notes: &mut Notes,
) -> Result<(Vec<ReportedLine>, i64), PayloadError> {
    at_most(MAX_PARTS, fees.len(), || "fee_lines".to_owned())?;
    let (mut lines, mut below) = (Vec::new(), 0_i64);
    for (i, fee) in fees.iter().enumerate() {
        let at = |field: &str| format!("fee_lines[{i}].{field}");
        let minor = amounts.signed(fee.total.as_ref(), &|| at("total"))?;
        if minor <= 0 {
            below = below.saturating_sub(minor);
            continue;
        }
        let tax = amounts.signed(fee.total_tax.as_ref(), &|| at("total_tax"));
        lines.push(ReportedLine {
            line_ref: fee.id.as_ref().map_or_else(|| format!("#fee-{}", i + 1), |id| id.0.clone()),
            sku: None,
            title: plain(&filled(fee.name.as_ref()).unwrap_or_default()),
            quantity: 1,
            remaining_quantity: None,
            price_minor: minor,
            discount_minor: 0,
            tax_minor: notes.or_zero(ReadProblem::UnreadableTax, tax).max(0),
            tax_included: false,
            kind: LineKind::Fee,
        });
    }
    Ok((lines, below))
}

/// Negative lines are discounts without a code.
fn below_zero(items: &[LineItem], amounts: Amounts) -> Result<i64, PayloadError> {
    sum(items.iter().enumerate().map(|(i, item)| {
        let at = || format!("line_items[{i}].total");
        Ok(amounts.signed(item.total.as_ref(), &at)?.min(0).saturating_neg())
    }))
}

/// Spreads a discount on the whole order over its lines, in proportion to what was paid for each.
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

/// Parses amounts in the order's currency.
#[derive(Clone, Copy)]
pub(super) struct Amounts(pub Currency);

impl Amounts {
    /// Rounded to the currency's minor unit. WooCommerce sends as many decimals as the merchant
    /// configured, and all of them in coupon lines. 0 if it's missing.
    pub(super) fn signed(self, amount: Option<&Decimal>, at: At<'_>) -> Result<i64, PayloadError> {
        let amount = amount.filter(|decimal| !decimal.is_blank());
        amount.map_or(Ok(0), |decimal| decimal.minor(self.0, at))
    }
}
