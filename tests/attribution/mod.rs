//! Who is credited for an order, and with how much: orders as a store sends them, over HTTP.

mod amounts;
mod dated;
mod line_kinds;
mod manual;
mod own_purchases;
mod payments;
mod precedence;
mod reviews;
mod side_by_side;
mod totals;
mod unqualified;

use chrono::{DateTime, Duration, TimeZone, Utc};
use diesel::prelude::*;
use vouch::features::affiliates::{self, AffiliateStatus, NewAffiliate};
use vouch::features::triggers::{self, Trigger, TriggerKind};
use vouch::kit::db::schema::{conversions, offer_terms, offers, orders};
use vouch_core::attribution::Attribution;

use crate::harness::shopify::ShopifyOrder;
use crate::harness::{TestApp, then};

/// When most orders of these tests are placed.
pub(crate) fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap()
}

/// An order number of its own.
pub(crate) fn order(id: u64) -> ShopifyOrder {
    ShopifyOrder::new(id, noon())
}

/// One conversion, as far as these tests look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Credited {
    affiliate_id: i64,
    trigger_id: Option<i64>,
    via: String,
    status: String,
    reason: Option<String>,
    currency: String,
    revenue_minor: i64,
    commission_minor: i64,
}

/// The conversions of the merchant's order, by affiliate.
fn credits_in(app: &TestApp, merchant_id: i64, order: &ShopifyOrder) -> Vec<Credited> {
    type Row = (i64, Option<i64>, String, String, Option<String>, String, i64, i64);
    let order_ref = order.0["id"].to_string();
    let rows: Vec<Row> = app.within_merchant(merchant_id, |conn| {
        conversions::table
            .inner_join(
                orders::table.on(orders::merchant_id
                    .eq(conversions::merchant_id)
                    .and(orders::id.nullable().eq(conversions::order_id))),
            )
            .filter(orders::order_ref.eq(order_ref))
            .order(conversions::affiliate_id)
            .select((
                conversions::affiliate_id,
                conversions::trigger_id,
                conversions::via,
                conversions::status,
                conversions::reason,
                conversions::currency,
                conversions::revenue_minor,
                conversions::commission_minor,
            ))
            .load(conn)
    });
    let credited =
        |(affiliate_id, trigger_id, via, status, reason, currency, revenue, minor)| Credited {
            affiliate_id,
            trigger_id,
            via,
            status,
            reason,
            currency,
            revenue_minor: revenue,
            commission_minor: minor,
        };
    rows.into_iter().map(credited).collect()
}

fn credits(app: &TestApp, order: &ShopifyOrder) -> Vec<Credited> {
    credits_in(app, app.fixture.merchant_id, order)
}

/// (affiliate, commission) of the order's conversions that earn something.
pub(crate) fn earned(app: &TestApp, order: &ShopifyOrder) -> Vec<(i64, i64)> {
    let all = credits(app, order).into_iter();
    all.filter(|one| one.commission_minor != 0)
        .map(|one| (one.affiliate_id, one.commission_minor))
        .collect()
}

/// The record of the order.
fn attribution(app: &TestApp, order: &ShopifyOrder) -> Attribution {
    let order_ref = order.0["id"].to_string();
    let json: serde_json::Value = app.within(|conn| {
        orders::table
            .filter(orders::order_ref.eq(order_ref))
            .select(orders::attribution.assume_not_null())
            .first(conn)
    });
    serde_json::from_value(json).unwrap()
}

/// Sends the order and insists that it is taken.
pub(crate) fn send(app: &TestApp, order: &ShopifyOrder) {
    let answer = app.shopify("orders/create", &order.0);
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// A trigger of the program, made at `at`.
pub(crate) fn trigger_at(
    app: &TestApp,
    affiliate_id: i64,
    kind: TriggerKind,
    value: &str,
    at: DateTime<Utc>,
) -> Trigger {
    let actor = app.actor_at(at);
    app.within(|conn| Ok(triggers::create(conn, &actor, affiliate_id, kind, value).unwrap()))
}

/// A code of the program, as old as the program.
pub(crate) fn code(app: &TestApp, affiliate_id: i64, code: &str) -> Trigger {
    trigger_at(app, affiliate_id, TriggerKind::CouponCode, code, then())
}

/// One more affiliate of the program, on an offer of its own.
pub(crate) fn affiliate_on(app: &TestApp, offer_id: i64, name: &str) -> i64 {
    let new = NewAffiliate {
        name: name.to_owned(),
        email: format!("{}@affiliates.example", name.to_lowercase().replace(' ', ".")),
        status: AffiliateStatus::Active,
        offer_id,
        note: String::new(),
        user_id: None,
    };
    let actor = app.actor_at(then());
    app.within(|conn| Ok(affiliates::create(conn, &actor, &new).unwrap().id))
}

/// What an offer pays.
#[derive(Clone, Debug)]
pub(crate) struct Pays {
    pub kind: &'static str,
    pub basis_points: Option<i32>,
    pub flat: Option<(i64, &'static str)>,
    pub excluded: Vec<&'static str>,
    pub auto_approve: bool,
}

impl Pays {
    pub(crate) fn percent(basis_points: i32) -> Self {
        Self {
            kind: "percent",
            basis_points: Some(basis_points),
            flat: None,
            excluded: Vec::new(),
            auto_approve: false,
        }
    }

    pub(crate) fn flat(kind: &'static str, minor: i64, currency: &'static str) -> Self {
        Self { kind, basis_points: None, flat: Some((minor, currency)), ..Self::percent(0) }
    }
}

/// One more offer of the program, with these terms from the beginning.
pub(crate) fn offer(app: &TestApp, name: &str, pays: &Pays) -> i64 {
    let merchant_id = app.fixture.merchant_id;
    let offer_id = app.within(|conn| {
        diesel::insert_into(offers::table)
            .values((
                offers::merchant_id.eq(merchant_id),
                offers::name.eq(name),
                offers::created_at.eq(then()),
            ))
            .returning(offers::id)
            .get_result(conn)
    });
    open_terms(app, offer_id, pays, then());
    offer_id
}

fn open_terms(app: &TestApp, offer_id: i64, pays: &Pays, from: DateTime<Utc>) {
    let merchant_id = app.fixture.merchant_id;
    app.within(|conn| {
        diesel::insert_into(offer_terms::table)
            .values((
                offer_terms::merchant_id.eq(merchant_id),
                offer_terms::offer_id.eq(offer_id),
                offer_terms::valid_from.eq(from),
                offer_terms::commission_kind.eq(pays.kind),
                offer_terms::basis_points.eq(pays.basis_points),
                offer_terms::flat_minor.eq(pays.flat.map(|flat| flat.0)),
                offer_terms::flat_currency.eq(pays.flat.map(|flat| flat.1)),
                offer_terms::excluded_skus.eq(pays.excluded.clone()),
                offer_terms::auto_approve.eq(pays.auto_approve),
            ))
            .execute(conn)
    });
}

/// Other terms for the offer from `from` on.
fn change_terms(app: &TestApp, offer_id: i64, pays: &Pays, from: DateTime<Utc>) {
    app.within(|conn| {
        diesel::update(offer_terms::table)
            .filter(offer_terms::offer_id.eq(offer_id))
            .filter(offer_terms::valid_until.is_null())
            .set(offer_terms::valid_until.eq(from))
            .execute(conn)
    });
    open_terms(app, offer_id, pays, from);
}

pub(crate) fn hours(count: i64) -> Duration {
    Duration::hours(count)
}
