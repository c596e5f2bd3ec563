//! The outcomes of webhook deliveries.

use crate::text_enum;

text_enum! {
    /// The outcome of a webhook delivery.
    #[derive(Default)]
    pub enum DeliveryOutcome {
        /// It was processed and changed the order.
        Processed = "processed", "Processed";
        /// A newer report of the order was already stored.
        Outdated = "outdated", "No change";
        /// It was ignored because it doesn't contain an order's state.
        #[default]
        Ignored = "ignored", "Ignored";
        /// It names an order that must be fetched from the store.
        Waiting = "waiting", "Waiting for order";
        /// It couldn't be processed. It's stored and can be replayed.
        Failed = "failed", "Failed";
    }
}

impl DeliveryOutcome {
    /// The color of the outcome badge.
    pub const fn tone(self) -> &'static str {
        match self {
            Self::Processed => "good",
            Self::Outdated | Self::Ignored => "off",
            Self::Waiting => "wait",
            Self::Failed => "bad",
        }
    }
}
