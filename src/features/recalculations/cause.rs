use serde::{Deserialize, Serialize};

/// Why orders are recalculated. It's stored as JSON with the request and in the ledger's entries.
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
