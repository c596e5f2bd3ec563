//! The parts of Shopify's webhook bodies that Vouch reads, as they are sent.
//!
//! Almost everything may be missing or null: other versions of the API, drafts, point of sale,
//! imported orders. What is not listed is not read.

use serde::Deserialize;

use crate::orders::reading::{Decimal, Id, Text, Time, null_as_empty};

#[derive(Debug, Deserialize)]
pub(super) struct Order {
    pub id: Id,
    pub name: Option<Text>,
    pub currency: Text,
    pub created_at: Option<Time>,
    pub processed_at: Option<Time>,
    pub updated_at: Option<Time>,
    pub cancelled_at: Option<Time>,
    pub test: Option<bool>,
    pub financial_status: Option<Text>,
    pub taxes_included: Option<bool>,
    pub email: Option<Text>,
    pub contact_email: Option<Text>,
    pub customer: Option<Customer>,
    pub billing_address: Option<Address>,
    pub total_discounts: Option<Decimal>,
    pub total_discounts_set: Option<MoneySet>,
    pub total_tax: Option<Decimal>,
    pub total_tax_set: Option<MoneySet>,
    pub total_price: Option<Decimal>,
    pub total_price_set: Option<MoneySet>,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub discount_codes: Vec<DiscountCode>,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub line_items: Vec<LineItem>,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub shipping_lines: Vec<ShippingLine>,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub refunds: Vec<Refund>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Customer {
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
    /// Money taken off, also where the code's type is a percentage.
    pub amount: Option<Decimal>,
    /// `percentage`, `fixed_amount` or `shipping`; missing in old orders.
    #[serde(rename = "type")]
    pub kind: Option<Text>,
}

#[derive(Debug, Deserialize)]
pub(super) struct LineItem {
    pub id: Id,
    pub name: Option<Text>,
    pub title: Option<Text>,
    pub sku: Option<Text>,
    pub quantity: i64,
    pub current_quantity: Option<i64>,
    pub price: Option<Decimal>,
    pub price_set: Option<MoneySet>,
    pub total_discount: Option<Decimal>,
    pub total_discount_set: Option<MoneySet>,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub discount_allocations: Vec<Allocation>,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub tax_lines: Vec<TaxLine>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ShippingLine {
    pub price: Option<Decimal>,
    pub price_set: Option<MoneySet>,
    pub discounted_price: Option<Decimal>,
    pub discounted_price_set: Option<MoneySet>,
    pub is_removed: Option<bool>,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub discount_allocations: Vec<Allocation>,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub tax_lines: Vec<TaxLine>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Allocation {
    pub amount: Option<Decimal>,
    pub amount_set: Option<MoneySet>,
}

#[derive(Debug, Deserialize)]
pub(super) struct TaxLine {
    pub price: Option<Decimal>,
    pub price_set: Option<MoneySet>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Refund {
    pub id: Id,
    pub order_id: Option<Id>,
    pub created_at: Option<Time>,
    pub processed_at: Option<Time>,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub refund_line_items: Vec<RefundLineItem>,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub refund_shipping_lines: Vec<RefundShippingLine>,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub order_adjustments: Vec<OrderAdjustment>,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub transactions: Vec<Transaction>,
    pub total_duties_set: Option<MoneySet>,
    /// All that was given back, where no transactions are there to add up.
    pub total_refunded_set: Option<MoneySet>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RefundLineItem {
    pub line_item_id: Id,
    pub quantity: i64,
    /// Without tax, also where prices contain it. A JSON number, unlike all other money. Missing in
    /// old refunds.
    pub subtotal: Option<Decimal>,
    pub subtotal_set: Option<MoneySet>,
    pub total_tax: Option<Decimal>,
    pub total_tax_set: Option<MoneySet>,
}

/// Shipping given back, since API version 2024-10.
#[derive(Debug, Deserialize)]
pub(super) struct RefundShippingLine {
    pub subtotal_amount_set: Option<MoneySet>,
    pub tax_amount_set: Option<MoneySet>,
}

/// The difference between what was given back and what the refunded lines come to. Negative:
/// more was given back. Before API version 2024-10, shipping given back as well.
#[derive(Debug, Deserialize)]
pub(super) struct OrderAdjustment {
    pub kind: Option<Text>,
    pub amount: Option<Decimal>,
    pub amount_set: Option<MoneySet>,
    pub tax_amount: Option<Decimal>,
    pub tax_amount_set: Option<MoneySet>,
}

/// Money that moved, or was meant to.
#[derive(Debug, Deserialize)]
pub(super) struct Transaction {
    pub kind: Option<Text>,
    pub status: Option<Text>,
    /// With tax and shipping. In the currency that the customer was shown, in some cases.
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

/// An amount in the store's currency, and in the one the customer was shown; the store's counts.
#[derive(Debug, Deserialize)]
pub(super) struct MoneySet {
    pub shop_money: Option<Money>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Money {
    pub amount: Option<Decimal>,
    pub currency_code: Option<Text>,
}
