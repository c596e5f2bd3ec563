//! The parts of BigCommerce's API responses that Vouch reads. Unlisted fields are ignored, and
//! almost every field can be missing.

use serde::Deserialize;

use crate::payload::{Decimal, Id, Text, Time, list, maybe, maybe_list};

/// A webhook, which contains only the order's ID.
#[derive(Debug, Deserialize)]
pub(super) struct Hook {
    pub data: HookData,
}

#[derive(Debug, Deserialize)]
pub(super) struct HookData {
    pub id: Id,
}

/// The composed document of one order.
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
    /// The currency of the amounts, in which the customer pays.
    pub default_currency_code: Option<Text>,
    /// The currency shown to the customer.
    pub currency_code: Option<Text>,
    pub store_default_currency_code: Option<Text>,
    #[serde(default, deserialize_with = "maybe")]
    pub is_tax_inclusive_pricing: Option<bool>,
    pub shipping_cost_ex_tax: Option<Decimal>,
    pub shipping_cost_tax: Option<Decimal>,
    pub total_tax: Option<Decimal>,
    pub total_inc_tax: Option<Decimal>,
    /// Manual discounts, without coupons.
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
    /// What the customer paid for the line after all discounts, including tax.
    pub discounted_total_inc_tax: Option<Decimal>,
    /// Every discount on the line, including its share of discounts on the order. Missing in old
    /// orders.
    #[serde(default, deserialize_with = "maybe_list")]
    pub applied_discounts: Option<Vec<AppliedDiscount>>,
    /// `physical`, `digital` or `giftcertificate`.
    #[serde(rename = "type")]
    pub kind: Option<Text>,
}

#[derive(Debug, Deserialize)]
pub(super) struct AppliedDiscount {
    pub amount: Option<Decimal>,
    pub code: Option<Text>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Coupon {
    /// Null for automatic discounts.
    pub code: Option<Text>,
    /// 3 and 4 are discounts on shipping.
    #[serde(rename = "type")]
    pub kind: Option<Decimal>,
    pub discount: Option<Decimal>,
}

/// A refund, with its items but without an amount for each line.
#[derive(Debug, Deserialize)]
pub(super) struct Refund {
    pub id: Id,
    #[serde(default, deserialize_with = "maybe")]
    pub created: Option<Time>,
    pub total_amount: Option<Decimal>,
    /// Included in the total. Negative if BigCommerce collects tax by refunding less.
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
    /// The line's ID, if the item is a product.
    #[serde(default, deserialize_with = "maybe")]
    pub item_id: Option<Id>,
    pub quantity: Option<Decimal>,
    pub requested_amount: Option<Decimal>,
}

/// Whether the field at this path is in the base of commission.
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
