//! BigCommerce's orders.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use vouch_core::code::key_of_reported_code;
use vouch_core::money::{Currency, allocate};
use vouch_core::order::snapshot::{
    IgnoredReason, LineKind, OrderSnapshot, ReadProblem, ReportedCode, ReportedLine, StoreEvent,
};

use super::exact::Exact;
use super::payload::{Address, Coupon, Document, Order, Product};
use super::refund::{are_all_declined, declined_items, refunds};
use super::status;
use crate::payload::{
    Decimal, MAX_LINES, MAX_PARTS, MAX_QUANTITY, Notes, PayloadError, PayloadProblem, Text,
    at_most, filled, plain,
};

/// BigCommerce's gateway for test orders, which moves no money.
const TEST_GATEWAY: &str = "Test Payment Gateway";
/// The product type of gift certificates for sale.
const GIFT_CERTIFICATE: &str = "giftcertificate";
/// The coupon types that discount shipping: `shipping_discount` and `free_shipping`.
const OFF_SHIPPING: [&str; 2] = ["3", "4"];

/// Parses a document. An archived order (`is_deleted`) counts by its status: archiving only hides
/// it, can be undone, and takes no commission from an affiliate. Fails if the currency or an amount
/// of the base can't be parsed, or if there are too many parts.
pub(super) fn event(
    document: Document,
    notes: Notes,
    read_at: DateTime<Utc>,
) -> Result<StoreEvent, PayloadError> {
    if status::is_incomplete(&document.order) {
        return Ok(StoreEvent::Ignored {
            order_ref: document.order.id.0,
            reason: IgnoredReason::NotPlaced,
        });
    }
    report(document, notes, read_at).map(|report| StoreEvent::Order(Box::new(report)))
}

fn report(
    document: Document,
    mut notes: Notes,
    read_at: DateTime<Utc>,
) -> Result<OrderSnapshot, PayloadError> {
    let Document { order, products, coupons, refunds: given_back } = document;
    let currency = currency(&order, &mut notes)?;
    let mut amount = |decimal: &Option<Decimal>, name: &str, problem: ReadProblem| {
        let read = Exact::signed(decimal.as_ref(), &|| format!("order.{name}"));
        notes.or_zero(problem, read.map(|amount| amount.unwrap_or_default().minor(currency))).max(0)
    };
    let shipping_minor = amount(
        &order.shipping_cost_ex_tax,
        "shipping_cost_ex_tax",
        ReadProblem::UnreadableShipping,
    );
    let shipping_tax_minor =
        amount(&order.shipping_cost_tax, "shipping_cost_tax", ReadProblem::UnreadableTax);
    // For display only. Nothing is computed from these.
    let tax_minor = amount(&order.total_tax, "total_tax", ReadProblem::Unreadable);
    let total_minor = amount(&order.total_inc_tax, "total_inc_tax", ReadProblem::Unreadable);
    let tax_included = order.is_tax_inclusive_pricing.unwrap_or(false);
    let codes = codes(&coupons, &products, currency, &mut notes)?;
    let mut lines = lines(&order, &products, &coupons, currency, tax_included, &mut notes)?;
    for line in &mut lines {
        let declined = declined_items(&given_back, &line.line_ref);
        line.remaining_quantity =
            line.remaining_quantity.map(|left| left.saturating_add(declined).min(line.quantity));
    }
    let modified_at = order.date_modified.map(|time| time.0);
    let placed_at = order.date_created.map(|time| time.0).or(modified_at).unwrap_or(read_at);
    let refunds = refunds(&given_back, &lines, currency, placed_at)?;
    // A refund doesn't always change the order's own time, even if it's declined later.
    let last_refund = given_back.iter().filter_map(|refund| Some(refund.created?.0)).max();
    let reported_at = modified_at.max(last_refund).unwrap_or(placed_at);
    let address = order.billing_address.as_ref();
    Ok(OrderSnapshot {
        name: format!("#{}", order.id.0),
        reported_at,
        placed_at,
        currency,
        is_test: order.payment_method.as_ref().is_some_and(|method| method.0 == TEST_GATEWAY),
        payment: status::payment(&order, are_all_declined(&given_back)),
        // BigCommerce has no separate cancellation time.
        cancelled_at: status::is_cancelled(&order).then_some(modified_at.unwrap_or(placed_at)),
        customer_email: address.and_then(|address| filled(address.email.as_ref())),
        // 0 is a guest.
        customer_ref: order.customer_id.as_ref().map(|id| id.0.clone()).filter(|id| id != "0"),
        customer_name: address.and_then(name).map(|name| plain(&name)),
        codes,
        lines,
        shipping_minor,
        shipping_tax_minor,
        tax_minor,
        total_minor,
        refunds,
        negative_fees_minor: 0,
        notes: notes.into_vec(),
        order_ref: order.id.0,
    })
}

