//! An order as the GraphQL Admin API returns it (`documents/order.graphql`), converted to the form
//! of its webhook.

use serde::Deserialize;
use serde::de::Error as _;
use serde_json::Value;
use vouch_core::code::key_of_reported_code;

use super::payload::{
    Address, Allocation, Customer, DiscountCode, LineItem, Money, MoneySet, Order, OrderAdjustment,
    Refund, RefundLineItem, RefundShippingLine, ShippingLine, TaxLine,
};
use crate::payload::{Decimal, Id, Text, Time, maybe};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Queried {
    id: Gid,
    name: Option<Text>,
    currency_code: Text,
    #[serde(default, deserialize_with = "maybe")]
    created_at: Option<Time>,
    #[serde(default, deserialize_with = "maybe")]
    processed_at: Option<Time>,
    #[serde(default, deserialize_with = "maybe")]
    updated_at: Option<Time>,
    #[serde(default, deserialize_with = "maybe")]
    cancelled_at: Option<Time>,
    test: Option<bool>,
    display_financial_status: Option<String>,
    taxes_included: Option<bool>,
    email: Option<Text>,
    customer: Option<QueriedCustomer>,
    billing_address: Option<Address>,
    total_discounts_set: Option<Set>,
    total_tax_set: Option<Set>,
    total_price_set: Option<Set>,
    total_tip_received_set: Option<Set>,
    #[serde(default)]
    discount_codes: Vec<Text>,
    line_items: Nodes<Line>,
    shipping_lines: Nodes<Shipping>,
    #[serde(default)]
    refunds: Vec<QueriedRefund>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct QueriedCustomer {
    id: Gid,
    first_name: Option<Text>,
    last_name: Option<Text>,
    default_email_address: Option<EmailAddress>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EmailAddress {
    email_address: Option<Text>,
}

#[derive(Debug, Deserialize)]
struct Nodes<T> {
    nodes: Vec<T>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    id: Gid,
    name: Option<Text>,
    sku: Option<Text>,
    is_gift_card: Option<bool>,
    requires_shipping: Option<bool>,
    quantity: i64,
    current_quantity: Option<i64>,
    original_unit_price_set: Option<Set>,
    total_discount_set: Option<Set>,
    discount_allocations: Vec<QueriedAllocation>,
    tax_lines: Vec<Tax>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shipping {
    is_removed: Option<bool>,
    original_price_set: Option<Set>,
    discounted_price_set: Option<Set>,
    discount_allocations: Vec<QueriedAllocation>,
    tax_lines: Vec<Tax>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct QueriedAllocation {
    allocated_amount_set: Option<Set>,
    discount_application: ApplicationNode,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ApplicationNode {
    #[serde(rename = "__typename")]
    kind: String,
    target_type: Option<String>,
    code: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tax {
    price_set: Option<Set>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct QueriedRefund {
    id: Gid,
    #[serde(default, deserialize_with = "maybe")]
    created_at: Option<Time>,
    #[serde(default, deserialize_with = "maybe")]
    processed_at: Option<Time>,
    total_refunded_set: Option<Set>,
    refund_line_items: Nodes<RefundLineNode>,
    refund_shipping_lines: Nodes<RefundedShipping>,
    order_adjustments: Nodes<Adjustment>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RefundLineNode {
    line_item: OfLine,
    quantity: i64,
    subtotal_set: Option<Set>,
    total_tax_set: Option<Set>,
}

#[derive(Debug, Deserialize)]
struct OfLine {
    id: Gid,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RefundedShipping {
    subtotal_amount_set: Option<Set>,
    tax_amount_set: Option<Set>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Adjustment {
    amount_set: Option<Set>,
    tax_amount_set: Option<Set>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Set {
    shop_money: ShopMoney,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShopMoney {
    amount: Decimal,
    currency_code: Option<Text>,
}

/// The number in `gid://shopify/Order/450789469`.
#[derive(Debug)]
struct Gid(Id);

impl<'de> Deserialize<'de> for Gid {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = text.rsplit('/').next().unwrap_or_default();
        // Some have parameters: `gid://shopify/LineItem/1?variant=2`.
        let number = number.split('?').next().unwrap_or_default();
        serde_json::from_value(Value::from(number)).map(Self).map_err(D::Error::custom)
    }
}

/// Whether the field at this path is in the base of commission.
pub(super) fn is_base(names: &[&str]) -> bool {
    match names {
        ["id"] | ["lineItems" | "refunds"] => true,
        ["lineItems", .., "name" | "sku"] => false,
        ["lineItems", inner @ ..] => !inner.contains(&"taxLines"),
        ["refunds", .., "createdAt" | "processedAt"] => false,
        ["refunds" | "taxesIncluded" | "totalDiscountsSet", ..] => true,
        _ => false,
    }
}

impl From<Queried> for Order {
    fn from(order: Queried) -> Self {
        let codes = codes(&order);
        Self {
            id: order.id.0,
            name: order.name,
            currency: Some(order.currency_code),
            created_at: order.created_at,
            processed_at: order.processed_at,
            updated_at: order.updated_at,
            cancelled_at: order.cancelled_at,
            test: order.test,
            financial_status: order
                .display_financial_status
                .map(|status| Text(status.to_ascii_lowercase())),
            taxes_included: order.taxes_included,
            email: order.email,
            contact_email: None,
            customer: order.customer.map(Into::into),
            billing_address: order.billing_address,
            total_discounts: None,
            total_discounts_set: order.total_discounts_set.map(Into::into),
            total_tax: None,
            total_tax_set: order.total_tax_set.map(Into::into),
            total_price: None,
            total_price_set: order.total_price_set.map(Into::into),
            total_tip_received: None,
            total_tip_received_set: order.total_tip_received_set.map(Into::into),
            discount_applications: Vec::new(),
            discount_codes: codes,
            line_items: order.line_items.nodes.into_iter().map(Into::into).collect(),
            shipping_lines: order.shipping_lines.nodes.into_iter().map(Into::into).collect(),
            refunds: order.refunds.into_iter().map(Into::into).collect(),
        }
    }
}

/// The codes with their discounts. The API returns those only by line. On an order from a draft, a
/// code has no allocations of its own, only a manual discount's.
fn codes(order: &Queried) -> Vec<DiscountCode> {
    let of_lines = order.line_items.nodes.iter().flat_map(|line| &line.discount_allocations);
    let of_shipping = order.shipping_lines.nodes.iter().flat_map(|line| &line.discount_allocations);
    let all: Vec<&QueriedAllocation> = of_lines.chain(of_shipping).collect();
    let is_of = |part: &QueriedAllocation, code: &Text| {
        let applied = part.discount_application.code.as_ref();
        applied.is_some_and(|applied| applied.0.to_lowercase() == code.0.to_lowercase())
    };
    let is_manual =
        |part: &&&QueriedAllocation| part.discount_application.kind == "ManualDiscountApplication";
    let is_lone = order.discount_codes.len() == 1;
    let one = |code: &Text| {
        let mut parts: Vec<&QueriedAllocation> =
            all.iter().copied().filter(|part| is_of(part, code)).collect();
        if parts.is_empty() && is_lone {
            parts = all.iter().filter(is_manual).copied().collect();
        }
        let is_shipping = |part: &&QueriedAllocation| {
            part.discount_application.target_type.as_deref() == Some("SHIPPING_LINE")
        };
        let shipping = !parts.is_empty() && parts.iter().all(is_shipping);
        DiscountCode {
            code: code.clone(),
            amount: Some(sum(&parts)),
            kind: shipping.then(|| Text("shipping".to_owned())),
        }
    };
    let keys: Vec<String> =
        order.discount_codes.iter().map(|code| key_of_reported_code(&code.0)).collect();
    let mut codes: Vec<&Text> = order.discount_codes.iter().collect();
    // Codes that appear only in allocations.
    for code in all.iter().filter_map(|part| part.discount_application.code.as_ref()) {
        let key = key_of_reported_code(&code.0);
        let is_new = !keys.contains(&key)
            && codes.iter().skip(keys.len()).all(|known| key_of_reported_code(&known.0) != key);
        if is_new {
            codes.push(code);
        }
    }
    codes.into_iter().map(one).collect()
}

/// Adds decimal amounts digit by digit, with any number of decimals.
fn sum(parts: &[&QueriedAllocation]) -> Decimal {
    let amounts = parts.iter().filter_map(|part| part.allocated_amount_set.as_ref());
    let amounts: Vec<&str> = amounts.map(|set| set.shop_money.amount.0.as_str()).collect();
    let decimals = |text: &str| text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let most = amounts.iter().map(|text| decimals(text)).max().unwrap_or(0);
    let units = |text: &&str| -> Option<i128> {
        let padding = "0".repeat(most - decimals(text));
        (text.replace('.', "") + &padding).parse().ok()
    };
    match amounts.iter().map(units).sum::<Option<i128>>() {
        Some(sum) => {
            let digits = format!("{sum:0>width$}", width = most + 1);
            let (whole, decimals) = digits.split_at(digits.len() - most);
            Decimal(if most == 0 { digits.clone() } else { format!("{whole}.{decimals}") })
        }
        // Invalid amounts fail later, where they're parsed and their path is known.
        None => Decimal(amounts.concat()),
    }
}

impl From<QueriedCustomer> for Customer {
    fn from(customer: QueriedCustomer) -> Self {
        Self {
            id: Some(customer.id.0),
            email: customer.default_email_address.and_then(|address| address.email_address),
            first_name: customer.first_name,
            last_name: customer.last_name,
        }
    }
}

impl From<Line> for LineItem {
    fn from(line: Line) -> Self {
        Self {
            id: Some(line.id.0),
            name: line.name,
            title: None,
            sku: line.sku,
            quantity: line.quantity,
            current_quantity: line.current_quantity,
            price: None,
            price_set: line.original_unit_price_set.map(Into::into),
            total_discount: None,
            total_discount_set: line.total_discount_set.map(Into::into),
            gift_card: line.is_gift_card,
            tip: None,
            product_id: None,
            requires_shipping: line.requires_shipping,
            discount_allocations: line.discount_allocations.into_iter().map(Into::into).collect(),
            tax_lines: line.tax_lines.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Shipping> for ShippingLine {
    fn from(line: Shipping) -> Self {
        Self {
            price: None,
            price_set: line.original_price_set.map(Into::into),
            discounted_price: None,
            discounted_price_set: line.discounted_price_set.map(Into::into),
            is_removed: line.is_removed,
            discount_allocations: line.discount_allocations.into_iter().map(Into::into).collect(),
            tax_lines: line.tax_lines.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<QueriedRefund> for Refund {
    fn from(refund: QueriedRefund) -> Self {
        Self {
            id: refund.id.0,
            order_id: None,
            created_at: refund.created_at,
            processed_at: refund.processed_at,
            refund_line_items: refund.refund_line_items.nodes.into_iter().map(Into::into).collect(),
            refund_shipping_lines: refund
                .refund_shipping_lines
                .nodes
                .into_iter()
                .map(Into::into)
                .collect(),
            order_adjustments: refund.order_adjustments.nodes.into_iter().map(Into::into).collect(),
            transactions: Vec::new(),
            total_duties_set: None,
            total_refunded_set: refund.total_refunded_set.map(Into::into),
        }
    }
}

impl From<RefundLineNode> for RefundLineItem {
    fn from(line: RefundLineNode) -> Self {
        Self {
            line_item_id: Some(line.line_item.id.0),
            quantity: line.quantity,
            subtotal: None,
            subtotal_set: line.subtotal_set.map(Into::into),
            total_tax: None,
            total_tax_set: line.total_tax_set.map(Into::into),
        }
    }
}

impl From<RefundedShipping> for RefundShippingLine {
    fn from(line: RefundedShipping) -> Self {
        Self {
            subtotal_amount_set: line.subtotal_amount_set.map(Into::into),
            tax_amount_set: line.tax_amount_set.map(Into::into),
        }
    }
}

/// The API has no adjustments for shipping. It has `refundShippingLines` instead.
impl From<Adjustment> for OrderAdjustment {
    fn from(adjustment: Adjustment) -> Self {
        Self {
            kind: None,
            amount: None,
            amount_set: adjustment.amount_set.map(Into::into),
            tax_amount: None,
            tax_amount_set: adjustment.tax_amount_set.map(Into::into),
        }
    }
}

impl From<QueriedAllocation> for Allocation {
    fn from(part: QueriedAllocation) -> Self {
        Self {
            amount: None,
            amount_set: part.allocated_amount_set.map(Into::into),
            discount_application_index: None,
        }
    }
}

impl From<Tax> for TaxLine {
    fn from(tax: Tax) -> Self {
        Self { price: None, price_set: tax.price_set.map(Into::into) }
    }
}

impl From<Set> for MoneySet {
    fn from(set: Set) -> Self {
        let ShopMoney { amount, currency_code } = set.shop_money;
        Self { shop_money: Some(Money { amount: Some(amount), currency_code }) }
    }
}
