use std::time::Instant;

use tokio::sync::oneshot;

use super::super::intake::{IncomingDelivery, Outcome};
use crate::kit::db::Pool;
use crate::kit::error::AppResult;
use crate::kit::pseudonyms::Pseudonyms;
use vouch_core::order::snapshot::StoreEvent;

/// What a message says, or why it cannot be understood.
pub(crate) type ParsedEvent = Result<StoreEvent, String>;

/// As many deliveries share a commit at the most.
pub(super) const BATCH: usize = 64;

/// What a thread that writes needs.
#[derive(Clone)]
pub(super) struct Writer {
    pub(super) pool: Pool,
    pub(super) pseudonyms: Pseudonyms,
}

pub(super) struct Job {
    pub(super) incoming: IncomingDelivery,
    pub(super) parsed: ParsedEvent,
    pub(super) deadline: Instant,
    pub(super) answer: oneshot::Sender<AppResult<Outcome>>,
}

impl Job {
    pub(super) fn answer(self, outcome: AppResult<Outcome>) {
        // Nobody may be listening any more; the delivery is kept nevertheless.
        let _ = self.answer.send(outcome);
    }
}
