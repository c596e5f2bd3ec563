use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ReadNote;

/// Money a store gave back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedRefund {
    /// The store's id of the refund.
    pub refund_ref: String,
    pub refunded_at: DateTime<Utc>,
    #[serde(default)]
    pub lines: Vec<RefundedLine>,
    /// Given back beyond lines and shipping (goodwill), without tax.
    #[serde(default)]
    pub adjustment_minor: i64,
    /// The tax on the goodwill.
    #[serde(default)]
    pub adjustment_tax_minor: i64,
    /// Shipping given back, without tax.
    #[serde(default)]
    pub shipping_minor: i64,
    /// The tax on the shipping given back.
    #[serde(default)]
    pub shipping_tax_minor: i64,
    /// Given back for what is none of the order's lines, tax included: a fee that the store doesn't
    /// name.
    #[serde(default)]
    pub other_minor: i64,
    /// Money given back, tax included, of which the store says neither what for nor how much of it
    /// is tax: it pays for the lines without an amount first. None where everything is divided.
    #[serde(default)]
    pub undivided_minor: Option<i64>,
    /// Whether the order only outlines the refund: its lines are to be read from the store.
    #[serde(default)]
    pub is_outline: bool,
    /// As [`super::OrderSnapshot::notes`], of a refund that comes alone.
    #[serde(skip)]
    pub notes: Vec<ReadNote>,
}

impl ReportedRefund {
    /// A refund that gives nothing back yet.
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

    /// The money of which the refund says what it was for, tax included.
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

    /// The same refund with every amount changed by `change`.
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

/// The part of a refund that belongs to one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundedLine {
    pub line_ref: String,
    /// How many came back; 0 if only money did.
    pub quantity: i64,
    /// Without tax, also where prices contain it. None where the store says only how many came
    /// back: then it is what was paid for so many.
    #[serde(default)]
    pub amount_minor: Option<i64>,
    #[serde(default)]
    pub tax_minor: i64,
    /// Whether it's a fee: if the order doesn't have it, it's off no other line.
    #[serde(default)]
    pub is_fee: bool,
}
