use chrono::Duration;

use crate::kit::jobs::{JobKind, Queue};

/// Sends an email. The key is the email's Message-ID.
pub(crate) const SEND_EMAIL: JobKind = JobKind {
    name: "emails",
    first_wait: Duration::minutes(1),
    max_wait: Duration::hours(1),
    max_attempts: 12,
    is_of_instance: true,
};

/// The emails of a merchant, or of the instance (0).
pub(super) fn queue(merchant_id: i64) -> Queue {
    Queue { merchant_id, kind: SEND_EMAIL, store_id: None }
}
