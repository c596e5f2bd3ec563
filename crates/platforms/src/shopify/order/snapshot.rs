//! Shopify's orders.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use vouch_core::money::{Currency, allocate};
use vouch_core::order::snapshot::{
    LineKind, OrderSnapshot, PaymentState, ReadProblem, ReportedCode, ReportedLine, ReportedRefund,
    StoreEvent,
};

use super::ShopifyHeaders;
use super::money::Amounts;
use super::payload::{self, Allocation, LineItem, MoneySet, Order, ShippingLine};
use super::refund::refund;
use crate::payload::{
    Decimal, MAX_LINES, MAX_PARTS, MAX_QUANTITY, Notes, PayloadError, PayloadProblem, Text,
    at_most, filled, plain, sum,
};

/// The application type of codes.
const DISCOUNT_CODE: &str = "discount_code";

/// Fails if the currency or an amount of the base can't be parsed, or if there are too many parts.
pub(super) fn event(
    order: Order,
    notes: Notes,
    envelope: ShopifyHeaders,
) -> Result<StoreEvent, PayloadError> {
    report(order, notes, envelope).map(|report| StoreEvent::Order(Box::new(report)))
}

fn report(
    mut order: Order,
    mut notes: Notes,
    envelope: ShopifyHeaders,
) -> Result<OrderSnapshot, PayloadError> {
    let currency = currency(&order, &mut notes)?;
    let amounts = Amounts { currency: Some(currency) };
    let discounts =
        amounts.amount(order.total_discounts_set.as_ref(), order.total_discounts.as_ref(), &|| {
            "total_discounts".to_owned()
        });
    let discounts = notes.unless(!is_allocated(&order), ReadProblem::Unreadable, discounts)?;
    // For display only. Nothing is computed from these.
    let mut total = |set: &Option<MoneySet>, plain: &Option<Decimal>, name: &'static str| {
        let minor = amounts.signed(set.as_ref(), plain.as_ref(), &|| name.to_owned());
        notes.or_zero(ReadProblem::Unreadable, minor.map(Option::unwrap_or_default)).max(0)
    };
    let tax_minor = total(&order.total_tax_set, &order.total_tax, "total_tax");
    let total_minor = total(&order.total_price_set, &order.total_price, "total_price");
    let tips =
        total(&order.total_tip_received_set, &order.total_tip_received, "total_tip_received");

    let placed_at = order.processed_at.or(order.created_at).map(|time| time.0);
    let reported_at = order.updated_at.map(|time| time.0).or(placed_at);
    let reported_at = reported_at.unwrap_or(envelope.triggered_at);
    let tax_included = order.taxes_included.unwrap_or(false);
    let codes = codes(&order, amounts, &mut notes)?;
    let off_shipping = taken_off(true, &order, &codes);
    let shipping =
        shipping(&order.shipping_lines, off_shipping, amounts, tax_included, &mut notes)?;
    let mut lines = lines(&order, amounts, tax_included, tips, &mut notes)?;
    if order.line_items.iter().all(|item| item.discount_allocations.is_empty()) {
        // All discounts except those on shipping, and at least the codes' discounts.
        let off_shipping = shipping.discount_minor.max(off_shipping);
        let of_goods = (discounts - off_shipping).max(taken_off(false, &order, &codes));
        spread_discounts(&mut lines, of_goods);
    }
    let name = filled(order.name.as_ref());
    let sent = std::mem::take(&mut order.refunds);
    let refunds = refunds(sent, amounts, reported_at, &mut notes)?;
    Ok(OrderSnapshot {
        name: name.map_or_else(|| format!("#{}", order.id.0), |name| plain(&name)),
        reported_at,
        placed_at: placed_at.unwrap_or(reported_at),
        currency,
        is_test: envelope.is_test || order.test.unwrap_or(false),
        payment: payment(order.financial_status.as_ref()),
        cancelled_at: order.cancelled_at.map(|time| time.0),
        customer_email: customer_email(&order),
        customer_ref: order.customer.as_ref().and_then(|c| c.id.as_ref()).map(|id| id.0.clone()),
        customer_name: customer_name(&order).map(|name| plain(&name)),
        codes,
        lines,
        shipping_minor: shipping.net_minor,
        shipping_tax_minor: shipping.tax_minor,
        tax_minor,
        total_minor,
        refunds,
        negative_fees_minor: 0,
        notes: notes.into_vec(),
        order_ref: order.id.0,
    })
}

