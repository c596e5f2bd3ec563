//! A summary of a store's deliveries.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use vouch_core::delivery::DeliveryOutcome;

use super::model::Store;
use crate::kit::db::schema::deliveries;
use crate::kit::lists::Count;

/// The last delivery of a store is searched in this many of the merchant's newest ones. There's no
/// index for it, because every order would slow down.
const LOOKED_AT: i64 = 1_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Traffic {
    /// When the last delivery arrived. `None` if there's no recent one.
    pub(crate) last: Option<DateTime<Utc>>,
    /// How many deliveries failed and wait for a retry.
    pub(crate) failed: Count,
}

impl Traffic {
    pub(crate) fn of(conn: &mut PgConnection, store: &Store) -> QueryResult<Self> {
        let newest = deliveries::table
            .filter(deliveries::merchant_id.eq(store.merchant_id))
            .order((deliveries::received_at.desc(), deliveries::id.desc()))
            .limit(LOOKED_AT)
            .select((deliveries::store_id, deliveries::received_at))
            .load::<(i64, DateTime<Utc>)>(conn)?;
        let failed = deliveries::table
            .filter(deliveries::merchant_id.eq(store.merchant_id))
            .filter(deliveries::outcome.eq(DeliveryOutcome::Failed))
            .filter(deliveries::store_id.eq(store.id))
            .select(deliveries::id)
            .into_boxed::<Pg>();
        Ok(Self {
            last: newest.into_iter().find(|(id, _)| *id == store.id).map(|(_, at)| at),
            failed: Count::of(conn, failed)?,
        })
    }
}
