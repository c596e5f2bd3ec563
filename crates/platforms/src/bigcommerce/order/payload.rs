//! The parts of BigCommerce's answers that Vouch reads, as they are sent. What is not listed is not
//! read; almost everything may be missing.

use serde::Deserialize;

use crate::payload::{Decimal, Id, Text, Time, list, maybe, maybe_list};

/// A webhook: it names the order, and says nothing of it.
#[derive(Debug, Deserialize)]
pub(super) struct Hook {
    pub data: HookData,
}

#[derive(Debug, Deserialize)]
pub(super) struct HookData {
    pub id: Id,
}

/// What was read of one order.
#[derive(Debug, Deserialize)]
pub(super) struct Document {
    pub order: Order,
    #[serde(default, deserialize_with = "list")]
    pub products: Vec<Product>,
    #[serde(default, deserialize_with = "list")]
    pub coupons: Vec<Coupon>,
    #[serde(default, deserialize_with = "list")]
    pub refunds: Vec<Refund>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Order {
    pub id: Id,
    #[serde(default, deserialize_with = "maybe")]
    pub customer_id: Option<Id>,
    #[serde(default, deserialize_with = "maybe")]
    pub date_created: Option<Time>,
    #[serde(default, deserialize_with = "maybe")]
    pub date_modified: Option<Time>,
    #[serde(default, deserialize_with = "maybe")]
    pub status_id: Option<i64>,
    pub payment_status: Option<Text>,
    pub payment_method: Option<Text>,
    /// What the amounts are in: the currency the shopper pays in.
    pub default_currency_code: Option<Text>,
    /// What the shopper was shown.
    pub currency_code: Option<Text>,
    pub store_default_currency_code: Option<Text>,
    #[serde(default, deserialize_with = "maybe")]
    pub is_tax_inclusive_pricing: Option<bool>,
    pub shipping_cost_ex_tax: Option<Decimal>,
    pub shipping_cost_tax: Option<Decimal>,
    pub total_tax: Option<Decimal>,
    pub total_inc_tax: Option<Decimal>,
    /// Taken off by hand; coupons are apart.
    pub discount_amount: Option<Decimal>,
    pub coupon_discount: Option<Decimal>,
    pub billing_address: Option<Address>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Address {
    pub first_name: Option<Text>,
    pub last_name: Option<Text>,
    pub email: Option<Text>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Product {
    #[serde(default, deserialize_with = "maybe")]
    pub id: Option<Id>,
    pub name: Option<Text>,
    pub sku: Option<Text>,
    pub quantity: Option<Decimal>,
    pub quantity_refunded: Option<Decimal>,
    pub price_ex_tax: Option<Decimal>,
    pub price_inc_tax: Option<Decimal>,
    pub total_ex_tax: Option<Decimal>,
    pub total_inc_tax: Option<Decimal>,
    pub total_tax: Option<Decimal>,
    /// What the shopper paid for the line, tax included, after all discounts.
    pub discounted_total_inc_tax: Option<Decimal>,
    /// Every discount on the line, its share of those on the order too. Missing in old orders.
    #[serde(default, deserialize_with = "maybe_list")]
    pub applied_discounts: Option<Vec<Discount>>,
    /// `physical`, `digital` or `giftcertificate`.
    #[serde(rename = "type")]
    pub kind: Option<Text>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Discount {
    pub amount: Option<Decimal>,
    pub code: Option<Text>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Coupon {
    /// Null for what applies by itself.
    pub code: Option<Text>,
    /// 3 and 4 are discounts on shipping.
    #[serde(rename = "type")]
    pub kind: Option<Decimal>,
    /// The money it took off.
    pub discount: Option<Decimal>,
}

/// Money given back: what for, but not how much for each line.
#[derive(Debug, Deserialize)]
pub(super) struct Refund {
    pub id: Id,
    #[serde(default, deserialize_with = "maybe")]
    pub created: Option<Time>,
    pub total_amount: Option<Decimal>,
    /// Part of the total. Negative where less tax is due after all than was taken.
    pub total_tax: Option<Decimal>,
    #[serde(default, deserialize_with = "list")]
    pub payments: Vec<RefundPayment>,
    #[serde(default, deserialize_with = "list")]
    pub items: Vec<RefundItem>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RefundPayment {
    pub amount: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe")]
    pub is_declined: Option<bool>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RefundItem {
    pub item_type: Text,
    /// Of a product: the line.
    #[serde(default, deserialize_with = "maybe")]
    pub item_id: Option<Id>,
    pub quantity: Option<Decimal>,
    pub requested_amount: Option<Decimal>,
}

/// Whether the field of these names enters the base of commission.
pub(super) fn is_base(names: &[&str]) -> bool {
    match names {
        ["order" | "products" | "refunds"] => true,
        ["order", "id" | "is_tax_inclusive_pricing" | "discount_amount" | "coupon_discount"] => {
            true
        }
        ["order", ..] | ["products", .., "id" | "name" | "sku" | "type" | "total_tax"] => false,
        ["products" | "refunds", ..] => true,
        _ => false,
    }
}
