//! The API's representation of an order.

use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;
use vouch_core::money::{Currency, format_plain};

use super::text;
use crate::features::auth::Merchant;
use crate::features::conversions::list::{ConversionRow, denied_affiliates, of_order};
use crate::features::conversions::status::NOT_PAID_YET;
use crate::features::orders::explain::by_ref;

/// The response to a report.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum ReportAnswer {
    Processed(OrderAnswer),
    Stored(StoredAnswer),
}

/// A report that's stored but not processed yet. Vouch retries it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StoredAnswer {
    /// Your ID of the order.
    pub(crate) id: String,
    /// What happens next.
    pub(crate) detail: &'static str,
}

impl StoredAnswer {
    pub(crate) fn new(order_ref: String) -> Self {
        Self { id: order_ref, detail: text::STORED }
    }
}

/// The attribution of an order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrderAnswer {
    /// Vouch's ID of the order.
    #[schema(example = "42")]
    pub(crate) order_id: String,
    /// Your ID of the order.
    pub(crate) id: String,
    /// Your name of the order.
    pub(crate) name: String,
    /// Why affiliates earn from the order, or why none does. Sentences for people.
    pub(crate) explanation: Vec<String>,
    /// The affiliates that earn from the order. Empty if none does.
    pub(crate) credits: Vec<CreditAnswer>,
}

/// One affiliate's conversion for the order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CreditAnswer {
    /// The affiliate ID.
    #[schema(example = "a3y7")]
    pub(crate) affiliate_id: String,
    /// The affiliate's name.
    pub(crate) affiliate: String,
    /// `coupon`, `email`, `sku` or `manual`.
    pub(crate) via: String,
    /// `pending`, `approved`, `denied` or `unqualified`.
    pub(crate) status: String,
    /// The reason code if it's denied, unqualified or pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// A member's review: `pending`, `approved` or `denied`. Left out without a review.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) review: Option<String>,
    /// `qualified`, `not_paid_yet`, or the reason code of the rule that disqualifies it.
    #[schema(example = "qualified")]
    pub(crate) qualification: String,
    /// ISO 4217.
    #[schema(value_type = String)]
    pub(crate) currency: Currency,
    /// What the customer paid for the credited lines, after refunds.
    #[schema(example = "29.10")]
    pub(crate) revenue: String,
    /// The affiliate's commission.
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
        let denied = denied_affiliates(&credits);
        Ok(Self {
            order_id: order.id.to_string(),
            id: order.order_ref.clone(),
            name: order.title(),
            explanation: attribution.sentences(calendar, &denied),
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
