//! Conversion triggers: added, found, retired, reassigned.

mod adding;
mod browser;
mod handovers;
mod holding;
mod listing;

use vouch::features::triggers::{Trigger, TriggerKind};
use vouch::kit::audit::Actor;
use vouch::kit::db::schema::{audit_log, conversions, trigger_owners, triggers};

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::harness::TestApp;

/// A code, straight into the database.
fn code(app: &TestApp, affiliate_id: i64, value: &str, actor: &Actor) -> i64 {
    app.within(|conn| {
        let kind = TriggerKind::CouponCode;
        Ok(vouch::features::triggers::create(conn, actor, affiliate_id, kind, value).unwrap().id)
    })
}

/// How many events of the audit log are about the trigger.
fn recorded(app: &TestApp, id: i64) -> i64 {
    app.within(|conn| {
        audit_log::table
            .filter(audit_log::subject_kind.eq("trigger").and(audit_log::subject_id.eq(id)))
            .count()
            .get_result(conn)
    })
}

fn trigger(app: &TestApp, id: i64) -> Trigger {
    let merchant_id = app.fixture.merchant_id;
    app.within(|conn| Trigger::find(conn, merchant_id, id))
}

/// (kind, value, key, holder) of every trigger of the program.
fn all(app: &TestApp) -> Vec<(String, String, String, i64)> {
    app.within(|conn| {
        triggers::table
            .order(triggers::id)
            .select((triggers::kind, triggers::value, triggers::key, triggers::affiliate_id))
            .load(conn)
    })
}

/// (holder, from, until) of one trigger, the oldest first.
fn owners(app: &TestApp, id: i64) -> Vec<(i64, DateTime<Utc>, Option<DateTime<Utc>>)> {
    app.within(|conn| {
        trigger_owners::table
            .filter(trigger_owners::trigger_id.eq(id))
            .order(trigger_owners::valid_from)
            .select((
                trigger_owners::affiliate_id,
                trigger_owners::valid_from,
                trigger_owners::valid_until,
            ))
            .load(conn)
    })
}

/// (affiliate, commission) of every conversion that is worth something.
fn credits(app: &TestApp) -> Vec<(i64, i64)> {
    app.within(|conn| {
        conversions::table
            .filter(conversions::commission_minor.ne(0))
            .order((conversions::order_id, conversions::affiliate_id))
            .select((conversions::affiliate_id, conversions::commission_minor))
            .load(conn)
    })
}
