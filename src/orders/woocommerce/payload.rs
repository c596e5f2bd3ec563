//! The parts of WooCommerce's orders that Vouch reads, as they are sent. What is not listed is not
//! read; extensions add and change much.

use chrono::{DateTime, NaiveDateTime, SubsecRound, Utc};
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::Value;

use crate::orders::reading::{Decimal, Id, Text, Time, null_as_empty};

#[derive(Debug, Deserialize)]
pub(super) struct Order {
    pub id: Id,
    /// What the merchant calls it; extensions put letters into it.
    pub number: Option<Text>,
    pub status: Text,
    pub currency: Text,
    pub date_created_gmt: Option<Gmt>,
    pub date_modified_gmt: Option<Gmt>,
    pub date_paid_gmt: Option<Gmt>,
    pub shipping_total: Option<Decimal>,
    pub shipping_tax: Option<Decimal>,
    pub total_tax: Option<Decimal>,
    /// Before refunds.
    pub total: Option<Decimal>,
    /// 0 for a guest.
    pub customer_id: Option<Id>,
    pub billing: Option<Billing>,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub line_items: Vec<LineItem>,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub fee_lines: Vec<FeeLine>,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub coupon_lines: Vec<CouponLine>,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub refunds: Vec<Refund>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Billing {
    pub first_name: Option<Text>,
    pub last_name: Option<Text>,
    pub company: Option<Text>,
    pub email: Option<Text>,
}

/// Amounts are for the whole line and never contain the tax, however prices are entered.
#[derive(Debug, Deserialize)]
pub(super) struct LineItem {
    pub id: Id,
    pub name: Option<Text>,
    pub sku: Option<Text>,
    /// A whole number, unless an extension sells by weight or length.
    pub quantity: Decimal,
    /// Before discounts.
    pub subtotal: Option<Decimal>,
    /// After discounts.
    pub total: Decimal,
    pub total_tax: Option<Decimal>,
}

/// Gift wrapping, or with a negative total a discount without a code.
#[derive(Debug, Deserialize)]
pub(super) struct FeeLine {
    pub total: Option<Decimal>,
}

#[derive(Debug, Deserialize)]
pub(super) struct CouponLine {
    /// In lower case, whatever the shopper typed.
    pub code: Text,
    /// Money taken off, not padded to cents: `8`, `3.3333`.
    pub discount: Option<Decimal>,
}

/// The outline of a refund, as an order has it.
#[derive(Debug, Deserialize)]
pub(super) struct Refund {
    pub id: Id,
    /// Negative, with its tax.
    pub total: Option<Decimal>,
    /// Missing before WooCommerce 10.7.
    pub total_tax: Option<Decimal>,
}

/// What was read of an order's refunds: `GET orders/{id}/refunds`, and what the answer leaves out.
#[derive(Debug, Deserialize)]
pub(super) struct RefundsRead {
    pub order_id: Id,
    pub currency: Text,
    /// When the store was asked.
    pub read_at: Time,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub refunds: Vec<RefundRead>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RefundRead {
    pub id: Id,
    pub date_created_gmt: Option<Gmt>,
    /// All that was given back, not negative.
    pub amount: Option<Decimal>,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub line_items: Vec<RefundPart>,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub shipping_lines: Vec<RefundPart>,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub fee_lines: Vec<RefundPart>,
}

/// What went back of one line, negative.
#[derive(Debug, Deserialize)]
pub(super) struct RefundPart {
    pub quantity: Option<Decimal>,
    pub total: Option<Decimal>,
    pub total_tax: Option<Decimal>,
    #[serde(default, deserialize_with = "null_as_empty")]
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

/// A time without an offset, in GMT, in whole seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gmt(pub DateTime<Utc>);

impl<'de> Deserialize<'de> for Gmt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time = NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f")
            .map_err(|_| D::Error::custom("a time must look like 2026-03-01T14:05:00"))?;
        Ok(Self(time.and_utc().trunc_subsecs(6)))
    }
}
