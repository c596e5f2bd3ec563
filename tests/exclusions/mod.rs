//! Coupon exclusions: who may claim what.

mod deciding;
mod entrances;
mod orders;
mod pages;
mod support;
mod uploads;
mod warning;

use diesel::prelude::*;
use vouch::features::availability::exclusion_of;
use vouch::features::exclusions::{
    Dates, Exclusion, ExclusionScope, NewExclusion, Pattern, SaveError, add,
};
use vouch::features::triggers::CouponCode;
use vouch::kit::audit::Actor;

use crate::harness::{Person, TestApp, then};

/// Enables Coupon Exclusions for the program.
fn enable(app: &TestApp) {
    app.enable_exclusions(app.fixture.merchant_id);
}

fn new(typed: &str) -> NewExclusion {
    NewExclusion {
        pattern: Pattern::parse(typed).unwrap(),
        note: String::new(),
        scope: ExclusionScope::Claims,
        dates: Dates::default(),
    }
}

fn of_orders(typed: &str) -> NewExclusion {
    NewExclusion { scope: ExclusionScope::ClaimsAndOrders, ..new(typed) }
}

/// Straight onto the program's list.
fn exclude(app: &TestApp, new: &NewExclusion) -> Exclusion {
    exclude_as(app, &app.actor_at(then()), new)
}

fn exclude_as(app: &TestApp, actor: &Actor, new: &NewExclusion) -> Exclusion {
    app.within(|conn| Ok(add(conn, actor, new).unwrap()))
}

/// The exclusion that stops a code, if one does.
fn stopped_by(app: &TestApp, merchant_id: i64, code: &str) -> Option<String> {
    let code = CouponCode::parse(code).unwrap();
    let now = vouch::kit::clock::now();
    app.within_merchant(merchant_id, |conn| exclusion_of(conn, merchant_id, &code, now))
        .map(|excluded| excluded.value)
}

/// Every code or pattern on the program's list, by key.
fn listed(app: &TestApp) -> Vec<String> {
    use vouch::kit::db::schema::exclusions;
    app.within(|conn| {
        exclusions::table
            .filter(exclusions::removed_at.is_null())
            .order(exclusions::key)
            .select(exclusions::value)
            .load(conn)
    })
}
