use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use askama::Template;
use diesel::QueryResult;
use serde::Deserialize;
use vouch_core::money::format_money;

use crate::features::auth::Merchant;
use crate::features::auth::pages::AffiliatePage;
use crate::features::conversions::list::{self, ConversionRow, StatusFilter};
use crate::features::conversions::{ConversionFilter, ConversionStatus, Via};
use crate::features::portal::model::{StatusSum, sums_by_status};
use crate::kit::db::Db;
use crate::kit::error::AppResult;
use crate::kit::urls::with_query;
use crate::kit::web::display_time::{DisplayTime, day, day_of};
use crate::kit::web::ok;
use crate::kit::web::paginate::{Count, Cursor, Listing, thousands};

const PATH: &str = "/portal/conversions";

/// The filter, and the position in the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ConversionsQuery {
    status: String,
    after: String,
    before: String,
}

/// A conversion as its affiliate may see it, without customer data or members' notes.
struct Row {
    when: DisplayTime,
    by: String,
    status: ConversionStatus,
    standing: String,
    revenue: String,
    commission: String,
}

impl Row {
    fn new(row: &ConversionRow, merchant: &Merchant) -> Self {
        let conversion = &row.conversion;
        let money = |minor: i64| format_money(minor, conversion.currency);
        let (at, tz) = (conversion.occurred_at, merchant.tz());
        let by = match (conversion.via, &row.trigger) {
            (Via::Coupon | Via::Sku, Some(value)) => value.clone(),
            // The trigger's value is a customer's email.
            (via, _) => via.label().to_owned(),
        };
        Self {
            when: DisplayTime { text: day(day_of(at, tz)), ..DisplayTime::new(at, tz) },
            by,
            status: conversion.status,
            standing: row.standing_for_affiliate(),
            revenue: money(conversion.revenue_minor),
            commission: money(conversion.commission_minor),
        }
    }
}

#[derive(Template)]
#[template(path = "portal/conversions.html")]
struct ConversionsPage {
    page: AffiliatePage,
    status: String,
    sums: Vec<StatusSum>,
    rows: Listing<Row>,
    count: Count,
}

impl ConversionsPage {
    fn statuses() -> impl Iterator<Item = (&'static str, &'static str)> {
        ConversionStatus::ALL.iter().map(|status| (status.as_str(), status.label()))
    }

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
        match sums.map(|sum| sum.conversions).sum() {
            1 => "1 conversion".to_owned(),
            count => format!("{} conversions", thousands(count)),
        }
    }

    fn shown(&self) -> String {
        match self.count.exact() {
            Some(1) => "1 conversion".to_owned(),
            _ => format!("{} conversions", self.count),
        }
    }

    fn address(&self, direction: &str, key: Option<&String>) -> String {
        let Some(key) = key else { return String::new() };
        with_query(PATH, &[("status", &self.status), (direction, key)])
    }

    fn first(&self) -> String {
        if self.rows.previous.is_none() {
            return String::new();
        }
        with_query(PATH, &[("status", &self.status)])
    }

    fn previous(&self) -> String {
        self.address("before", self.rows.previous.as_ref())
    }

    fn next(&self) -> String {
        self.address("after", self.rows.next.as_ref())
    }
}

/// `GET /portal/conversions`
pub async fn conversions(
    db: Data<Db>,
    page: AffiliatePage,
    query: Query<ConversionsQuery>,
) -> AppResult<HttpResponse> {
    let (merchant_id, affiliate_id) = (page.merchant_id(), page.member_context.affiliate_id);
    let ConversionsQuery { status, after, before } = query.into_inner();
    let filter = ConversionFilter {
        status: StatusFilter::parse(&status),
        affiliate_id: Some(affiliate_id),
        ..ConversionFilter::default()
    };
    let (listing, totals, sums) = db
        .merchant(merchant_id, move |conn| {
            let cursor = Cursor::read(&after, &before);
            let (listing, totals) = list::page(conn, merchant_id, &filter, &cursor)?;
            QueryResult::Ok((listing, totals, sums_by_status(conn, merchant_id, affiliate_id)?))
        })
        .await?;
    let Listing { rows, previous, next } = listing;
    let merchant = page.merchant().clone();
    let rows = rows.iter().map(|row| Row::new(row, &merchant)).collect();
    let rows = Listing { rows, previous, next };
    ok(&ConversionsPage { page, status, sums, rows, count: totals.count })
}
