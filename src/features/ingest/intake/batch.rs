use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::keys::TriggerKey;
use super::order_row::OrderRow;
use super::rules::MerchantSettings;
use crate::features::rollups::Changes;
use crate::kit::jobs::{self, JobKind, Queue};
use crate::kit::pseudonyms::{MerchantPseudonyms, Pseudonyms};

/// Jobs of one queue.
struct NewJobs {
    kind: JobKind,
    keys: BTreeSet<String>,
    run_at: DateTime<Utc>,
}

/// Data shared by deliveries of one merchant that are processed in one transaction.
pub(crate) struct Batch {
    pub(super) merchant_id: i64,
    pub(super) changes: Changes,
    settings: Option<MerchantSettings>,
    /// `None` if the batch contains no deliveries from stores.
    pseudonyms: Option<Pseudonyms>,
    /// The merchant's pseudonyms, loaded on first use. `Some(None)` if no person was ever erased.
    merchant_pseudonyms: Option<Option<MerchantPseudonyms>>,
    /// The triggers looked up so far, by key. `None` if there's no such trigger.
    pub(super) triggers: HashMap<TriggerKey, Option<i64>>,
    /// Locked orders that aren't processed yet, by store and reference. `None` if the order is
    /// unknown.
    pub(super) orders: HashMap<(i64, String), Option<OrderRow>>,
    /// The key contains the store and the name of the kind, which is the order in which queues are
    /// locked.
    jobs: BTreeMap<(i64, &'static str), NewJobs>,
}

impl Batch {
    pub(crate) fn of(merchant_id: i64) -> Self {
        Self {
            merchant_id,
            changes: Changes::of(merchant_id),
            settings: None,
            pseudonyms: None,
            merchant_pseudonyms: None,
            triggers: HashMap::new(),
            orders: HashMap::new(),
            jobs: BTreeMap::new(),
        }
    }

    /// Like [`Batch::of`], for deliveries from stores, which may be about erased people.
    pub(crate) fn of_messages(merchant_id: i64, pseudonyms: &Pseudonyms) -> Self {
        Self { pseudonyms: Some(pseudonyms.clone()), ..Self::of(merchant_id) }
    }

    /// `None` if the merchant has erased no one.
    pub(super) fn merchant_pseudonyms(
        &mut self,
        conn: &mut PgConnection,
    ) -> QueryResult<Option<&MerchantPseudonyms>> {
        if self.merchant_pseudonyms.is_none() {
            let merchant_id = self.merchant_id;
            let key = self.settings(conn)?.erasure_key.clone();
            let opened = self.pseudonyms.as_ref().zip(key).and_then(|(pseudonyms, key)| {
                let opened = pseudonyms.open(merchant_id, &key);
                opened
                    .inspect_err(
                        |error| tracing::error!(merchant_id, %error, "erasure_key_unreadable"),
                    )
                    .ok()
            });
            self.merchant_pseudonyms = Some(opened);
        }
        Ok(self.merchant_pseudonyms.as_ref().and_then(Option::as_ref))
    }

    pub(super) fn settings(&mut self, conn: &mut PgConnection) -> QueryResult<&MerchantSettings> {
        let settings = match self.settings.take() {
            Some(settings) => settings,
            None => MerchantSettings::read(conn, self.merchant_id)?,
        };
        Ok(self.settings.insert(settings))
    }

    /// Adds a job that calls the store. [`Batch::finish`] enqueues it.
    pub(super) fn enqueue(
        &mut self,
        store_id: i64,
        kind: JobKind,
        key: &str,
        run_at: DateTime<Utc>,
    ) {
        let new = || NewJobs { kind, keys: BTreeSet::new(), run_at };
        let jobs = self.jobs.entry((store_id, kind.name)).or_insert_with(new);
        jobs.keys.insert(key.to_owned());
    }

    /// Writes the totals and the jobs. The caller does this at the end of the transaction,
    /// since their rows are hot.
    pub(crate) fn finish(self, conn: &mut PgConnection) -> QueryResult<()> {
        self.changes.write(conn)?;
        for ((store_id, _), NewJobs { kind, keys, run_at }) in self.jobs {
            let queue = Queue::of_store(self.merchant_id, store_id, kind);
            let keys: Vec<String> = keys.into_iter().collect();
            jobs::enqueue(conn, &queue, &keys, run_at)?;
        }
        Ok(())
    }
}
