use vouch_platforms::CodeState;

use crate::kit::db::text_enum;

text_enum! {
    /// The result of a sync check for a code.
    pub enum SyncStatus {
        /// Missing in the store.
        VouchOnly = "vouch_only", "Missing in store";
        /// In the store, but customers can't use it.
        Off = "off", "Inactive in store";
        /// In the store with different settings.
        Different = "different", "Different settings";
        /// Only in the store, without a trigger.
        StoreOnly = "store_only", "Only in store";
        /// Customers can use it, but its trigger is retired.
        Retired = "retired", "Retired in Vouch";
        /// In sync.
        Both = "both", "In sync";
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
    /// Whether customers can use a code in the store.
    pub(crate) enum StoreState {
        /// Customers can use it.
        Live = "live", "Active";
        /// It starts later.
        Scheduled = "scheduled", "Scheduled";
        /// It ended, or its uses are used up.
        Expired = "expired", "Expired";
        /// It's disabled.
        Disabled = "disabled", "Inactive";
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
