//! A store's report of an order, in one form for every platform.
//!
//! Reports are stored as JSON and must be readable by every later version, so new fields need a
//! default. All amounts are minor units of the order's currency, and not negative unless noted.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

mod refund;

pub use self::refund::{RefundedLine, ReportedRefund};
use crate::code::key_of_reported_code;
use crate::money::Currency;
use crate::sku::key_of_reported_sku;
use crate::text_enum;

/// One order as a store reported it at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderSnapshot {
    /// The store's own id. It's text because Shopify's ids exceed 2^53 and other stores' ids aren't
    /// numbers.
    pub order_ref: String,
    /// The order name that the merchant sees, for example `#1001`.
    pub name: String,
    /// The time of this state by the store's clock (Shopify: whole seconds).
    pub reported_at: DateTime<Utc>,
    /// When the customer placed the order. It decides which triggers and owners were active.
    pub placed_at: DateTime<Utc>,
    /// The store's currency, which can differ from the one the customer saw.
    pub currency: Currency,
    /// Not a real sale: placed in the store's test mode, or sent as a test.
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
    /// Shown so that the merchant recognizes the customer.
    #[serde(default)]
    pub customer_name: Option<String>,
    /// Coupon codes as the customer typed them, in the store's order.
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
    /// The total tax of the order.
    #[serde(default)]
    pub tax_minor: i64,
    /// The total that the customer was charged, before refunds.
    #[serde(default)]
    pub total_minor: i64,
    #[serde(default)]
    pub refunds: Vec<ReportedRefund>,
    /// The sum of fees below zero, as a positive number. The merchant's Calculation Logic decides
    /// whether they're discounts or gift cards that pay for goods.
    #[serde(default)]
    pub negative_fees_minor: i64,
    /// Fields that the parser skipped. They belong to the delivery and aren't stored with the
    /// order.
    #[serde(skip)]
    pub notes: Vec<ReadNote>,
}

text_enum! {
    /// The payment status in the store.
    #[derive(Default)]
    pub enum PaymentState {
        /// Not paid yet.
        #[default]
        Pending = "pending", "Payment pending";
        /// Authorized by the bank, not captured yet.
        Authorized = "authorized", "Payment authorized";
        /// The authorization expired.
        Expired = "expired", "Payment expired";
        /// A part is paid.
        PartiallyPaid = "partially_paid", "Partially paid";
        /// Paid.
        Paid = "paid", "Paid";
        /// A part was refunded.
        PartiallyRefunded = "partially_refunded", "Partially refunded";
        /// All of it was refunded.
        Refunded = "refunded", "Refunded";
        /// Canceled before it was captured.
        Voided = "voided", "Payment voided";
        /// A status that this version doesn't know.
        #[serde(other)]
        Unknown = "unknown", "Payment unknown";
    }
}

/// A coupon code on an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedCode {
    /// As the customer typed it.
    pub code: String,
    /// Its discount on the order.
    #[serde(default)]
    pub discount_minor: i64,
}

impl ReportedCode {
    pub fn key(&self) -> String {
        key_of_reported_code(&self.code)
    }
}