/// The currency of every amount, in which the customer pays (`default_currency_code`). The
/// displayed currency (`currency_code`) and the store's own (`store_default_currency_code`) can
/// differ. They count only for orders from before multi-currency, which have no other.
fn currency(order: &Order, notes: &mut Notes) -> Result<Currency, PayloadError> {
    let said =
        [&order.default_currency_code, &order.currency_code, &order.store_default_currency_code];
    let code = said.into_iter().find_map(|code| filled(code.as_ref())).unwrap_or_default();
    notes.currency(&code, "order.default_currency_code")
}

/// The codes of the list, then those that appear only on a line.
fn codes(
    coupons: &[Coupon],
    products: &[Product],
    currency: Currency,
    notes: &mut Notes,
) -> Result<Vec<ReportedCode>, PayloadError> {
    at_most(MAX_PARTS, coupons.len(), || "coupons".to_owned())?;
    let mut found: Vec<(String, Exact)> = Vec::new();
    for (i, coupon) in coupons.iter().enumerate() {
        let Some(code) = filled(coupon.code.as_ref()) else { continue };
        let discount =
            Exact::signed(coupon.discount.as_ref(), &|| format!("coupons[{i}].discount"));
        let discount = discount.unwrap_or_else(|error| {
            notes.add(ReadProblem::Unreadable, error.path);
            None
        });
        found.push((code, discount.unwrap_or_default()));
    }
    let listed: BTreeSet<String> =
        found.iter().map(|(code, _)| key_of_reported_code(code)).collect();
    for (i, product) in products.iter().enumerate() {
        for (j, discount) in product.applied_discounts.iter().flatten().enumerate() {
            let Some(code) = filled(discount.code.as_ref()) else { continue };
            let key = key_of_reported_code(&code);
            if listed.contains(&key) {
                continue;
            }
            let at = || format!("products[{i}].applied_discounts[{j}].amount");
            let amount = Exact::read(discount.amount.as_ref(), &at)?;
            match found.iter_mut().find(|(known, _)| key_of_reported_code(known) == key) {
                Some((_, sum)) => sum.0 += amount.0,
                None => found.push((code, amount)),
            }
            at_most(MAX_PARTS, found.len(), || "products".to_owned())?;
        }
    }
    let reported = found.into_iter();
    Ok(reported
        .map(|(code, taken)| ReportedCode { code, discount_minor: taken.minor(currency).max(0) })
        .collect())
}

fn lines(
    order: &Order,
    products: &[Product],
    coupons: &[Coupon],
    currency: Currency,
    tax_included: bool,
    notes: &mut Notes,
) -> Result<Vec<ReportedLine>, PayloadError> {
    at_most(MAX_LINES, products.len(), || "products".to_owned())?;
    let of_line = |(i, product): (usize, &Product)| line(product, i, currency, tax_included, notes);
    let read: Vec<(ReportedLine, bool)> =
        products.iter().enumerate().map(of_line).collect::<Result<_, _>>()?;
    // Discounts can be only in the order's totals, with an empty list on every line.
    let is_any_discounted = read.iter().any(|(_, is_discounted)| *is_discounted);
    let mut lines: Vec<ReportedLine> = read.into_iter().map(|(line, _)| line).collect();
    if !is_any_discounted {
        spread_discounts(&mut lines, off_the_goods(order, coupons)?.minor(currency));
    }
    Ok(lines)
}

