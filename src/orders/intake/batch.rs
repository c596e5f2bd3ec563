use diesel::prelude::*;

use super::rules::Settings;
use crate::figures::Changes;

/// What the messages of one merchant share that are taken in within one transaction.
pub struct Batch {
    pub(super) merchant_id: i64,
    pub(super) changes: Changes,
    settings: Option<Settings>,
}

impl Batch {
    /// Nothing taken in yet.
    pub fn of(merchant_id: i64) -> Self {
        Self { merchant_id, changes: Changes::of(merchant_id), settings: None }
    }

    pub(super) fn settings(&mut self, conn: &mut PgConnection) -> QueryResult<&Settings> {
        let settings = match self.settings.take() {
            Some(settings) => settings,
            None => Settings::read(conn, self.merchant_id)?,
        };
        Ok(self.settings.insert(settings))
    }

    /// Writes the figures: at the end of the transaction, since their rows are hot.
    ///
    /// # Errors
    /// The database's.
    pub fn finish(self, conn: &mut PgConnection) -> QueryResult<()> {
        self.changes.write(conn)
    }
}
