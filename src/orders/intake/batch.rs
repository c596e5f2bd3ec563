use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::rules::Settings;
use crate::figures::Changes;
use crate::store_jobs::{self, JobKind};

/// What the messages of one merchant share that are taken in within one transaction.
pub struct Batch {
    pub(super) merchant_id: i64,
    pub(super) changes: Changes,
    settings: Option<Settings>,
    /// The stores of which an order is to be read, and since when.
    orders_due: BTreeMap<i64, DateTime<Utc>>,
}

impl Batch {
    /// Nothing taken in yet.
    pub fn of(merchant_id: i64) -> Self {
        Self {
            merchant_id,
            changes: Changes::of(merchant_id),
            settings: None,
            orders_due: BTreeMap::new(),
        }
    }

    pub(super) fn settings(&mut self, conn: &mut PgConnection) -> QueryResult<&Settings> {
        let settings = match self.settings.take() {
            Some(settings) => settings,
            None => Settings::read(conn, self.merchant_id)?,
        };
        Ok(self.settings.insert(settings))
    }

    /// An order of the store is to be read.
    pub(super) fn orders_due(&mut self, store_id: i64, at: DateTime<Utc>) {
        self.orders_due.entry(store_id).or_insert(at);
    }

    /// Writes the figures and what is due: at the end of the transaction, since their rows are hot.
    ///
    /// # Errors
    /// The database's.
    pub fn finish(self, conn: &mut PgConnection) -> QueryResult<()> {
        self.changes.write(conn)?;
        for (store_id, at) in self.orders_due {
            store_jobs::make_due(conn, self.merchant_id, store_id, JobKind::Orders, at)?;
        }
        Ok(())
    }
}
