//! Codes as stores and people spell them, from where they are typed to what they earn.

mod existing;
mod rekeyed;
mod spellings;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use vouch::kit::db::schema::{conversions, triggers};

use crate::harness::{Page, Person, TestApp};

/// After every code of the tests was created, whose clock is the real one.
fn later() -> DateTime<Utc> {
    vouch::kit::clock::now() + chrono::Duration::minutes(1)
}

/// Adds a code for an affiliate on its page.
fn add(person: &Person, affiliate_id: i64, code: &str, existing: bool) -> Page {
    let only_in_vouch = if existing { "true" } else { "" };
    let fields = [("type", "coupon_code"), ("coupon_code", code), ("only_in_vouch", only_in_vouch)];
    let fields = &fields[..if existing { 3 } else { 2 }];
    person.post_signed(&format!("/affiliates/{affiliate_id}/triggers"), fields)
}

fn attach(app: &TestApp, affiliate_id: i64, code: &str) {
    let answer = add(&app.owner(), affiliate_id, code, true);
    assert_eq!(answer.status, 303, "{code}: {}", answer.text());
}

/// (affiliate, commission) of every conversion, in the order of orders.
fn earned(app: &TestApp) -> Vec<(i64, i64)> {
    app.within(|conn| {
        conversions::table
            .order(conversions::order_id)
            .select((conversions::affiliate_id, conversions::commission_minor))
            .load(conn)
    })
}

/// Every key of a coupon code, in the order they were created.
fn keys(app: &TestApp) -> Vec<String> {
    app.within(|conn| triggers::table.order(triggers::id).select(triggers::key).load(conn))
}
