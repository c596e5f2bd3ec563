use serde::{Deserialize, Serialize};

/// Why orders are recalculated. It's stored as JSON with the request, and as text in the ledger's
/// entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum RecalculationReason {
    /// In all variants, `trigger` contains the kind and the value: `Coupon Code JANE10`.
    TriggerCreated {
        trigger: String,
    },
    TriggersCreated {
        by: String,
    },
    TriggerRetired {
        trigger: String,
    },
    TriggerReinstated {
        trigger: String,
    },
    TriggerReassigned {
        trigger: String,
        to: String,
    },
    HandoverCanceled {
        trigger: String,
    },
    AffiliateEmailChanged,
    AffiliateOfferChanged,
    AffiliateStatusChanged,
    PayoutDetailsChanged,
    AffiliateStatusUndone {
        by: String,
    },
    OfferTermsChanged,
    CalculationLogicChanged,
    ReturnRulesChanged,
    CodeExcluded {
        code: String,
    },
    CodesExcluded,
    CodeKeysChanged,
    CodeNoLongerExcluded {
        code: String,
    },
    CodeExcludedAgain {
        code: String,
    },
    ExclusionsEnabled,
    ExclusionsDisabled,
    Overruled,
    OverrulingTakenBack,
    CreditedManually,
    ManualCreditTakenBack,
    /// Requested by an earlier version, which stored text.
    Earlier {
        words: String,
    },
}

impl RecalculationReason {
    /// The text for the ledger.
    pub(crate) fn words(&self) -> String {
        let words = match self {
            Self::TriggerCreated { trigger } => return format!("{trigger} was created"),
            Self::TriggersCreated { by } => return by.clone(),
            Self::TriggerRetired { trigger } => return format!("{trigger} was retired"),
            Self::TriggerReinstated { trigger } => return format!("{trigger} was reinstated"),
            Self::TriggerReassigned { trigger, to } => {
                return format!("{trigger} was reassigned to {to}");
            }
            Self::HandoverCanceled { trigger } => {
                return format!("The reassignment of {trigger} was canceled");
            }
            Self::AffiliateStatusUndone { by } => {
                return format!("{by} took back a change of the affiliate’s status");
            }
            Self::CodeExcluded { code } => return format!("{code} was excluded"),
            Self::CodeNoLongerExcluded { code } => return format!("{code} is no longer excluded"),
            Self::CodeExcludedAgain { code } => return format!("{code} is excluded again"),
            Self::Earlier { words } => return words.clone(),
            Self::AffiliateEmailChanged => "The affiliate’s email address changed",
            Self::PayoutDetailsChanged => "The affiliate’s payout details changed",
            Self::AffiliateOfferChanged => "The affiliate’s offer changed",
            Self::AffiliateStatusChanged => "The affiliate’s status changed",
            Self::OfferTermsChanged => "The offer’s terms changed",
            Self::CalculationLogicChanged => "The Calculation Logic changed",
            Self::ReturnRulesChanged => "What cancellations and refunds do was changed",
            Self::CodeKeysChanged => "Codes are compared by newer rules",
            Self::CodesExcluded => "Codes were excluded from a CSV file",
            Self::ExclusionsEnabled => "Coupon Exclusions were enabled",
            Self::ExclusionsDisabled => "Coupon Exclusions were disabled",
            Self::Overruled => "A member overruled what stood against it",
            Self::OverrulingTakenBack => "A member took an overruling back",
            Self::CreditedManually => "Credited manually",
            Self::ManualCreditTakenBack => "Manual credit taken back",
        };
        words.to_owned()
    }
}
