//! The outcomes of webhook deliveries.

use crate::text_enum;

text_enum! {
    /// What became of a message of a store.
    #[derive(Default)]
    pub enum DeliveryOutcome {
        /// It said something new.
        TakenIn = "taken_in", "Taken in";
        /// A newer report of the order was there already.
        Outdated = "outdated", "Nothing new";
        /// It carries no state of an order.
        #[default]
        Noted = "noted", "Noted";
        /// It names an order, which is still to be read from the store.
        Waiting = "waiting", "Waiting for its order";
        /// It cannot be understood; it is kept, and can be replayed.
        Failed = "failed", "Failed";
    }
}

impl DeliveryOutcome {
    /// The color of the outcome badge.
    pub const fn tone(self) -> &'static str {
        match self {
            Self::TakenIn => "good",
            Self::Outdated | Self::Noted => "off",
            Self::Waiting => "wait",
            Self::Failed => "bad",
        }
    }
}
