//! Coupon Exclusions are off for every merchant until support enables them.

use diesel::dsl::exists;
use diesel::prelude::*;
use serde_json::json;

use super::terms::decide_again;
use crate::audit::{Act, Actor, record};
use crate::db::schema::{exclusion_periods, exclusion_terms, merchants};

/// Enables or disables Coupon Exclusions for the actor's merchant from now on; the list stays.
/// `false` when nothing was to be changed.
///
/// # Errors
/// `NotFound` when there is no such merchant; else the database's.
pub fn enable(conn: &mut PgConnection, actor: &Actor, on: bool, reason: &str) -> QueryResult<bool> {
    // Of two changes at once, one waits here.
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
    if on {
        begin(conn, actor)?
    } else {
        end(conn, actor)?
    }
    let (action, verb) = match on {
        true => ("coupon_exclusions.enabled", "Enabled"),
        false => ("coupon_exclusions.disabled", "Disabled"),
    };
    let act = Act {
        action,
        subject_kind: "merchant",
        subject_id: Some(actor.merchant_id),
        summary: format!("{verb} Coupon Exclusions: {}", reason.trim()),
        before: Some(json!({ "coupon_exclusions": was_on })),
        after: Some(json!({ "coupon_exclusions": on, "reason": reason.trim() })),
    };
    record(conn, actor, act)?;
    let of_merchant = exclusion_terms::table
        .filter(exclusion_terms::merchant_id.eq(actor.merchant_id))
        .select(exclusion_terms::exclusion_id);
    if diesel::select(exists(of_merchant)).get_result(conn)? {
        let cause = format!("Coupon Exclusions were {}", verb.to_lowercase());
        decide_again(conn, actor, actor.now, &cause)?;
    }
    Ok(true)
}

fn begin(conn: &mut PgConnection, actor: &Actor) -> QueryResult<()> {
    diesel::insert_into(exclusion_periods::table)
        .values((
            exclusion_periods::merchant_id.eq(actor.merchant_id),
            exclusion_periods::valid_from.eq(actor.now),
        ))
        .execute(conn)?;
    Ok(())
}

fn end(conn: &mut PgConnection, actor: &Actor) -> QueryResult<()> {
    let open = || {
        exclusion_periods::table
            .filter(exclusion_periods::merchant_id.eq(actor.merchant_id))
            .filter(exclusion_periods::valid_until.is_null())
    };
    // What began this very moment never held.
    diesel::delete(open().filter(exclusion_periods::valid_from.ge(actor.now))).execute(conn)?;
    diesel::update(open()).set(exclusion_periods::valid_until.eq(actor.now)).execute(conn)?;
    Ok(())
}