/// The line's total before discounts, without and with tax.
#[derive(Clone, Copy)]
struct Totals {
    ex_tax: Option<Exact>,
    inc_tax: Option<Exact>,
    /// Whether the line's prices include tax.
    tax_included: bool,
}

impl Totals {
    /// The tax included in, or added to, a part of the line, by the ratio of its prices.
    fn tax_of(self, paid: Exact) -> Option<Exact> {
        let (ex_tax, inc_tax) = self.ex_tax.zip(self.inc_tax)?;
        if ex_tax.0 <= 0 || ex_tax > inc_tax {
            return None;
        }
        let whole = if self.tax_included { inc_tax } else { ex_tax };
        paid.times_ratio(inc_tax.less(ex_tax), whole)
    }
}

/// The line, and whether it contains a discount.
fn line(
    product: &Product,
    i: usize,
    currency: Currency,
    tax_included: bool,
    notes: &mut Notes,
) -> Result<(ReportedLine, bool), PayloadError> {
    let read = |decimal: Option<&Decimal>, field: &str| {
        Exact::optional(decimal, &|| format!("products[{i}].{field}"))
    };
    let quantity = quantity(product, i, notes)?;
    let ex_tax = read(product.total_ex_tax.as_ref(), "total_ex_tax")?;
    let inc_tax = read(product.total_inc_tax.as_ref(), "total_inc_tax")?;
    let totals = Totals { ex_tax, inc_tax, tax_included };
    let (price, total) = if tax_included {
        (read(product.price_inc_tax.as_ref(), "price_inc_tax")?, inc_tax)
    } else {
        (read(product.price_ex_tax.as_ref(), "price_ex_tax")?, ex_tax)
    };
    let times = |price: Exact| Exact(price.0.saturating_mul(i128::from(quantity)));
    let Some(total) = total.or(price.map(times)) else {
        return Err(PayloadError::new(
            format!("products[{i}].price_ex_tax"),
            PayloadProblem::Missing,
        ));
    };
    let discounted = read(product.discounted_total_inc_tax.as_ref(), "discounted_total_inc_tax")?;
    let (paid, is_discounted) = match (applied(product, i)?, discounted, inc_tax) {
        (applied, ..) if applied.0 > 0 => (total.less(applied), true),
        // A discount that isn't listed.
        (_, Some(discounted), Some(inc_tax)) if discounted < inc_tax => {
            (total.times_ratio(discounted, inc_tax).unwrap_or(total).min(total), true)
        }
        _ => (total, false),
    };
    let tax = tax(product, i, totals, paid, notes)?;
    let paid_minor = paid.minor(currency);
    let price_minor = unit_price(total.minor(currency), quantity);
    let refunded = match &product.quantity_refunded {
        Some(refunded) => whole(refunded, &|| format!("products[{i}].quantity_refunded"))?,
        None => 0,
    };
    let line = ReportedLine {
        line_ref: product.id.as_ref().map_or_else(|| format!("#{}", i + 1), |id| id.0.clone()),
        sku: filled(product.sku.as_ref()),
        title: plain(&filled(product.name.as_ref()).unwrap_or_default()),
        quantity,
        remaining_quantity: (refunded > 0).then_some((quantity - refunded).max(0)),
        price_minor,
        discount_minor: price_minor.saturating_mul(quantity).saturating_sub(paid_minor).max(0),
        tax_minor: tax.minor(currency),
        tax_included,
        kind: kind(product),
    };
    Ok((line, is_discounted))
}

fn quantity(product: &Product, i: usize, notes: &mut Notes) -> Result<i64, PayloadError> {
    let at = || format!("products[{i}].quantity");
    match product.quantity.as_ref().filter(|quantity| !quantity.is_blank()) {
        Some(quantity) => whole(quantity, &at),
        None => {
            notes.add(ReadProblem::Unreadable, at());
            Ok(1)
        }
    }
}

