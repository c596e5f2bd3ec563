//! Coupon Exclusions are off for every merchant until support enables them.

use diesel::dsl::exists;
use diesel::prelude::*;
use serde_json::json;

use crate::features::audit::{Act, AuditEvent};
use crate::features::recalculations::{RecalculationReason, request_since};
use crate::kit::audit::{Actor, SubjectKind, record};
use crate::kit::dated::{self, dated};
use crate::kit::db::schema::{exclusion_terms, merchants};

dated! {
    /// Coupon Exclusions are enabled. There's nothing more to store.
    struct Enabled
    in exclusion_periods(merchant_id: i64) of merchants(merchant_id)
    {
    }
}

/// Enables or disables Coupon Exclusions for the actor's merchant from now on. The list stays.
/// Returns `false` if nothing changed.
pub fn enable(conn: &mut PgConnection, actor: &Actor, on: bool, reason: &str) -> QueryResult<bool> {
    // Of two concurrent changes, one waits here.
    let was_on: bool = merchants::table
        .find(actor.merchant_id)
        .select(merchants::coupon_exclusions)
        .for_no_key_update()
        .first(conn)?;
    if was_on == on {
        return Ok(false);
    }
    diesel::update(merchants::table.find(actor.merchant_id))
        .set(merchants::coupon_exclusions.eq(on))
        .execute(conn)?;
    let enabled = on.then_some(Enabled {});
    let changed = dated::change(conn, (actor.merchant_id,), enabled, actor.now)?;
    let reason = reason.trim().to_owned();
    let event = match on {
        true => AuditEvent::CouponExclusionsTurnedOn { reason: reason.clone() },
        false => AuditEvent::CouponExclusionsTurnedOff { reason: reason.clone() },
    };
    let act = Act {
        before: Some(json!({ "coupon_exclusions": was_on })),
        after: Some(json!({ "coupon_exclusions": on, "reason": reason })),
        ..Act::new(event, SubjectKind::Merchant, Some(actor.merchant_id))
    };
    record(conn, actor, act)?;
    let of_merchant = exclusion_terms::table
        .filter(exclusion_terms::merchant_id.eq(actor.merchant_id))
        .select(exclusion_terms::exclusion_id);
    if diesel::select(exists(of_merchant)).get_result(conn)? {
        let cause = match on {
            true => RecalculationReason::ExclusionsEnabled,
            false => RecalculationReason::ExclusionsDisabled,
        };
        let since = changed.map_or(actor.now, |changed| changed.from);
        request_since(conn, actor, since, &cause)?;
    }
    Ok(true)
}
