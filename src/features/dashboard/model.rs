use diesel::prelude::*;

use crate::features::applications::CodeRequest;
use crate::features::orders::deliveries;
use crate::features::{
    affiliates, conversions, orders, privacy, pushes, recalculations, stores, triggers,
};
use crate::kit::lists::Count;

/// Items that need attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AttentionCounts {
    pub(crate) conversions: Count,
    pub(crate) affiliates: Count,
    /// Pending requests for additional codes.
    pub(crate) codes: Count,
    /// Webhook deliveries that failed and aren't retried automatically.
    pub(crate) deliveries: Count,
    /// Codes that a connected store rejected or that couldn't be pushed.
    pub(crate) pushes: Count,
    /// Requests to recalculate orders that failed.
    pub(crate) recalculations: Count,
    /// Customers who requested their data from their store.
    pub(crate) data_requests: Count,
}

impl AttentionCounts {
    pub(crate) fn is_empty(self) -> bool {
        let Self {
            conversions,
            affiliates,
            codes,
            deliveries,
            pushes,
            recalculations,
            data_requests,
        } = self;
        [conversions, affiliates, codes, deliveries, pushes, recalculations, data_requests]
            .into_iter()
            .all(Count::is_zero)
    }
}

pub(crate) fn waiting(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<AttentionCounts> {
    Ok(AttentionCounts {
        conversions: conversions::list::count_pending(conn, merchant_id)?,
        affiliates: affiliates::list::count_pending(conn, merchant_id)?,
        codes: CodeRequest::count_waiting(conn, merchant_id)?,
        deliveries: deliveries::count_failed(conn, merchant_id)?,
        pushes: pushes::count_failed(conn, merchant_id)?,
        recalculations: recalculations::count_failed(conn, merchant_id)?,
        data_requests: privacy::requests::count_open(conn, merchant_id)?,
    })
}

/// The setup progress of a new program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SetupSteps {
    pub(crate) has_store: bool,
    pub(crate) has_affiliate: bool,
    pub(crate) has_trigger: bool,
    pub(crate) has_order: bool,
}

impl SetupSteps {
    pub(crate) fn are_done(self) -> bool {
        self.has_store && self.has_affiliate && self.has_trigger && self.has_order
    }
}

pub(crate) fn steps(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<SetupSteps> {
    Ok(SetupSteps {
        has_store: stores::any(conn, merchant_id)?,
        has_affiliate: affiliates::list::any(conn, merchant_id)?,
        has_trigger: triggers::list::any(conn, merchant_id)?,
        has_order: orders::list::any(conn, merchant_id)?,
    })
}