/// The sum of the listed discounts on the line.
fn applied(product: &Product, i: usize) -> Result<Exact, PayloadError> {
    let discounts = product.applied_discounts.iter().flatten().enumerate().map(|(j, discount)| {
        Exact::read(discount.amount.as_ref(), &|| {
            format!("products[{i}].applied_discounts[{j}].amount")
        })
    });
    Ok(discounts.collect::<Result<Vec<_>, _>>()?.into_iter().sum())
}

fn kind(product: &Product) -> LineKind {
    let kind = product.kind.as_ref().map_or("", |kind| kind.0.trim());
    if kind.eq_ignore_ascii_case(GIFT_CERTIFICATE) { LineKind::GiftCard } else { LineKind::Goods }
}

/// The tax on the amount paid for a line. `total_tax` can be the tax before discounts, so it only
/// counts if the prices with and without tax aren't known.
fn tax(
    product: &Product,
    i: usize,
    totals: Totals,
    paid: Exact,
    notes: &mut Notes,
) -> Result<Exact, PayloadError> {
    let by_ratio = totals.tax_of(paid);
    let said = Exact::signed(product.total_tax.as_ref(), &|| format!("products[{i}].total_tax"));
    match (said, by_ratio) {
        // Without the tax, prices that include it can't be a base of commission.
        (Err(error), None) if totals.tax_included => Err(error),
        (Err(error), by_ratio) => {
            notes.add(ReadProblem::UnreadableTax, error.path);
            Ok(by_ratio.unwrap_or_default())
        }
        (Ok(said), by_ratio) => Ok(by_ratio.unwrap_or(Exact(said.unwrap_or_default().0.max(0)))),
    }
}

/// The unit price, rounded up so that nothing of the line's total is lost. The discount absorbs the
/// excess.
fn unit_price(total_minor: i64, quantity: i64) -> i64 {
    if quantity == 0 { 0 } else { total_minor.saturating_add(quantity - 1) / quantity }
}

/// A number of items, sent as `2` or `2.0000`.
pub(super) fn whole(decimal: &Decimal, at: &dyn Fn() -> String) -> Result<i64, PayloadError> {
    let text = decimal.0.trim();
    let digits = match text.split_once('.') {
        Some((digits, zeros)) if zeros.bytes().all(|byte| byte == b'0') => digits,
        _ => text,
    };
    digits
        .parse()
        .ok()
        .filter(|quantity| (0..=MAX_QUANTITY).contains(quantity))
        .ok_or_else(|| PayloadError::new(at(), PayloadProblem::NotAQuantity))
}

/// The discounts on goods, by the order's totals.
fn off_the_goods(order: &Order, coupons: &[Coupon]) -> Result<Exact, PayloadError> {
    let manual = Exact::read(order.discount_amount.as_ref(), &|| "order.discount_amount".into())?;
    let by_coupons =
        Exact::read(order.coupon_discount.as_ref(), &|| "order.coupon_discount".into())?;
    let shipping = coupons.iter().enumerate().filter(|(_, coupon)| {
        coupon.kind.as_ref().is_some_and(|kind| OFF_SHIPPING.contains(&kind.0.as_str()))
    });
    let shipping = shipping.map(|(i, coupon)| {
        Exact::read(coupon.discount.as_ref(), &|| format!("coupons[{i}].discount"))
    });
    let shipping: Exact = shipping.collect::<Result<Vec<_>, _>>()?.into_iter().sum();
    Ok(Exact(manual.0 + by_coupons.less(shipping).0))
}

/// Spreads the order's discounts over lines without discounts of their own, as in old orders.
fn spread_discounts(lines: &mut [ReportedLine], discounts_minor: i64) {
    let asked: Vec<i64> = lines
        .iter()
        .map(|line| line.price_minor.saturating_mul(line.quantity) - line.discount_minor)
        .collect();
    let all = asked.iter().fold(0_i64, |sum, minor| sum.saturating_add(*minor));
    for (line, part) in lines.iter_mut().zip(allocate(discounts_minor.min(all), &asked)) {
        line.discount_minor += part;
    }
}

fn name(address: &Address) -> Option<String> {
    let parts: [Option<&Text>; 2] = [address.first_name.as_ref(), address.last_name.as_ref()];
    let parts: Vec<String> = parts.into_iter().filter_map(filled).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}
