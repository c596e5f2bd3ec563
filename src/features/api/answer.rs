//! The API's representation of an order.

use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;
use vouch_core::money::{Currency, format_plain};

use crate::features::auth::Merchant;
use crate::features::conversions::list::{ConversionRow, of_order};
use crate::features::conversions::status::NOT_PAID_YET;
use crate::features::orders::explain::by_ref;

/// What is answered to a report.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum ReportAnswer {
    Processed(OrderAnswer),
    Stored(StoredAnswer),
}

/// A report that is stored, and that Vouch fails to process until it has been fixed or tries again.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StoredAnswer {
    /// Your own id of the order.
    pub(crate) id: String,
    /// What happens next.
    pub(crate) detail: &'static str,
}

impl StoredAnswer {
    pub(crate) fn new(order_ref: String) -> Self {
        let detail = "The report is kept and not processed yet. Vouch tries again automatically, so \
                      you don’t need to send it again. Your program’s dashboard shows it until then.";
        Self { id: order_ref, detail }
    }
}

/// What was decided on an order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrderAnswer {
    /// Vouch's id of the order.
    #[schema(example = "42")]
    pub(crate) order_id: String,
    /// Your own id of the order.
    pub(crate) id: String,
    /// What you call it.
    pub(crate) name: String,
    /// Why it was credited to whom, or to nobody: sentences for people.
    pub(crate) explanation: Vec<String>,
    /// Who is credited; empty if nobody is.
    pub(crate) credits: Vec<CreditAnswer>,
}

/// One affiliate's credit for the order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CreditAnswer {
    /// The affiliate ID that people see.
    #[schema(example = "a3y7")]
    pub(crate) affiliate_id: String,
    /// The affiliate's name.
    pub(crate) affiliate: String,
    /// `coupon`, `email`, `sku` or `manual`.
    pub(crate) via: String,
    /// `pending`, `approved`, `denied` or `unqualified`.
    pub(crate) status: String,
    /// Why it is denied, unqualified or still pending: a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// What a member said of it: `pending`, `approved` or `denied`. Left out if no member did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) review: Option<String>,
    /// What the rules say: `qualified`, `not_paid_yet`, or the code of the rule against it.
    #[schema(example = "qualified")]
    pub(crate) qualification: String,
    /// ISO 4217.
    #[schema(value_type = String)]
    pub(crate) currency: Currency,
    /// What the customer paid for the credited lines, after refunds.
    #[schema(example = "29.10")]
    pub(crate) revenue: String,
    /// What the affiliate earns.
    #[schema(example = "2.91")]
    pub(crate) commission: String,
}

impl OrderAnswer {
    /// The order with the store's own ID. It reads no table that only pages need.
    pub(crate) fn by_ref(
        conn: &mut PgConnection,
        merchant_id: i64,
        store_id: i64,
        order_ref: &str,
    ) -> QueryResult<Self> {
        let (order, attribution) = by_ref(conn, merchant_id, store_id, order_ref)?;
        let calendar = Merchant::find(conn, merchant_id)?.calendar();
        let credits = of_order(conn, merchant_id, order.id)?;
        Ok(Self {
            order_id: order.id.to_string(),
            id: order.order_ref.clone(),
            name: order.title(),
            explanation: attribution.sentences(calendar),
            credits: credits.into_iter().map(CreditAnswer::of).collect(),
        })
    }
}

impl CreditAnswer {
    fn of(row: ConversionRow) -> Self {
        let conversion = row.conversion;
        let currency = conversion.currency;
        let review = conversion.said().map(|review| review.as_str().to_owned());
        Self {
            affiliate_id: row.public_id,
            affiliate: row.affiliate,
            via: conversion.via.as_str().to_owned(),
            status: conversion.status.as_str().to_owned(),
            qualification: match (conversion.unqualified_reason, conversion.not_paid_yet) {
                (Some(reason), _) => reason.as_str().to_owned(),
                (None, true) => NOT_PAID_YET.to_owned(),
                (None, false) => "qualified".to_owned(),
            },
            reason: conversion.reason,
            review,
            currency,
            revenue: format_plain(conversion.revenue_minor, currency),
            commission: format_plain(conversion.commission_minor, currency),
        }
    }
}
