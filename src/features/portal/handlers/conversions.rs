use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use askama::Template;
use diesel::QueryResult;
use vouch_core::TextEnum;
use vouch_core::money::format_money;

use crate::features::auth::Merchant;
use crate::features::auth::pages::AffiliatePage;
use crate::features::conversions::list::{self, ConversionRow};
use crate::features::conversions::{ConversionFilter, ConversionStatus, Via};
use crate::features::portal::model::{StatusSum, sums_by_status};
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::lists::{Count, ListPage, Params};
use crate::kit::web::display_time::DisplayTime;
use crate::kit::web::ok;

const PATH: &str = "/portal/conversions";

/// A conversion as its affiliate may see it, without customer data or members' notes.
struct Row {
    when: DisplayTime,
    by: String,
    /// Whether `by` is a code or SKU.
    is_code: bool,
    status: ConversionStatus,
    /// The code of the reason for the status, or "".
    reason: String,
    standing: String,
    revenue: String,
    commission: String,
}

impl Row {
    fn new(row: &ConversionRow, merchant: &Merchant) -> Self {
        let conversion = &row.conversion;
        let money = |minor: i64| format_money(minor, conversion.currency);
        let (at, calendar) = (conversion.occurred_at, merchant.calendar());
        let code = match (conversion.via, &row.trigger) {
            (Via::Coupon | Via::Sku, Some(value)) => Some(value.clone()),
            // The trigger's value is a customer's email.
            _ => None,
        };
        Self {
            when: DisplayTime::day(at, calendar),
            is_code: code.is_some(),
            by: code.unwrap_or_else(|| conversion.via.label().to_owned()),
            status: conversion.status,
            reason: row.reason().to_owned(),
            standing: row.status_note_for_affiliate(),
            revenue: money(conversion.revenue_minor),
            commission: money(conversion.commission_minor),
        }
    }
}

#[derive(Template)]
#[template(path = "portal/conversions.html")]
struct ConversionsPage {
    page: AffiliatePage,
    list: ListPage<Row>,
    sums: Vec<StatusSum>,
}

impl ConversionsPage {
    /// The commission in one status, one amount per currency.
    fn commission(&self, status: ConversionStatus) -> String {
        let own = self.page.merchant().currency;
        let amounts: Vec<String> = self
            .sums
            .iter()
            .filter(|sum| sum.status == status)
            .map(|sum| format_money(sum.commission_minor, sum.currency))
            .collect();
        if amounts.is_empty() { format_money(0, own) } else { amounts.join(", ") }
    }

    /// The number of conversions in one status.
    fn count_of(&self, status: ConversionStatus) -> String {
        let sums = self.sums.iter().filter(|sum| sum.status == status);
        Count::all(sums.map(|sum| sum.conversions).sum()).words("conversion", "conversions")
    }
}

/// `GET /portal/conversions`
pub(crate) async fn conversions(
    db: Data<Db>,
    page: AffiliatePage,
    params: Query<Params>,
) -> AppResult<HttpResponse> {
    let (merchant_id, affiliate_id) = (page.merchant_id(), page.affiliate_context.affiliate_id);
    let mut address = params.into_inner().at(PATH);
    let filter = ConversionFilter {
        status: address.choice("status", "Status"),
        affiliate_id: Some(affiliate_id),
        ..ConversionFilter::default()
    };
    let range = address.page(list::NEWEST);
    let (listing, count, sums) = db
        .merchant(merchant_id, move |conn| {
            let (listing, count) = list::counted(conn, merchant_id, &filter, &range)?;
            QueryResult::Ok((listing, count, sums_by_status(conn, merchant_id, affiliate_id)?))
        })
        .await?;
    let listing = listing.map(|row| Row::new(&row, page.merchant()));
    let list = ListPage::new(address, listing, Some(count));
    ok(&ConversionsPage { page, list, sums })
}