/// The store's currency. If the order doesn't have it, the currency of its first price.
fn currency(order: &Order, notes: &mut Notes) -> Result<Currency, PayloadError> {
    let of_price = || {
        let mut sets = order.line_items.iter().filter_map(|item| item.price_set.as_ref());
        sets.find_map(|set| filled(set.shop_money.as_ref()?.currency_code.as_ref()))
    };
    let code = filled(order.currency.as_ref()).or_else(of_price).unwrap_or_default();
    notes.currency(&code, "currency")
}

/// The codes with their discounts: first those of `discount_codes`, then those that are only in
/// `discount_applications`.
fn codes(
    order: &Order,
    amounts: Amounts,
    notes: &mut Notes,
) -> Result<Vec<ReportedCode>, PayloadError> {
    let count = order.discount_codes.len() + order.discount_applications.len();
    at_most(MAX_PARTS, count, || "discount_codes".to_owned())?;
    let mut codes = Vec::with_capacity(count);
    for (i, code) in order.discount_codes.iter().enumerate() {
        let at = || format!("discount_codes[{i}].amount");
        let amount = amounts.signed(None, code.amount.as_ref(), &at);
        let minor =
            notes.or_zero(ReadProblem::Unreadable, amount.map(Option::unwrap_or_default)).max(0);
        codes.push(ReportedCode { code: code.code.0.clone(), discount_minor: minor });
    }
    for (i, application) in order.discount_applications.iter().enumerate() {
        let is_code = application.kind.as_ref().is_some_and(|kind| kind.0.trim() == DISCOUNT_CODE);
        let Some(code) = filled(application.code.as_ref()).filter(|_| is_code) else { continue };
        let allocated = allocated(order, i, amounts);
        let discount_minor = notes.or_zero(ReadProblem::Unreadable, allocated);
        let code = ReportedCode { code, discount_minor };
        if codes.iter().all(|known: &ReportedCode| known.key() != code.key()) {
            codes.push(code);
        }
    }
    Ok(codes)
}

/// The discount of the application at this index, on goods and shipping.
fn allocated(order: &Order, application: usize, amounts: Amounts) -> Result<i64, PayloadError> {
    let of_lines = order.line_items.iter().map(|line| &line.discount_allocations);
    let of_shipping = order.shipping_lines.iter().map(|line| &line.discount_allocations);
    let parts = of_lines.chain(of_shipping).flatten();
    let is_of = |part: &&Allocation| {
        part.discount_application_index.and_then(|i| usize::try_from(i).ok()) == Some(application)
    };
    let at = || "discount_allocations".to_owned();
    sum(parts
        .filter(is_of)
        .map(|part| amounts.amount(part.amount_set.as_ref(), part.amount.as_ref(), &at)))
}

/// Whether every discount is allocated to lines. Totals add nothing then.
fn is_allocated(order: &Order) -> bool {
    order.line_items.iter().any(|item| !item.discount_allocations.is_empty())
        || order.shipping_lines.iter().any(|line| !line.discount_allocations.is_empty())
}

fn lines(
    order: &Order,
    amounts: Amounts,
    tax_included: bool,
    tips_minor: i64,
    notes: &mut Notes,
) -> Result<Vec<ReportedLine>, PayloadError> {
    let items = &order.line_items;
    at_most(MAX_LINES, items.len(), || "line_items".to_owned())?;
    let is_allocated = is_allocated(order);
    let mut lines = Vec::with_capacity(items.len());
    for (i, item) in items.iter().enumerate() {
        let line = line(item, i, amounts, (tax_included, is_allocated), notes)?;
        lines.push(ReportedLine { kind: kind(item, &line, tips_minor), ..line });
    }
    Ok(lines)
}

