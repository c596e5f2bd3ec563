//! The parts of Shopify's webhook bodies that Vouch reads.
//!
//! Almost every field can be missing or null: in other API versions, drafts, point of sale and
//! imported orders. Unlisted fields are ignored.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::payload::{Decimal, Id, Text, Time, count, list, maybe, unchecked};

#[derive(Debug, Deserialize)]
pub(super) struct Order {
    pub id: Id,
    pub name: Option<Text>,
    pub currency: Option<Text>,
    #[serde(default, deserialize_with = "maybe")]
    pub created_at: Option<Time>,
    #[serde(default, deserialize_with = "maybe")]
    pub processed_at: Option<Time>,
    #[serde(default, deserialize_with = "maybe")]
    pub updated_at: Option<Time>,
    #[serde(default, deserialize_with = "maybe")]
    pub cancelled_at: Option<Time>,
    #[serde(default, deserialize_with = "maybe")]
    pub test: Option<bool>,
    pub financial_status: Option<Text>,
    #[serde(default, deserialize_with = "maybe")]
    pub taxes_included: Option<bool>,
    pub email: Option<Text>,
    pub contact_email: Option<Text>,
    pub customer: Option<Customer>,
    pub billing_address: Option<Address>,
    #[serde(default, deserialize_with = "unchecked")]
    pub total_discounts: Option<Decimal>,
    pub total_discounts_set: Option<MoneySet>,
    pub total_tax: Option<Decimal>,
    pub total_tax_set: Option<MoneySet>,
    pub total_price: Option<Decimal>,
    pub total_price_set: Option<MoneySet>,
    pub total_tip_received: Option<Decimal>,
    pub total_tip_received_set: Option<MoneySet>,
    #[serde(default, deserialize_with = "list")]
    pub discount_applications: Vec<DiscountApplication>,
    #[serde(default, deserialize_with = "list")]
    pub discount_codes: Vec<DiscountCode>,
    #[serde(default, deserialize_with = "list")]
    pub line_items: Vec<LineItem>,
    #[serde(default, deserialize_with = "list")]
    pub shipping_lines: Vec<ShippingLine>,
    #[serde(default, deserialize_with = "list")]
    pub refunds: Vec<Refund>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Customer {
    #[serde(default, deserialize_with = "maybe")]
    pub id: Option<Id>,
    pub email: Option<Text>,
    pub first_name: Option<Text>,
    pub last_name: Option<Text>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Address {
    pub name: Option<Text>,
}

#[derive(Debug, Deserialize)]
pub(super) struct DiscountCode {
    pub code: Text,
    /// The discount as money, even if the code's type is a percentage.
    pub amount: Option<Decimal>,
    /// `percentage`, `fixed_amount` or `shipping`; missing in old orders.
    #[serde(rename = "type")]
    pub kind: Option<Text>,
}

/// The sources of discounts. The allocations of lines refer to them by index.
#[derive(Debug, Deserialize)]
pub(super) struct DiscountApplication {
    /// `discount_code`, `manual`, `automatic`, `script`.
    #[serde(rename = "type")]
    pub kind: Option<Text>,
    /// Only for the type `discount_code`.
    pub code: Option<Text>,
}

#[derive(Debug, Deserialize)]
pub(super) struct LineItem {
    #[serde(default, deserialize_with = "maybe")]
    pub id: Option<Id>,
    pub name: Option<Text>,
    pub title: Option<Text>,
    pub sku: Option<Text>,
    #[serde(deserialize_with = "count")]
    pub quantity: i64,
    #[serde(default, deserialize_with = "maybe")]
    pub current_quantity: Option<i64>,
    pub price: Option<Decimal>,
    pub price_set: Option<MoneySet>,
    #[serde(default, deserialize_with = "unchecked")]
    pub total_discount: Option<Decimal>,
    pub total_discount_set: Option<MoneySet>,
    #[serde(default, deserialize_with = "maybe")]
    pub gift_card: Option<bool>,
    /// Only tips have it: an object whose fields can all be null.
    pub tip: Option<IgnoredAny>,
    pub product_id: Option<Text>,
    #[serde(default, deserialize_with = "maybe")]
    pub requires_shipping: Option<bool>,
    #[serde(default, deserialize_with = "list")]
    pub discount_allocations: Vec<Allocation>,
    #[serde(default, deserialize_with = "list")]
    pub tax_lines: Vec<TaxLine>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ShippingLine {
    pub price: Option<Decimal>,
    pub price_set: Option<MoneySet>,
    pub discounted_price: Option<Decimal>,
    pub discounted_price_set: Option<MoneySet>,
    #[serde(default, deserialize_with = "maybe")]
    pub is_removed: Option<bool>,
    #[serde(default, deserialize_with = "list")]
    pub discount_allocations: Vec<Allocation>,
    #[serde(default, deserialize_with = "list")]
    pub tax_lines: Vec<TaxLine>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Allocation {
    pub amount: Option<Decimal>,
    pub amount_set: Option<MoneySet>,
    #[serde(default, deserialize_with = "maybe")]
    pub discount_application_index: Option<i64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct TaxLine {
    pub price: Option<Decimal>,
    pub price_set: Option<MoneySet>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Refund {
    pub id: Id,
    #[serde(default, deserialize_with = "maybe")]
    pub order_id: Option<Id>,
    #[serde(default, deserialize_with = "maybe")]
    pub created_at: Option<Time>,
    #[serde(default, deserialize_with = "maybe")]
    pub processed_at: Option<Time>,
    #[serde(default, deserialize_with = "list")]
    pub refund_line_items: Vec<RefundLineItem>,
    #[serde(default, deserialize_with = "list")]
    pub refund_shipping_lines: Vec<RefundShippingLine>,
    #[serde(default, deserialize_with = "list")]
    pub order_adjustments: Vec<OrderAdjustment>,
    #[serde(default, deserialize_with = "list")]
    pub transactions: Vec<Transaction>,
    #[serde(default, deserialize_with = "unchecked_set")]
    pub total_duties_set: Option<MoneySet>,
    /// The refunded total, used if there are no transactions to add up.
    #[serde(default, deserialize_with = "unchecked_set")]
    pub total_refunded_set: Option<MoneySet>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RefundLineItem {
    /// `None` for money refunded on the order as a whole.
    #[serde(default, deserialize_with = "maybe")]
    pub line_item_id: Option<Id>,
    #[serde(deserialize_with = "count")]
    pub quantity: i64,
    /// Without tax, even if prices include it. A JSON number, unlike all other amounts. Missing in
    /// old refunds.
    #[serde(default, deserialize_with = "maybe")]
    pub subtotal: Option<Decimal>,
    pub subtotal_set: Option<MoneySet>,
    #[serde(default, deserialize_with = "unchecked")]
    pub total_tax: Option<Decimal>,
    #[serde(default, deserialize_with = "unchecked_set")]
    pub total_tax_set: Option<MoneySet>,
}

/// Refunded shipping, since API version 2024-10.
#[derive(Debug, Deserialize)]
pub(super) struct RefundShippingLine {
    #[serde(default, deserialize_with = "unchecked_set")]
    pub subtotal_amount_set: Option<MoneySet>,
    #[serde(default, deserialize_with = "unchecked_set")]
    pub tax_amount_set: Option<MoneySet>,
}

/// The difference between the refunded money and the sum of the refunded lines. It's negative if
/// more was refunded. Before API version 2024-10, it also contains refunded shipping.
#[derive(Debug, Deserialize)]
pub(super) struct OrderAdjustment {
    pub kind: Option<Text>,
    pub amount: Option<Decimal>,
    pub amount_set: Option<MoneySet>,
    #[serde(default, deserialize_with = "unchecked")]
    pub tax_amount: Option<Decimal>,
    #[serde(default, deserialize_with = "unchecked_set")]
    pub tax_amount_set: Option<MoneySet>,
}

/// A payment or refund, successful or not.
#[derive(Debug, Deserialize)]
pub(super) struct Transaction {
    pub kind: Option<Text>,
    pub status: Option<Text>,
    /// Includes tax and shipping. Sometimes in the currency that the customer was shown.
    pub amount: Option<Decimal>,
    pub currency: Option<Text>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Deleted {
    pub id: Id,
}

#[derive(Debug, Deserialize)]
pub(super) struct Edited {
    pub order_edit: OrderEdit,
}

#[derive(Debug, Deserialize)]
pub(super) struct OrderEdit {
    pub order_id: Id,
}

/// Whether the field at this path is in the base of commission.
pub(super) fn is_base(names: &[&str]) -> bool {
    match names {
        ["refunds", inner @ ..] => is_base_of_refund(inner),
        ["id" | "taxes_included" | "line_items"] => true,
        ["line_items", .., "quantity" | "current_quantity"] => true,
        ["line_items", .., "discount_allocations"] => true,
        ["line_items", .., "discount_allocations", "amount"] => true,
        _ => false,
    }
}

/// Like [`is_base`], for a refund sent separately.
pub(super) fn is_base_of_refund(names: &[&str]) -> bool {
    match names {
        [] | ["id" | "order_id"] => true,
        ["created_at" | "processed_at" | "transactions", ..] => false,
        ["refund_line_items", .., "line_item_id"] => false,
        [.., "shop_money" | "presentment_money" | "currency_code"] => false,
        _ => true,
    }
}

/// An amount in the store's currency and in the customer's. The store's counts.
#[derive(Debug, Deserialize)]
pub(super) struct MoneySet {
    pub shop_money: Option<Money>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Money {
    pub amount: Option<Decimal>,
    pub currency_code: Option<Text>,
}

/// A set of any form; see [`unchecked`].
fn unchecked_set<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<MoneySet>, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    let set = serde_json::from_str(raw.get());
    Ok(set.unwrap_or_else(|_| {
        let amount = Some(Decimal(raw.get().to_owned()));
        Some(MoneySet { shop_money: Some(Money { amount, currency_code: None }) })
    }))
}
