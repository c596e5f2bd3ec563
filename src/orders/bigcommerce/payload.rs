//! The parts of BigCommerce's answers that Vouch reads, as they are sent. What is not listed is not
//! read; almost everything may be missing.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::{Deserializer, Error};

use crate::orders::reading::{Decimal, Id, Text, Time, null_as_empty};

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
    #[serde(default, deserialize_with = "null_as_empty")]
    pub products: Vec<Product>,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub coupons: Vec<Coupon>,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub refunds: Vec<Refund>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Order {
    pub id: Id,
    pub customer_id: Option<Id>,
    pub date_created: Option<Rfc2822>,
    pub date_modified: Option<Rfc2822>,
    pub status_id: Option<i64>,
    pub payment_status: Option<Text>,
    pub payment_method: Option<Text>,
    /// What the amounts are in: the currency the shopper pays in.
    pub default_currency_code: Option<Text>,
    /// What the shopper was shown.
    pub currency_code: Option<Text>,
    pub store_default_currency_code: Option<Text>,
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
    pub id: Id,
    pub name: Option<Text>,
    pub sku: Option<Text>,
    pub quantity: Decimal,
    pub quantity_refunded: Option<Decimal>,
    pub price_ex_tax: Option<Decimal>,
    pub price_inc_tax: Option<Decimal>,
    pub total_ex_tax: Option<Decimal>,
    pub total_inc_tax: Option<Decimal>,
    pub total_tax: Option<Decimal>,
    /// What the shopper paid for the line, tax included, after all discounts.
    pub discounted_total_inc_tax: Option<Decimal>,
    /// Every discount on the line, its share of those on the order too. Missing in old orders.
    pub applied_discounts: Option<Vec<Discount>>,
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
    pub created: Option<Time>,
    pub total_amount: Option<Decimal>,
    /// Part of the total. Negative where less tax is due after all than was taken.
    pub total_tax: Option<Decimal>,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub payments: Vec<RefundPayment>,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub items: Vec<RefundItem>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RefundPayment {
    pub amount: Option<Decimal>,
    pub is_declined: Option<bool>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RefundItem {
    pub item_type: Text,
    /// Of a product: the line.
    pub item_id: Id,
    pub quantity: Option<Decimal>,
    pub requested_amount: Option<Decimal>,
}

/// A time as in e-mails (`Tue, 05 Mar 2019 21:40:11 +0000`); none where the text is empty.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rfc2822(pub Option<DateTime<Utc>>);

impl<'de> Deserialize<'de> for Rfc2822 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.trim().is_empty() {
            return Ok(Self(None));
        }
        let time = DateTime::parse_from_rfc2822(text.trim()).map_err(|_| {
            D::Error::custom("a time must look like Tue, 05 Mar 2019 21:40:11 +0000")
        })?;
        Ok(Self(Some(time.with_timezone(&Utc))))
    }
}
