use vouch_platforms::CodeState;

use crate::kit::db::text_enum;

text_enum! {
    /// What a comparison says of a code.
    pub enum SyncStatus {
        /// The store does not have it.
        VouchOnly = "vouch_only", "Only in Vouch";
        /// The store has it, and shoppers cannot use it.
        Off = "off", "Off in the store";
        /// The store has it under other rules.
        Different = "different", "Different rules";
        /// No trigger has it.
        StoreOnly = "store_only", "Only in the store";
        /// Shoppers can use it, and its trigger is retired.
        Retired = "retired", "Retired here";
        /// All is well.
        Both = "both", "In both";
    }
}

impl SyncStatus {
    /// The color of its badge: red if customers can't use the code.
    pub(crate) const fn tone(self) -> &'static str {
        match self {
            Self::VouchOnly | Self::Off => "bad",
            Self::Different | Self::StoreOnly | Self::Retired => "wait",
            Self::Both => "good",
        }
    }
}

text_enum! {
    /// Whether shoppers can use a code in the store.
    pub(crate) enum StoreState {
        /// They can.
        Live = "live", "Live";
        /// Not yet.
        Scheduled = "scheduled", "Not started yet";
        /// No longer.
        Expired = "expired", "Ended or used up";
        /// It was switched off.
        Disabled = "disabled", "Switched off";
    }
}

impl From<CodeState> for StoreState {
    fn from(state: CodeState) -> Self {
        match state {
            CodeState::Live => Self::Live,
            CodeState::Scheduled => Self::Scheduled,
            CodeState::Expired => Self::Expired,
            CodeState::Disabled => Self::Disabled,
        }
    }
}
