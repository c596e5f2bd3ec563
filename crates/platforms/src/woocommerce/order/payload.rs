//! The parts of WooCommerce's orders that Vouch reads. Unlisted fields are ignored. Extensions add
//! and change many fields.

use serde::Deserialize;
use serde_json::Value;

use crate::payload::{Decimal, Id, Text, Time, list, maybe, unchecked};

#[derive(Debug, Deserialize)]
pub(super) struct Order {
    pub id: Id,
    /// The merchant's order number. Extensions add letters to it.
    pub number: Option<Text>,
    pub status: Option<Text>,
    pub currency: Option<Text>,
    #[serde(default, deserialize_with = "maybe")]
    pub date_created_gmt: Option<Time>,
    #[serde(default, deserialize_with = "maybe")]
    pub date_modified_gmt: Option<Time>,
    #[serde(default, deserialize_with = "maybe")]
    pub date_paid_gmt: Option<Time>,
    /// In the store's own time zone. Some imported orders have only this one.
    #[serde(default, deserialize_with = "maybe")]
    pub date_paid: Option<Time>,
    pub shipping_total: Option<Decimal>,
    pub shipping_tax: Option<Decimal>,
    pub total_tax: Option<Decimal>,
    /// Before refunds.
    pub total: Option<Decimal>,
    /// 0 for a guest.
    #[serde(default, deserialize_with = "maybe")]
    pub customer_id: Option<Id>,
    pub billing: Option<Billing>,
    #[serde(default, deserialize_with = "list")]
    pub line_items: Vec<LineItem>,
    #[serde(default, deserialize_with = "list")]
    pub fee_lines: Vec<FeeLine>,
    #[serde(default, deserialize_with = "list")]
    pub coupon_lines: Vec<CouponLine>,
    #[serde(default, deserialize_with = "list")]
    pub refunds: Vec<Refund>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Billing {
    pub first_name: Option<Text>,
    pub last_name: Option<Text>,
    pub company: Option<Text>,
    pub email: Option<Text>,
}

/// Amounts are for the whole line and never include tax, however prices are entered.
#[derive(Debug, Deserialize)]
pub(super) struct LineItem {
    #[serde(default, deserialize_with = "maybe")]
    pub id: Option<Id>,
    pub name: Option<Text>,
    pub sku: Option<Text>,
    /// A whole number, unless an extension sells by weight or length.
    pub quantity: Option<Decimal>,
    /// Before discounts.
    #[serde(default, deserialize_with = "unchecked")]
    pub subtotal: Option<Decimal>,
    /// After discounts.
    pub total: Option<Decimal>,
    pub total_tax: Option<Decimal>,
    /// Extensions store their data about the line here.
    #[serde(default, deserialize_with = "list")]
    pub meta_data: Vec<Meta>,
}

/// Gift wrapping. With a negative total, it's a gift card used as payment or a discount without a
/// code.
#[derive(Debug, Deserialize)]
pub(super) struct FeeLine {
    #[serde(default, deserialize_with = "maybe")]
    pub id: Option<Id>,
    pub name: Option<Text>,
    pub total: Option<Decimal>,
    pub total_tax: Option<Decimal>,
}

#[derive(Debug, Deserialize)]
pub(super) struct CouponLine {
    /// In lower case, however the customer typed it.
    pub code: Text,
    /// The discount, not padded to cents: `8`, `3.3333`.
    pub discount: Option<Decimal>,
}

/// The outline of a refund in an order.
#[derive(Debug, Deserialize)]
pub(super) struct Refund {
    pub id: Id,
    /// Negative, including tax.
    pub total: Option<Decimal>,
    /// Missing before WooCommerce 10.7.
    #[serde(default, deserialize_with = "unchecked")]
    pub total_tax: Option<Decimal>,
}

/// An order's refunds: the response of `GET orders/{id}/refunds`, and what it doesn't contain.
#[derive(Debug, Deserialize)]
pub(super) struct RefundsRead {
    pub order_id: Id,
    pub currency: Text,
    /// When the refunds were read.
    pub read_at: Time,
    #[serde(default, deserialize_with = "list")]
    pub refunds: Vec<RefundRead>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RefundRead {
    pub id: Id,
    #[serde(default, deserialize_with = "maybe")]
    pub date_created_gmt: Option<Time>,
    /// The refunded total, not negative.
    pub amount: Option<Decimal>,
    #[serde(default, deserialize_with = "list")]
    pub line_items: Vec<RefundPart>,
    #[serde(default, deserialize_with = "list")]
    pub shipping_lines: Vec<RefundPart>,
    #[serde(default, deserialize_with = "list")]
    pub fee_lines: Vec<RefundPart>,
}

/// The refund of one line, negative.
#[derive(Debug, Deserialize)]
pub(super) struct RefundPart {
    #[serde(default, deserialize_with = "unchecked")]
    pub quantity: Option<Decimal>,
    pub total: Option<Decimal>,
    #[serde(default, deserialize_with = "unchecked")]
    pub total_tax: Option<Decimal>,
    #[serde(default, deserialize_with = "list")]
    pub meta_data: Vec<Meta>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Meta {
    pub key: Option<Value>,
    pub value: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Deleted {
    pub id: Id,
}

/// Like [`is_base`], for refunds that were read separately.
pub(super) fn is_base_of_refunds(names: &[&str]) -> bool {
    !names.contains(&"meta_data") && names.last() != Some(&"date_created_gmt")
}

/// Whether the field at this path is in the base of commission.
pub(super) fn is_base(names: &[&str]) -> bool {
    matches!(
        names,
        ["id" | "status" | "line_items" | "fee_lines" | "refunds"]
            | ["line_items" | "fee_lines" | "refunds", .., "total"]
    )
}
