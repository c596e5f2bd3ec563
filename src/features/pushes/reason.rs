use serde::{Deserialize, Serialize};
use vouch_platforms::Reason;

use crate::features::sync_notes::StoreState;

/// Why a push failed, waits, or found the code in the store. `text` renders it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum PushReason {
    Own(OwnReason),
    /// The store's response.
    Store(Reason),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub(crate) enum OwnReason {
    /// Vouch failed to process the response.
    InternalError,
    /// The trigger was retired first.
    Retired,
    /// A member attached the store's own code.
    Attached,
    /// The last attempt failed.
    Stopped { attempts: i32, last: Box<PushReason> },
    /// The store already has the code.
    InStore {
        /// As the store spells it.
        store_code: String,
        state: StoreState,
        /// The customer's discount, as the store describes it.
        discount: String,
    },
}
