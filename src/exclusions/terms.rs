//! What exclusions do to orders, dated: an order is judged by what held when it was placed, so that
//! taking it in again, whenever, ends in the same ledger.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;

use super::look_alike::anchor_of;
use super::model::{Exclusion, ExclusionScope};
use crate::audit::Actor;
use crate::db::schema::exclusion_terms;
use crate::orders::reconsider::Since;
use crate::orders::reconsider_since;
use crate::outbox::{self, Work};

/// Transactions that were taking in an order while something changed have ended by then: none of
/// them may run for longer than a minute.
const IN_FLIGHT: Duration = Duration::minutes(2);

/// From now on the exclusion covers orders, if that is its scope.
pub(super) fn cover(
    conn: &mut PgConnection,
    actor: &Actor,
    exclusion: &Exclusion,
) -> QueryResult<()> {
    if exclusion.scope != ExclusionScope::ClaimsAndOrders {
        return Ok(());
    }
    begin(conn, actor, exclusion, actor.now)?;
    decide_again(conn, actor, actor.now, &format!("{} was excluded", exclusion.value))
}

/// From now on these cover orders: their scope says so.
pub(super) fn cover_all(
    conn: &mut PgConnection,
    actor: &Actor,
    exclusions: &[Exclusion],
) -> QueryResult<()> {
    if exclusions.is_empty() {
        return Ok(());
    }
    for exclusion in exclusions {
        begin(conn, actor, exclusion, actor.now)?;
    }
    decide_again(conn, actor, actor.now, "Codes were excluded from a CSV file")
}

fn begin(
    conn: &mut PgConnection,
    actor: &Actor,
    exclusion: &Exclusion,
    from: DateTime<Utc>,
) -> QueryResult<()> {
    let values = (
        exclusion_terms::key.eq(&exclusion.key),
        exclusion_terms::anchor.eq(anchor_of(&exclusion.key)),
        exclusion_terms::starts_at.eq(exclusion.starts_at),
        exclusion_terms::ends_at.eq(exclusion.ends_at),
    );
    diesel::insert_into(exclusion_terms::table)
        .values((
            exclusion_terms::merchant_id.eq(actor.merchant_id),
            exclusion_terms::exclusion_id.eq(exclusion.id),
            exclusion_terms::valid_from.eq(from),
            values,
        ))
        .execute(conn)?;
    Ok(())
}

/// From now on it does not.
pub(super) fn uncover(
    conn: &mut PgConnection,
    actor: &Actor,
    exclusion: &Exclusion,
) -> QueryResult<()> {
    let open = || {
        exclusion_terms::table
            .filter(exclusion_terms::merchant_id.eq(actor.merchant_id))
            .filter(exclusion_terms::exclusion_id.eq(exclusion.id))
            .filter(exclusion_terms::valid_until.is_null())
    };
    // What began this very moment never held, nor did what a clock that went back has begun later.
    let never =
        diesel::delete(open().filter(exclusion_terms::valid_from.ge(actor.now))).execute(conn)?;
    let ended =
        diesel::update(open()).set(exclusion_terms::valid_until.eq(actor.now)).execute(conn)?;
    if never + ended == 0 {
        return Ok(());
    }
    let cause = format!("{} is no longer excluded", exclusion.value);
    decide_again(conn, actor, actor.now, &cause)
}

/// As if it had never been removed at `removed_at`.
pub(super) fn reopen(
    conn: &mut PgConnection,
    actor: &Actor,
    exclusion: &Exclusion,
    removed_at: DateTime<Utc>,
) -> QueryResult<()> {
    if exclusion.scope != ExclusionScope::ClaimsAndOrders {
        return Ok(());
    }
    let ended = exclusion_terms::table
        .filter(exclusion_terms::merchant_id.eq(actor.merchant_id))
        .filter(exclusion_terms::exclusion_id.eq(exclusion.id))
        .filter(exclusion_terms::valid_until.eq(removed_at));
    let reopened = diesel::update(ended)
        .set(exclusion_terms::valid_until.eq(None::<DateTime<Utc>>))
        .execute(conn)?;
    if reopened == 0 {
        begin(conn, actor, exclusion, removed_at)?;
    }
    decide_again(conn, actor, removed_at, &format!("{} is excluded again", exclusion.value))
}

/// Decides again on orders placed since `since`: now, and once more when every transaction has
/// ended that read what held before. Hardly ever any, since changes hold from now on.
pub(super) fn decide_again(
    conn: &mut PgConnection,
    actor: &Actor,
    since: DateTime<Utc>,
    cause: &str,
) -> QueryResult<()> {
    reconsider_since(conn, actor, since, cause)?;
    let work = Work::ReconsiderSince(Since { since, cause: cause.to_owned() });
    outbox::queue(conn, actor.merchant_id, &work, actor.now + IN_FLIGHT)
}
