//! Test data: small orders.

use chrono::{DateTime, TimeZone, Utc};

use super::snapshot::{
    LineKind, OrderSnapshot, PaymentState, RefundedLine, ReportedCode, ReportedLine, ReportedRefund,
};
use super::times::DeliveryTimes;
use crate::money::Currency;

/// A day of March 2026, at noon UTC.
pub(crate) fn march(day: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, day, 12, 0, 0).unwrap()
}

/// A paid order in USD, placed on March 10 without lines. The customer isn't an affiliate.
pub(crate) fn order() -> OrderSnapshot {
    OrderSnapshot {
        order_ref: "820982911946154508".into(),
        name: "#1001".into(),
        reported_at: march(10),
        placed_at: march(10),
        currency: Currency::USD,
        is_test: false,
        payment: PaymentState::Paid,
        cancelled_at: None,
        customer_email: Some("carla@example.com".into()),
        customer_ref: Some("115310627314723954".into()),
        customer_name: Some("Carla Customer".into()),
        codes: Vec::new(),
        lines: Vec::new(),
        shipping_minor: 0,
        shipping_tax_minor: 0,
        tax_minor: 0,
        total_minor: 0,
        refunds: Vec::new(),
        negative_fees_minor: 0,
        notes: Vec::new(),
    }
}

impl OrderSnapshot {
    pub(crate) fn with_code(mut self, code: &str, discount_minor: i64) -> Self {
        self.codes.push(ReportedCode { code: code.into(), discount_minor });
        self
    }

    /// Adds a line; its reference and SKU are both `sku`.
    pub(crate) fn with_line(mut self, sku: &str, quantity: i64, price_minor: i64) -> Self {
        self.lines.push(ReportedLine {
            line_ref: sku.into(),
            sku: Some(sku.into()),
            title: format!("Item {sku}"),
            quantity,
            remaining_quantity: None,
            price_minor,
            discount_minor: 0,
            tax_minor: 0,
            tax_included: false,
            kind: LineKind::Goods,
        });
        self
    }

    pub(crate) fn with_refund(mut self, refund: ReportedRefund) -> Self {
        self.refunds.push(refund);
        self
    }
}

/// Sent and received on a day of March.
pub(crate) fn times(day: u32) -> DeliveryTimes {
    DeliveryTimes { sent_at: march(day), received_at: march(day) }
}

/// A refund on March 11 with zero amounts.
pub(crate) fn refund(refund_ref: &str) -> ReportedRefund {
    ReportedRefund::new(refund_ref, march(11))
}

impl ReportedRefund {
    pub(crate) fn of_line(mut self, line_ref: &str, quantity: i64, amount_minor: i64) -> Self {
        self.lines.push(RefundedLine {
            is_fee: false,
            line_ref: line_ref.into(),
            quantity,
            amount_minor: Some(amount_minor),
            tax_minor: 0,
        });
        self
    }
}
