//! The parts of Shopify's webhook bodies that Vouch reads, as they are sent.
//!
//! Almost everything may be missing or null: other versions of the API, drafts, point of sale,
//! imported orders. What is not listed is not read.

use chrono::{DateTime, SubsecRound, Utc};
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::value::RawValue;

/// The most characters of a text that are kept; longer ones are cut.
const MAX_TEXT_CHARS: usize = 500;
/// The most digits of an id.
const MAX_ID_DIGITS: usize = 20;

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
}

#[derive(Debug, Deserialize)]
pub(super) struct RefundLineItem {
    pub line_item_id: Id,
    pub quantity: i64,
    /// Without tax, also where prices contain it. A JSON number, unlike all other money.
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

#[derive(Debug, Deserialize)]
pub(super) struct Transaction {
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

/// An id: digits, kept as text, because it may exceed 2^53.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Id(pub String);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = scalar(deserializer)?;
        let is_id = (1..=MAX_ID_DIGITS).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_id { Ok(Self(text)) } else { Err(Error::custom("an id must be a whole number")) }
    }
}

/// A decimal number exactly as it was written, be it a JSON text or a JSON number.
#[derive(Debug, Clone)]
pub(super) struct Decimal(pub String);

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        scalar(deserializer).map(Self)
    }
}

/// A text that PostgreSQL can keep as JSON: without U+0000, and not too long.
#[derive(Debug, Clone)]
pub(super) struct Text(pub String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let kept = text.chars().take(MAX_TEXT_CHARS);
        Ok(Self(kept.map(|c| if c == '\0' { char::REPLACEMENT_CHARACTER } else { c }).collect()))
    }
}

/// A time with its offset, kept to the microsecond as PostgreSQL does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time(pub DateTime<Utc>);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time = DateTime::parse_from_rfc3339(&text)
            .map_err(|_| Error::custom("a time must look like 2026-03-01T14:05:00-05:00"))?;
        Ok(Self(time.with_timezone(&Utc).trunc_subsecs(6)))
    }
}

/// The text of a JSON text, or of a JSON number, which is never taken for a float.
fn scalar<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'"') => serde_json::from_str(text).map_err(Error::custom),
        Some(b'-' | b'0'..=b'9') => Ok(text.to_owned()),
        _ => Err(Error::custom("expected a number")),
    }
}

/// Lists are sometimes null.
fn null_as_empty<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<Vec<T>>::deserialize(deserializer).map(Option::unwrap_or_default)
}
