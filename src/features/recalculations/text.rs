//! What people read about recalculated orders.

use std::fmt;

use super::RecalculationReason;
use crate::kit::web::numbers::counted;

pub(super) fn recalculating(orders: i64) -> String {
    let verb = if orders == 1 { "is" } else { "are" };
    format!("{} {verb} being recalculated.", counted(orders, "order", "orders"))
}

/// The source of a ledger entry.
impl fmt::Display for RecalculationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::TriggerCreated { trigger } => return write!(f, "{trigger} created"),
            Self::TriggersCreated { by } => return f.write_str(by),
            Self::TriggerRetired { trigger } => return write!(f, "{trigger} retired"),
            Self::TriggerReinstated { trigger } => return write!(f, "{trigger} reinstated"),
            Self::TriggerReassigned { trigger, to } => {
                return write!(f, "{trigger} reassigned to {to}");
            }
            Self::HandoverCanceled { trigger } => {
                return write!(f, "Reassignment of {trigger} canceled");
            }
            Self::AffiliateStatusUndone { by } => {
                return write!(f, "Affiliate status change undone by {by}");
            }
            Self::CodeExcluded { code } => return write!(f, "{code} excluded"),
            Self::CodeNoLongerExcluded { code } => return write!(f, "Exclusion of {code} removed"),
            Self::CodeExcludedAgain { code } => return write!(f, "Exclusion of {code} restored"),
            Self::Earlier { words } => return f.write_str(words),
            Self::AffiliateEmailChanged => "Affiliate email changed",
            Self::PayoutDetailsChanged => "Affiliate payout details changed",
            Self::AffiliateOfferChanged => "Affiliate offer changed",
            Self::AffiliateStatusChanged => "Affiliate status changed",
            Self::OfferTermsChanged => "Offer terms changed",
            Self::CalculationLogicChanged => "Calculation Logic changed",
            Self::ReturnRulesChanged => "Cancellation and refund settings changed",
            Self::CodeKeysChanged => "Rules for comparing codes updated",
            Self::CodesExcluded => "Exclusions imported from CSV",
            Self::ExclusionsEnabled => "Coupon Exclusions turned on",
            Self::ExclusionsDisabled => "Coupon Exclusions turned off",
            Self::Overruled => "Credited anyway by a team member",
            Self::OverrulingTakenBack => "Team member’s credit undone",
            Self::CreditedManually => "Credited manually",
            Self::ManualCreditTakenBack => "Manual credit removed",
        };
        f.write_str(text)
    }
}
