use std::time::Instant;

use tokio::sync::oneshot;

use super::super::intake::{IncomingDelivery, IngestOutcome};
use crate::kit::db::Pool;
use crate::kit::error::AppResult;
use crate::kit::pseudonyms::Pseudonyms;
use vouch_core::order::snapshot::StoreEvent;
use vouch_platforms::PayloadError;

/// The parsed event, or why it can't be parsed.
pub(crate) type ParsedEvent = Result<StoreEvent, PayloadError>;

/// The maximum number of deliveries that share a commit.
pub(super) const BATCH: usize = 64;

/// The resources of a thread that writes.
#[derive(Clone)]
pub(super) struct Writer {
    pub(super) pool: Pool,
    pub(super) pseudonyms: Pseudonyms,
}

pub(super) struct QueuedDelivery {
    pub(super) incoming: IncomingDelivery,
    pub(super) parsed: ParsedEvent,
    pub(super) deadline: Instant,
    pub(super) answer: oneshot::Sender<AppResult<IngestOutcome>>,
}

impl QueuedDelivery {
    pub(super) fn answer(self, outcome: AppResult<IngestOutcome>) {
        // The request may have ended, but the delivery stays stored.
        let _ = self.answer.send(outcome);
    }
}
