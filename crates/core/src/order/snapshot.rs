//! What a store says of an order, in the same words for every platform.
//!
//! Reports are stored as JSON and read by every later version: a field that is added gets a
//! default. All amounts are minor units of the order's currency, and never negative unless said.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

mod refund;

pub use self::refund::{RefundedLine, ReportedRefund};
use crate::code::key_of_reported_code;
use crate::money::Currency;
use crate::sku::key_of_reported_sku;
use crate::text_enum;

/// One order as a store described it at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderSnapshot {
    /// The store's own id. Text, because Shopify's ids exceed 2^53 and other stores' are no numbers.
    pub order_ref: String,
    /// What the merchant calls the order, for example `#1001`.
    pub name: String,
    /// When the order was in this state, by the store's clock (Shopify: whole seconds).
    pub reported_at: DateTime<Utc>,
    /// When the customer placed it. Decides which triggers and owners were in force.
    pub placed_at: DateTime<Utc>,
    /// The store's currency; not the one the customer may have been shown.
    pub currency: Currency,
    /// No real sale: made in the store's test mode, or sent as a test.
    #[serde(default)]
    pub is_test: bool,
    #[serde(default)]
    pub payment: PaymentState,
    #[serde(default)]
    pub cancelled_at: Option<DateTime<Utc>>,
    #[serde(default)]
    pub customer_email: Option<String>,
    /// The store's id of the customer.
    #[serde(default)]
    pub customer_ref: Option<String>,
    /// So that the merchant recognises who bought.
    #[serde(default)]
    pub customer_name: Option<String>,
    /// Coupon codes as the shopper typed them, in the order of the store.
    #[serde(default)]
    pub codes: Vec<ReportedCode>,
    #[serde(default)]
    pub lines: Vec<ReportedLine>,
    /// Shipping after its discounts, without tax.
    #[serde(default)]
    pub shipping_minor: i64,
    /// The tax on shipping.
    #[serde(default)]
    pub shipping_tax_minor: i64,
    /// All tax of the order.
    #[serde(default)]
    pub tax_minor: i64,
    /// What the customer was asked to pay in all, before refunds.
    #[serde(default)]
    pub total_minor: i64,
    #[serde(default)]
    pub refunds: Vec<ReportedRefund>,
    /// What fees below zero come to, as a positive number: gift cards that pay for the goods, or
    /// discounts, as the merchant's Calculation Logic says.
    #[serde(default)]
    pub negative_fees_minor: i64,
    /// What was passed over while this was read. It belongs to the delivery and isn't kept here.
    #[serde(skip)]
    pub notes: Vec<ReadNote>,
}

text_enum! {
    /// What the store says of the payment.
    #[derive(Default)]
    pub enum PaymentState {
        /// Not paid yet.
        #[default]
        Pending = "pending", "Pending";
        /// Promised by the bank, not drawn yet.
        Authorized = "authorized", "Authorized";
        /// The promise ran out.
        Expired = "expired", "Expired";
        /// Paid in part.
        PartiallyPaid = "partially_paid", "Partially paid";
        /// Paid.
        Paid = "paid", "Paid";
        /// Some of it was given back.
        PartiallyRefunded = "partially_refunded", "Partially refunded";
        /// All of it was given back.
        Refunded = "refunded", "Refunded";
        /// Called off before it was drawn.
        Voided = "voided", "Voided";
        /// A word that this version does not know.
        #[serde(other)]
        Unknown = "unknown", "Unknown";
    }
}

/// A coupon code on an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedCode {
    /// As the shopper typed it.
    pub code: String,
    /// The money it took off the order.
    #[serde(default)]
    pub discount_minor: i64,
}

impl ReportedCode {
    pub fn key(&self) -> String {
        key_of_reported_code(&self.code)
    }
}

