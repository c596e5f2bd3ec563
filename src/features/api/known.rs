//! Stored orders in the API's format.

use chrono::{DateTime, SecondsFormat, Utc};
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;
use vouch_core::money::{Currency, format_plain};
use vouch_core::order::snapshot::{
    OrderSnapshot, PaymentState, RefundedLine, ReportedCode, ReportedLine, ReportedRefund,
};
use vouch_core::order::state::OrderState;
use vouch_platforms::api::{
    CodeBody, CustomerBody, LineBody, OrderBody, Payment, RefundBody, RefundLineBody,
};

use crate::kit::db::schema::orders;

/// The newest saved report of an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct KnownOrder {
    /// Vouch's ID of the order.
    #[schema(example = "42")]
    pub order_id: String,
    /// Its `updated_at`. A correction needs a later one.
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// When Vouch received it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub received_at: Option<String>,
    /// The report.
    pub order: OrderBody,
}

impl KnownOrder {
    /// The newest report of an order. Fails with `NotFound` if the merchant doesn't have the order,
    /// or has no report of it.
    pub(crate) fn find(
        conn: &mut PgConnection,
        merchant_id: i64,
        order_id: i64,
    ) -> QueryResult<Self> {
        let state: serde_json::Value =
            orders::table.find((merchant_id, order_id)).select(orders::state).first(conn)?;
        let state: OrderState = serde_json::from_value(state)
            .map_err(|error| diesel::result::Error::DeserializationError(Box::new(error)))?;
        let report = state.report.ok_or(diesel::result::Error::NotFound)?;
        Ok(Self {
            order_id: order_id.to_string(),
            updated_at: text(report.reported_at),
            received_at: state.origin.map(|origin| text(origin.times.received_at)),
            order: body(&report),
        })
    }
}

fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Converts a stored report to the API's format.
fn body(report: &OrderSnapshot) -> OrderBody {
    let some = |minor: i64| optional(minor, report.currency);
    let has_customer = [&report.customer_ref, &report.customer_email, &report.customer_name]
        .iter()
        .any(|part| part.is_some());
    OrderBody {
        id: report.order_ref.clone(),
        name: Some(report.name.clone()),
        placed_at: text(report.placed_at),
        updated_at: text(report.reported_at),
        currency: report.currency.code().to_owned(),
        test: report.is_test,
        payment: payment(report.payment),
        cancelled_at: report.cancelled_at.map(text),
        customer: has_customer.then(|| CustomerBody {
            id: report.customer_ref.clone(),
            email: report.customer_email.clone(),
            name: report.customer_name.clone(),
        }),
        codes: report.codes.iter().map(|one| code(one, report.currency)).collect(),
        lines: report.lines.iter().map(|one| line(one, report.currency)).collect(),
        shipping: some(report.shipping_minor),
        shipping_tax: some(report.shipping_tax_minor),
        tax: some(report.tax_minor),
        total: format_plain(report.total_minor, report.currency),
        refunds: report.refunds.iter().map(|one| refund(one, report.currency)).collect(),
    }
}

/// Orders of the API have only its own states.
fn payment(state: PaymentState) -> Payment {
    match state {
        PaymentState::Pending | PaymentState::Expired | PaymentState::Unknown => Payment::Pending,
        PaymentState::Authorized => Payment::Authorized,
        PaymentState::PartiallyPaid => Payment::PartiallyPaid,
        PaymentState::Paid => Payment::Paid,
        PaymentState::PartiallyRefunded => Payment::PartiallyRefunded,
        PaymentState::Refunded => Payment::Refunded,
        PaymentState::Voided => Payment::Voided,
    }
}

fn optional(minor: i64, currency: Currency) -> Option<String> {
    (minor != 0).then(|| format_plain(minor, currency))
}

fn code(code: &ReportedCode, currency: Currency) -> CodeBody {
    CodeBody { code: code.code.clone(), discount: optional(code.discount_minor, currency) }
}

fn line(line: &ReportedLine, currency: Currency) -> LineBody {
    LineBody {
        id: line.line_ref.clone(),
        sku: line.sku.clone(),
        title: Some(line.title.clone()).filter(|title| !title.is_empty()),
        quantity: line.quantity,
        price: format_plain(line.price_minor, currency),
        discount: optional(line.discount_minor, currency),
        tax: optional(line.tax_minor, currency),
        tax_included: line.tax_included,
        kind: line.kind.into(),
    }
}

fn refund(refund: &ReportedRefund, currency: Currency) -> RefundBody {
    let total = refund.undivided_minor.map(|minor| minor.saturating_add(refund.divided_minor()));
    RefundBody {
        id: refund.refund_ref.clone(),
        refunded_at: text(refund.refunded_at),
        lines: refund.lines.iter().map(|one| refunded(one, currency)).collect(),
        shipping: optional(refund.shipping_minor, currency),
        shipping_tax: optional(refund.shipping_tax_minor, currency),
        adjustment: optional(refund.adjustment_minor, currency),
        total: total.map(|minor| format_plain(minor, currency)),
    }
}

fn refunded(line: &RefundedLine, currency: Currency) -> RefundLineBody {
    RefundLineBody {
        line_id: line.line_ref.clone(),
        quantity: line.quantity,
        amount: line.amount_minor.map(|minor| format_plain(minor, currency)),
        tax: optional(line.tax_minor, currency),
    }
}
