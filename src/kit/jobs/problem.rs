//! Why a queue rests, as its row stores it.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Why a queue rests: `R` has the reasons of its feature, as a code with parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum QueueProblem<R = Value> {
    /// Vouch failed. The log has the details.
    Internal,
    /// The database was away or busy.
    DatabaseUnavailable,
    #[serde(untagged)]
    Other(R),
}

impl QueueProblem {
    /// A reason of the feature, which must serialize as a code with parameters.
    pub(crate) fn of(reason: &impl Serialize) -> Self {
        serde_json::to_value(reason).map_or(Self::Internal, Self::Other)
    }
}

impl<R: fmt::Display> fmt::Display for QueueProblem<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Internal => f.write_str("Vouch hit an internal error. The log has the details."),
            Self::DatabaseUnavailable => f.write_str("Vouch’s database didn’t answer in time."),
            Self::Other(reason) => reason.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "code", rename_all = "snake_case")]
    enum Reason {
        Throttled { seconds: u32 },
    }

    #[test]
    fn what_the_kit_stores_is_read_with_the_reasons_of_a_feature() {
        let reason = Reason::Throttled { seconds: 7 };
        for (stored, read) in [
            (QueueProblem::Internal, QueueProblem::Internal),
            (QueueProblem::of(&reason), QueueProblem::Other(reason)),
        ] {
            let json = serde_json::to_value(stored).unwrap();
            assert_eq!(serde_json::from_value::<QueueProblem<Reason>>(json).unwrap(), read);
        }
    }
}