fn line(
    item: &LineItem,
    i: usize,
    amounts: Amounts,
    (tax_included, is_allocated): (bool, bool),
    notes: &mut Notes,
) -> Result<ReportedLine, PayloadError> {
    let at = |field: &str| format!("line_items[{i}].{field}");
    if !(0..=MAX_QUANTITY).contains(&item.quantity) {
        return Err(PayloadError::new(at("quantity"), PayloadProblem::NotAQuantity));
    }
    let price = amounts.signed(item.price_set.as_ref(), item.price.as_ref(), &|| at("price"))?;
    let price = price.ok_or_else(|| PayloadError::new(at("price"), PayloadProblem::Missing))?;
    if price < 0 {
        return Err(PayloadError::new(at("price"), PayloadProblem::Negative));
    }
    // The allocations are all discounts of the line, including those on the order. `total_discount`
    // is a part of them, or the only discount in old orders.
    let (set, plain_discount) = (item.total_discount_set.as_ref(), item.total_discount.as_ref());
    let own = amounts.amount(set, plain_discount, &|| at("total_discount"));
    let own = notes.unless(!is_allocated, ReadProblem::Unreadable, own)?;
    let discount_minor = if item.discount_allocations.is_empty() {
        own
    } else {
        amounts.allocations(&item.discount_allocations, &|| format!("line_items[{i}]"))?
    };
    let tax = amounts.taxes(&item.tax_lines, &|| format!("line_items[{i}]"));
    let title = filled(item.name.as_ref()).or_else(|| filled(item.title.as_ref()));
    Ok(ReportedLine {
        line_ref: item.id.as_ref().map_or_else(|| format!("#{}", i + 1), |id| id.0.clone()),
        sku: filled(item.sku.as_ref()),
        title: plain(&title.unwrap_or_default()),
        quantity: item.quantity,
        remaining_quantity: item.current_quantity.map(|left| left.clamp(0, item.quantity)),
        price_minor: price,
        discount_minor,
        // Without the tax, prices that include it can't be a base of commission.
        tax_minor: if tax_included { tax? } else { notes.or_zero(ReadProblem::UnreadableTax, tax) },
        tax_included,
        kind: LineKind::Goods,
    })
}

/// A tip is a line with its own mark. The GraphQL API and old orders don't have the mark. There, a
/// tip isn't a product, has no SKU and isn't shipped. It's titled "tip", or its amount is the
/// order's total of tips.
fn kind(item: &LineItem, line: &ReportedLine, tips_minor: i64) -> LineKind {
    if item.gift_card == Some(true) {
        return LineKind::GiftCard;
    }
    let is_product =
        item.product_id.is_some() || line.sku.is_some() || item.requires_shipping != Some(false);
    let title = filled(item.title.as_ref()).unwrap_or_else(|| line.title.clone());
    let is_called_tip = title.trim().eq_ignore_ascii_case("tip");
    let is_all_tips =
        tips_minor > 0 && line.price_minor.saturating_mul(line.quantity) == tips_minor;
    if item.tip.is_some() || (!is_product && (is_called_tip || is_all_tips)) {
        LineKind::Tip
    } else {
        LineKind::Goods
    }
}

/// The sum of the discounts of codes for free shipping, or of all other codes.
fn taken_off(shipping: bool, order: &Order, codes: &[ReportedCode]) -> i64 {
    let of_kind = order.discount_codes.iter().zip(codes).filter(|(sent, _)| {
        let kind = sent.kind.as_ref().map_or("", |kind| kind.0.trim());
        shipping == kind.eq_ignore_ascii_case("shipping")
    });
    of_kind.fold(0_i64, |sum, (_, code)| sum.saturating_add(code.discount_minor))
}

