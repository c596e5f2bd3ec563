use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::candidates::TriggerKey;
use super::order_row::OrderRow;
use super::rules::Settings;
use crate::figures::Changes;
use crate::store_jobs::{self, JobKind};

/// What the messages of one merchant share that are taken in within one transaction.
pub struct Batch {
    pub(super) merchant_id: i64,
    pub(super) changes: Changes,
    settings: Option<Settings>,
    /// The triggers that were looked for by their key; `None` where there is none.
    pub(super) triggers: HashMap<TriggerKey, Option<i64>>,
    /// The orders that were locked and not looked at yet, by store and reference; `None` where there
    /// is none.
    pub(super) orders: HashMap<(i64, String), Option<OrderRow>>,
    /// The work that is due for stores, and since when; in the order in which jobs are locked.
    jobs_due: BTreeMap<(i64, JobKind), DateTime<Utc>>,
}

impl Batch {
    /// Nothing taken in yet.
    pub fn of(merchant_id: i64) -> Self {
        Self {
            merchant_id,
            changes: Changes::of(merchant_id),
            settings: None,
            triggers: HashMap::new(),
            orders: HashMap::new(),
            jobs_due: BTreeMap::new(),
        }
    }

    pub(super) fn settings(&mut self, conn: &mut PgConnection) -> QueryResult<&Settings> {
        let settings = match self.settings.take() {
            Some(settings) => settings,
            None => Settings::read(conn, self.merchant_id)?,
        };
        Ok(self.settings.insert(settings))
    }

    /// Something is to be done for the store.
    pub(super) fn job_due(&mut self, store_id: i64, kind: JobKind, at: DateTime<Utc>) {
        self.jobs_due.entry((store_id, kind)).or_insert(at);
    }

    /// Writes the figures and what is due: at the end of the transaction, since their rows are hot.
    ///
    /// # Errors
    /// The database's.
    pub fn finish(self, conn: &mut PgConnection) -> QueryResult<()> {
        self.changes.write(conn)?;
        for ((store_id, kind), at) in self.jobs_due {
            store_jobs::make_due(conn, self.merchant_id, store_id, kind, at)?;
        }
        Ok(())
    }
}
