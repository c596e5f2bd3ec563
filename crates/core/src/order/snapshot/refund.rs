use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ReadNote;

/// A refund as a store reported it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedRefund {
    /// The store's id of the refund.
    pub refund_ref: String,
    pub refunded_at: DateTime<Utc>,
    #[serde(default)]
    pub lines: Vec<RefundedLine>,
    /// Refunded beyond lines and shipping (goodwill), without tax.
    #[serde(default)]
    pub adjustment_minor: i64,
    /// The tax on the goodwill.
    #[serde(default)]
    pub adjustment_tax_minor: i64,
    /// Refunded shipping, without tax.
    #[serde(default)]
    pub shipping_minor: i64,
    /// The tax on the refunded shipping.
    #[serde(default)]
    pub shipping_tax_minor: i64,
    /// Refunded for something that isn't a line of the order, including tax: a fee that the store
    /// doesn't name.
    #[serde(default)]
    pub other_minor: i64,
    /// A refunded total, including tax, without a breakdown. It first covers the lines without an
    /// amount. None if everything is broken down.
    #[serde(default)]
    pub undivided_minor: Option<i64>,
    /// Whether the order only summarizes the refund, so its lines must be fetched from the store.
    #[serde(default)]
    pub is_outline: bool,
    /// Like [`super::OrderSnapshot::notes`], for a refund that arrives on its own.
    #[serde(skip)]
    pub notes: Vec<ReadNote>,
}

impl ReportedRefund {
    /// A refund with zero amounts.
    pub fn new(refund_ref: impl Into<String>, refunded_at: DateTime<Utc>) -> Self {
        Self {
            refund_ref: refund_ref.into(),
            refunded_at,
            lines: Vec::new(),
            adjustment_minor: 0,
            adjustment_tax_minor: 0,
            shipping_minor: 0,
            shipping_tax_minor: 0,
            other_minor: 0,
            undivided_minor: None,
            is_outline: false,
            notes: Vec::new(),
        }
    }

    /// The refunded amount that is broken down, including tax.
    pub fn divided_minor(&self) -> i64 {
        let priced = self.lines.iter().filter(|line| line.amount_minor.is_some());
        let lines = priced.flat_map(|line| [line.amount_minor.unwrap_or(0), line.tax_minor]);
        let rest = [
            self.adjustment_minor,
            self.adjustment_tax_minor,
            self.shipping_minor,
            self.shipping_tax_minor,
            self.other_minor,
        ];
        lines.chain(rest).fold(0, i64::saturating_add)
    }

    /// Applies `change` to every amount.
    #[must_use]
    pub fn map_amounts(&self, change: impl Fn(i64) -> i64) -> Self {
        let lines = self.lines.iter().map(|line| RefundedLine {
            is_fee: line.is_fee,
            line_ref: line.line_ref.clone(),
            quantity: line.quantity,
            amount_minor: line.amount_minor.map(&change),
            tax_minor: change(line.tax_minor),
        });
        Self {
            refund_ref: self.refund_ref.clone(),
            refunded_at: self.refunded_at,
            lines: lines.collect(),
            adjustment_minor: change(self.adjustment_minor),
            adjustment_tax_minor: change(self.adjustment_tax_minor),
            shipping_minor: change(self.shipping_minor),
            shipping_tax_minor: change(self.shipping_tax_minor),
            other_minor: change(self.other_minor),
            undivided_minor: self.undivided_minor.map(&change),
            is_outline: self.is_outline,
            notes: self.notes.clone(),
        }
    }
}

/// The part of a refund for one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundedLine {
    pub line_ref: String,
    /// The returned quantity; 0 if only money was refunded.
    pub quantity: i64,
    /// Without tax, even if prices include it. None if the store only reports the quantity, which
    /// is then worth its paid price.
    #[serde(default)]
    pub amount_minor: Option<i64>,
    #[serde(default)]
    pub tax_minor: i64,
    /// Whether it's a fee. A fee that the order doesn't have reduces no line.
    #[serde(default)]
    pub is_fee: bool,
}