text_enum! {
    /// What a line of an order is. Only goods always earn.
    #[derive(Default)]
    pub enum LineKind {
        #[default]
        Goods = "goods", "Goods";
        /// A gift card or gift certificate that the customer bought.
        GiftCard = "gift_card", "Gift card";
        Tip = "tip", "Tip";
        /// Wrapping, handling, a surcharge.
        Fee = "fee", "Fee";
        /// Shipping that is a line of its own.
        Shipping = "shipping", "Shipping";
    }
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedLine {
    /// The store's id of the line.
    pub line_ref: String,
    #[serde(default)]
    pub sku: Option<String>,
    #[serde(default)]
    pub title: String,
    /// How many were ordered.
    pub quantity: i64,
    /// How many are left on the order after edits and refunds, where the store says so.
    #[serde(default)]
    pub remaining_quantity: Option<i64>,
    /// The price of one.
    pub price_minor: i64,
    /// All discounts on the whole line, its share of discounts on the order among them.
    #[serde(default)]
    pub discount_minor: i64,
    /// The tax on the whole line.
    #[serde(default)]
    pub tax_minor: i64,
    /// Whether price and discount contain the tax.
    #[serde(default)]
    pub tax_included: bool,
    #[serde(default)]
    pub kind: LineKind,
}

impl ReportedLine {
    /// The SKU as it is compared; none if the line has no SKU.
    pub fn sku_key(&self) -> Option<String> {
        self.sku.as_deref().map(key_of_reported_sku).filter(|key| !key.is_empty())
    }
}

/// A field that doesn't enter the base of commission and couldn't be read: the order is kept
/// without it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadNote {
    pub code: ReadProblem,
    /// Where in the JSON, for example `billing` or `line_items[3].sku`.
    pub path: String,
}

text_enum! {
    /// What is wrong with a field that was passed over.
    pub enum ReadProblem {
        /// It's of another form than the store documents.
        Unreadable = "unreadable", "couldn’t be read";
        /// The same, of a tax; the order is kept where tax isn't counted.
        UnreadableTax = "unreadable_tax", "isn’t an amount of tax";
        /// The same, of shipping; the order is kept where shipping isn't counted.
        UnreadableShipping = "unreadable_shipping", "isn’t an amount of shipping";
        /// A currency that is in no list; amounts are read with two decimals.
        UnknownCurrency = "unknown_currency", "isn’t a currency Vouch knows";
    }
}

/// How many decimals the amounts of a refund are counted in while its currency is unknown: more than
/// any currency has.
pub const NO_CURRENCY_EXPONENT: u32 = 4;

/// What one message of a store says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreEvent {
    /// The state of an order.
    Order(Box<OrderSnapshot>),
    /// A refund alone; the order's own report may come before it, after it, or not at all.
    /// Without a currency of its own it is in the order's, and its amounts are counted in
    /// [`NO_CURRENCY_EXPONENT`] decimals.
    Refund { order_ref: String, refund: ReportedRefund, currency: Option<Currency> },
    /// What the store answered, asked at `read_at` for the lines of an order's refunds.
    RefundLines {
        order_ref: String,
        currency: Currency,
        read_at: DateTime<Utc>,
        refunds: Vec<ReportedRefund>,
    },
    /// The order was deleted in the store, for good.
    Deleted { order_ref: String, at: DateTime<Utc> },
    /// The order was put into the store's trash. A newer report brings it back.
    Trashed {
        order_ref: String,
        /// By the store's clock, where the message has it: some only name the order.
        reported_at: Option<DateTime<Utc>>,
    },
    /// The state of an order that was in the trash, and isn't any more.
    Restored(Box<OrderSnapshot>),
    /// The merchant removed the app; the store sends nothing further.
    Uninstalled,
    /// The order is named, but nothing is said of it: what it is like now is to be read from the
    /// store.
    Announced { order_ref: String },
    /// Understood, but without a state of its own: that comes in another message.
    Noted { order_ref: String, what: &'static str },
}

/// What is kept of a message that isn't about an order, in the place of a sentence.
pub const NOT_AN_ORDER: &str = "not_an_order";

impl StoreEvent {
    /// The order that it names.
    pub fn order_ref(&self) -> Option<&str> {
        match self {
            Self::Order(report) | Self::Restored(report) => Some(&report.order_ref),
            Self::Refund { order_ref, .. }
            | Self::RefundLines { order_ref, .. }
            | Self::Deleted { order_ref, .. }
            | Self::Trashed { order_ref, .. }
            | Self::Announced { order_ref }
            | Self::Noted { order_ref, .. } => Some(order_ref),
            Self::Uninstalled => None,
        }
    }

    /// The order that it says something of.
    pub fn touches(&self) -> Option<&str> {
        match self {
            Self::Announced { .. } | Self::Noted { .. } | Self::Uninstalled => None,
            Self::Order(_)
            | Self::Restored(_)
            | Self::Refund { .. }
            | Self::RefundLines { .. }
            | Self::Deleted { .. }
            | Self::Trashed { .. } => self.order_ref(),
        }
    }
}

/// A digest of the content: equal for equal values, whatever way they were stored in between.
pub(super) fn digest(value: &impl Serialize) -> [u8; 32] {
    // Structs serialise their fields in the order of declaration, so the text is canonical.
    let text = serde_json::to_vec(value).expect("plain structs always serialise");
    Sha256::digest(text).into()
}

#[cfg(test)]
mod tests;
