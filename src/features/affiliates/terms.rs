//! The dated terms of an affiliate: its status and offer over time.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::status::AffiliateStatus;
use crate::kit::dated::{Dated, dated, hold_from, second};

dated! {
    /// The terms that apply to an order.
    pub(super) struct Terms
    in affiliate_terms(merchant_id: i64, affiliate_id: i64) of affiliates(merchant_id, affiliate_id)
    {
        pub(crate) status: AffiliateStatus,
        pub(crate) offer_id: i64,
    }
}

/// Undoes the change of status at `since`, if it's still active. The former status applies again
/// from then on, with the current offer. Returns that status; `None` if other terms followed or
/// none came before.
pub(super) fn take_back_status(
    conn: &mut PgConnection,
    key: (i64, i64),
    since: DateTime<Utc>,
) -> QueryResult<Option<AffiliateStatus>> {
    let since = second(since);
    Terms::lock_owner(conn, key)?;
    let periods = Terms::periods(conn, key)?;
    let [.., before, last] = periods.as_slice() else { return Ok(None) };
    let is_in_force = last.from == since && last.until.is_none();
    if !is_in_force || before.value.status == last.value.status {
        return Ok(None);
    }
    let status = before.value.status;
    hold_from(conn, key, Some(Terms { status, ..last.value.clone() }), since)?;
    Ok(Some(status))
}