/// Spreads discounts on goods that are in the totals but not on the lines. Old orders have only the
/// lines' own discounts there, if any. With allocations, nothing is missing.
fn spread_discounts(lines: &mut [ReportedLine], discounts_minor: i64) {
    let sum = |minors: &mut dyn Iterator<Item = i64>| minors.fold(0_i64, i64::saturating_add);
    let said = sum(&mut lines.iter().map(|line| line.discount_minor));
    // Codes don't discount gift cards and tips.
    let left = |line: &ReportedLine| match line.kind {
        LineKind::Goods => line
            .price_minor
            .saturating_mul(line.quantity)
            .saturating_sub(line.discount_minor)
            .max(0),
        LineKind::GiftCard | LineKind::Tip | LineKind::Fee | LineKind::Shipping => 0,
    };
    let left: Vec<i64> = lines.iter().map(left).collect();
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

/// `code_minor` is the discount of codes for free shipping, which old orders don't have on their
/// lines.
fn shipping(
    lines: &[ShippingLine],
    code_minor: i64,
    amounts: Amounts,
    tax_included: bool,
    notes: &mut Notes,
) -> Result<Shipping, PayloadError> {
    at_most(MAX_PARTS, lines.len(), || "shipping_lines".to_owned())?;
    let (mut prices, mut discounts, mut taxes) = (Vec::new(), Vec::new(), Vec::new());
    let mut readable = |minor| notes.or_zero(ReadProblem::UnreadableShipping, minor);
    for (i, line) in lines.iter().enumerate().filter(|(_, line)| !is_removed(line)) {
        let at = |field: &str| format!("shipping_lines[{i}].{field}");
        let price = amounts.amount(line.price_set.as_ref(), line.price.as_ref(), &|| at("price"));
        let price = readable(price);
        let (set, plain) = (line.discounted_price_set.as_ref(), line.discounted_price.as_ref());
        let discounted = amounts.signed(set, plain, &|| at("discounted_price"));
        let discounted = readable(discounted.map(|minor| minor.unwrap_or(price)));
        let allocated =
            amounts.allocations(&line.discount_allocations, &|| format!("shipping_lines[{i}]"));
        let allocated = readable(allocated);
        // `discounted_price` excludes discounts on the order. The allocations include them.
        let discount = if allocated > 0 { allocated } else { price - discounted };
        prices.push(price);
        discounts.push(discount.clamp(0, price));
        taxes.push(readable(amounts.taxes(&line.tax_lines, &|| format!("shipping_lines[{i}]"))));
    }
    let sum = |minors: &[i64]| minors.iter().copied().fold(0, i64::saturating_add);
    if lines.iter().all(|line| line.discount_allocations.is_empty()) {
        let left: Vec<i64> = prices.iter().zip(&discounts).map(|(p, d)| p - d).collect();
        let rest = code_minor.saturating_sub(sum(&discounts)).clamp(0, sum(&left));
        for (discount, part) in discounts.iter_mut().zip(allocate(rest, &left)) {
            *discount += part;
        }
    }
    let lines = prices.iter().zip(&discounts).zip(&taxes);
    let paid: Vec<i64> = lines
        .map(|((price, discount), tax)| price - discount - if tax_included { *tax } else { 0 })
        .map(|paid| paid.max(0))
        .collect();
    Ok(Shipping { net_minor: sum(&paid), tax_minor: sum(&taxes), discount_minor: sum(&discounts) })
}

fn is_removed(line: &ShippingLine) -> bool {
    line.is_removed.unwrap_or(false)
}

fn refunds(
    refunds: Vec<payload::Refund>,
    amounts: Amounts,
    reported_at: DateTime<Utc>,
    notes: &mut Notes,
) -> Result<Vec<ReportedRefund>, PayloadError> {
    at_most(MAX_PARTS, refunds.len(), || "refunds".to_owned())?;
    let mut seen = BTreeSet::new();
    let once = refunds.into_iter().enumerate().filter(|(_, one)| seen.insert(one.id.0.clone()));
    let reported = once.map(|(i, one)| {
        let mut reported = refund(one, amounts, &|| format!("refunds[{i}]."), reported_at)?;
        notes.append(&mut reported.notes);
        Ok(reported)
    });
    reported.collect()
}

fn payment(status: Option<&Text>) -> PaymentState {
    match status.map(|status| status.0.trim().to_ascii_lowercase()).as_deref() {
        None | Some("" | "pending") => PaymentState::Pending,
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

/// The order's email, or the customer's own.
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
