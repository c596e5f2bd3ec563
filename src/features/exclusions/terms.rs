//! Dated exclusions of orders. The exclusions at the time an order was placed apply, so processing
//! it again at any time gives the same ledger.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::exclusion::Exclusion;
use super::look_alike::anchor_of;
use crate::features::availability::ExclusionScope;
use crate::features::recalculations::{RecalculationReason, request_since};
use crate::kit::audit::Actor;
use crate::kit::dated::{self, dated, second};

dated! {
    /// The pattern that codes are compared with, and when it's active.
    struct Terms
    in exclusion_terms(merchant_id: i64, exclusion_id: i64) of exclusions(merchant_id, exclusion_id)
    {
        key: String,
        anchor: String,
        starts_at: Option<DateTime<Utc>>,
        ends_at: Option<DateTime<Utc>>,
    }
}

impl Terms {
    /// `None` if the exclusion doesn't apply to orders.
    fn of(exclusion: &Exclusion) -> Option<Self> {
        let covers = exclusion.scope == ExclusionScope::ClaimsAndOrders;
        covers.then(|| Self {
            key: exclusion.key.clone(),
            anchor: anchor_of(&exclusion.key),
            starts_at: exclusion.starts_at,
            ends_at: exclusion.ends_at,
        })
    }
}

/// From now on, the exclusion applies to orders, according to its scope and dates.
pub(super) fn cover(
    conn: &mut PgConnection,
    actor: &Actor,
    exclusion: &Exclusion,
) -> QueryResult<()> {
    let key = (actor.merchant_id, exclusion.id);
    let terms = Terms::of(exclusion);
    let cause = match terms {
        Some(_) => RecalculationReason::CodeExcluded { code: exclusion.value.clone() },
        None => RecalculationReason::CodeNoLongerExcluded { code: exclusion.value.clone() },
    };
    match dated::change(conn, key, terms, actor.now)? {
        Some(changed) => request_since(conn, actor, changed.from, &cause).map(drop),
        None => Ok(()),
    }
}

/// From now on, these exclusions apply to orders. This transaction inserted them.
pub(super) fn cover_all(
    conn: &mut PgConnection,
    actor: &Actor,
    exclusions: &[Exclusion],
) -> QueryResult<()> {
    for exclusion in exclusions {
        if let Some(terms) = Terms::of(exclusion) {
            dated::begin(conn, (actor.merchant_id, exclusion.id), terms, actor.now)?;
        }
    }
    if exclusions.is_empty() {
        return Ok(());
    }
    request_since(conn, actor, second(actor.now), &RecalculationReason::CodesExcluded).map(drop)
}

/// From now on, the exclusion doesn't apply to orders.
pub(super) fn uncover(
    conn: &mut PgConnection,
    actor: &Actor,
    exclusion: &Exclusion,
) -> QueryResult<()> {
    let key = (actor.merchant_id, exclusion.id);
    match dated::change(conn, key, None::<Terms>, actor.now)? {
        Some(changed) => {
            let cause = RecalculationReason::CodeNoLongerExcluded { code: exclusion.value.clone() };
            request_since(conn, actor, changed.from, &cause).map(drop)
        }
        None => Ok(()),
    }
}

/// The exclusion applies to orders again, as if it had never been removed at `removed_at`.
pub(super) fn reopen(
    conn: &mut PgConnection,
    actor: &Actor,
    exclusion: &Exclusion,
    removed_at: DateTime<Utc>,
) -> QueryResult<()> {
    let key = (actor.merchant_id, exclusion.id);
    match dated::hold_from(conn, key, Terms::of(exclusion), removed_at)? {
        Some(changed) => {
            let cause = RecalculationReason::CodeExcludedAgain { code: exclusion.value.clone() };
            request_since(conn, actor, changed.from, &cause).map(drop)
        }
        None => Ok(()),
    }
}