text_enum! {
    /// The kind of an order line. Only goods always earn.
    #[derive(Default)]
    pub enum LineKind {
        #[default]
        Goods = "goods", "Goods";
        /// A gift card or gift certificate that the customer bought.
        GiftCard = "gift_card", "Gift card";
        Tip = "tip", "Tip";
        /// Wrapping, handling, a surcharge.
        Fee = "fee", "Fee";
        /// Shipping that the store lists as a line.
        Shipping = "shipping", "Shipping";
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedLine {
    /// The store's id of the line.
    pub line_ref: String,
    #[serde(default)]
    pub sku: Option<String>,
    #[serde(default)]
    pub title: String,
    /// The ordered quantity.
    pub quantity: i64,
    /// The quantity left after edits and refunds, if the store reports it.
    #[serde(default)]
    pub remaining_quantity: Option<i64>,
    /// The price of one item.
    pub price_minor: i64,
    /// All discounts on the whole line, including its share of discounts on the order.
    #[serde(default)]
    pub discount_minor: i64,
    /// The tax on the whole line.
    #[serde(default)]
    pub tax_minor: i64,
    /// Whether price and discount include the tax.
    #[serde(default)]
    pub tax_included: bool,
    #[serde(default)]
    pub kind: LineKind,
}

impl ReportedLine {
    /// The normalized SKU; none if the line has no SKU.
    pub fn sku_key(&self) -> Option<String> {
        self.sku.as_deref().map(key_of_reported_sku).filter(|key| !key.is_empty())
    }
}

/// A field that couldn't be parsed and doesn't affect the commission's base. The order is processed
/// without it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadNote {
    pub code: ReadProblem,
    /// The JSON path, for example `billing` or `line_items[3].sku`.
    pub path: String,
}

text_enum! {
    /// Why a field was ignored.
    pub enum ReadProblem {
        /// Its format isn't the one that the store documents.
        Unreadable = "unreadable", "couldn’t be read";
        /// The same for a tax. The order is still accepted where tax isn't counted.
        UnreadableTax = "unreadable_tax", "isn’t a valid tax amount";
        /// The same for shipping. The order is still accepted where shipping isn't counted.
        UnreadableShipping = "unreadable_shipping", "isn’t a valid shipping amount";
        /// An unknown currency, whose amounts are parsed with two decimals.
        UnknownCurrency = "unknown_currency", "isn’t a currency Vouch supports";
    }
}

/// The decimals of a refund's amounts while its currency is unknown: more than any currency has.
pub const NO_CURRENCY_EXPONENT: u32 = 4;

/// The content of one webhook delivery, or of one answer from the store's API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreEvent {
    /// The state of an order.
    Order(Box<OrderSnapshot>),
    /// A refund on its own. The order's report may come before it, after it, or never. Without a
    /// currency it's in the order's currency, and its amounts have [`NO_CURRENCY_EXPONENT`]
    /// decimals.
    Refund { order_ref: String, refund: ReportedRefund, currency: Option<Currency> },
    /// The store's answer to a request at `read_at` for the lines of an order's refunds.
    RefundLines {
        order_ref: String,
        currency: Currency,
        read_at: DateTime<Utc>,
        refunds: Vec<ReportedRefund>,
    },
    /// The store deleted the order permanently.
    Deleted { order_ref: String, at: DateTime<Utc> },
    /// The order was moved to the store's trash. A newer report restores it.
    Trashed {
        order_ref: String,
        /// By the store's clock; none if the webhook only names the order.
        reported_at: Option<DateTime<Utc>>,
    },
    /// The state of an order that was restored from the trash.
    Restored(Box<OrderSnapshot>),
    /// The merchant removed the app, so the store sends no more webhooks.
    Uninstalled,
    /// Names an order without its state, which Vouch fetches from the store.
    Announced { order_ref: String },
    /// Parsed, but without an order's state, which arrives in another webhook.
    Ignored { order_ref: String, reason: IgnoredReason },
}

/// Why a webhook without an order's state is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IgnoredReason {
    NotAnOrder,
    /// The customer is still at the checkout.
    NotPlaced,
    /// Another webhook contains the edited order.
    OrderEdited,
    /// A refund without an amount. Another webhook contains the order.
    EmptyRefund,
}

impl StoreEvent {
    /// The order that the event names.
    pub fn order_ref(&self) -> Option<&str> {
        match self {
            Self::Order(report) | Self::Restored(report) => Some(&report.order_ref),
            Self::Refund { order_ref, .. }
            | Self::RefundLines { order_ref, .. }
            | Self::Deleted { order_ref, .. }
            | Self::Trashed { order_ref, .. }
            | Self::Announced { order_ref }
            | Self::Ignored { order_ref, .. } => Some(order_ref),
            Self::Uninstalled => None,
        }
    }

    /// The order whose state the event contains or changes.
    pub fn touches(&self) -> Option<&str> {
        match self {
            Self::Announced { .. } | Self::Ignored { .. } | Self::Uninstalled => None,
            Self::Order(_)
            | Self::Restored(_)
            | Self::Refund { .. }
            | Self::RefundLines { .. }
            | Self::Deleted { .. }
            | Self::Trashed { .. } => self.order_ref(),
        }
    }
}

/// A digest of the content. Equal values have equal digests, regardless of how they were stored.
pub(super) fn digest(value: &impl Serialize) -> [u8; 32] {
    // Structs serialize fields in declaration order, so the text is canonical.
    let text = serde_json::to_vec(value).expect("plain structs always serialize");
    Sha256::digest(text).into()
}

#[cfg(test)]
mod tests;
