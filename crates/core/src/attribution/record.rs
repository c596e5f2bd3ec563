//! The readable record of an attribution: who was credited for an order, or why no one was.
//!
//! It's stored as JSON on the order and must be readable by every later version. Missing fields get
//! defaults, and unknown names become Unknown.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::input::{CalculationLogic, Commission, Precedence};
use super::ledger::Components;
use crate::affiliate::AffiliateStatus;
use crate::conversion::UnqualifiedReason;
use crate::money::Currency;
use crate::order::state::Undone;
use crate::trigger::TriggerKind;

/// Which affiliates are credited for an order, how much they earn, and why.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Attribution {
    /// The currency of every amount below; none until the store reports the order itself.
    pub currency: Option<Currency>,
    /// The Calculation Logic that was applied.
    pub rules: CalculationLogic,
    /// Set if the whole sale was canceled, deleted or voided.
    pub undone: Option<Undone>,
    /// Every trigger that matched, coupon codes first, each with its result.
    pub outcomes: Vec<CandidateOutcome>,
    /// The conversions of this order: the winner's first, then royalties. At most one per
    /// affiliate.
    pub credits: Vec<Credit>,
    /// Codes on the order that didn't belong to any affiliate.
    pub other_codes: Vec<String>,
}

/// A trigger that matched the order, and its result.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CandidateOutcome {
    pub trigger_id: i64,
    pub kind: Option<TriggerKind>,
    pub value: String,
    pub affiliate: AffiliateName,
    /// The discount of this code; 0 for other kinds.
    pub discount_minor: i64,
    #[serde(rename = "verdict")]
    pub result: CandidateResult,
}

/// An affiliate with the name it had at the time of the decision.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AffiliateName {
    pub id: i64,
    pub public_id: String,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum CandidateResult {
    /// Its affiliate is credited with the order.
    Won,
    /// Its affiliate is credited with the lines of its SKU.
    Royalty,
    Lost {
        reason: LostReason,
    },
    /// It created a conversion that earns nothing.
    Unqualified {
        reason: Unqualified,
    },
    #[default]
    #[serde(other)]
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum LostReason {
    /// The affiliate became its owner after the order was placed.
    NotYetOwned {
        from: DateTime<Utc>,
    },
    /// The affiliate was no longer its owner when the order was placed.
    NoLongerOwned {
        until: DateTime<Utc>,
    },
    Retired {
        at: DateTime<Utc>,
    },
    /// The newest report of the order doesn't contain it.
    NotOnOrder,
    #[serde(rename = "credited_by_hand")]
    CreditedManually {
        to: String,
        by: String,
        at: DateTime<Utc>,
    },
    /// A coupon code comes before a customer email.
    CouponComesFirst {
        winner: Winner,
    },
    /// Another code ranked higher.
    Outranked {
        winner: Winner,
        by: Advantage,
        rule: Precedence,
    },
    /// It couldn't be credited, and another candidate could.
    Ineligible {
        reason: Unqualified,
        winner: Winner,
    },
    /// An affiliate is credited once per order, and already is.
    CreditedAlready {
        through: String,
    },
    #[default]
    #[serde(other)]
    Unknown,
}

/// The candidate that won.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Winner {
    pub value: String,
    pub affiliate: String,
}

/// Why the winner ranked higher: the merchant's rule, or a tie-breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Advantage {
    EarlierOnOrder,
    LargerDiscount,
    OlderTrigger,
    /// Equal in everything else, but created first.
    #[default]
    #[serde(other)]
    EnteredFirst,
}

/// Why a conversion earns nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Unqualified {
    TestOrder,
    /// The affiliate wasn't Active when the order was placed.
    InactiveAffiliate {
        status: AffiliateStatus,
    },
    /// The customer is the affiliate.
    OwnPurchase,
    /// An exclusion that covers orders included the code.
    ExcludedCode {
        exclusion_id: i64,
    },
    /// The flat amount is in another currency than the order, and Vouch has no exchange rates.
    OtherCurrency {
        terms: Currency,
        order: Currency,
    },
    /// The order counts once it's paid, and the payment authorization expired.
    PaymentExpired,
    /// The order counts once it's paid, and the payment was voided.
    PaymentVoided,
    #[default]
    #[serde(other)]
    Unknown,
}

impl Unqualified {
    /// The reason without its details.
    pub fn code(self) -> UnqualifiedReason {
        match self {
            Self::TestOrder => UnqualifiedReason::TestOrder,
            Self::InactiveAffiliate { .. } => UnqualifiedReason::InactiveAffiliate,
            Self::OwnPurchase => UnqualifiedReason::OwnPurchase,
            Self::ExcludedCode { .. } => UnqualifiedReason::ExcludedCode,
            Self::OtherCurrency { .. } => UnqualifiedReason::OtherCurrency,
            Self::PaymentExpired => UnqualifiedReason::PaymentExpired,
            Self::PaymentVoided => UnqualifiedReason::PaymentVoided,
            Self::Unknown => UnqualifiedReason::Unknown,
        }
    }

    /// Whether a merchant can credit the order anyway.
    pub fn can_be_overruled(self) -> bool {
        self.code().can_be_overruled()
    }
}

/// One affiliate's credit for the order: the conversion that it should have now.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Credit {
    pub affiliate: AffiliateName,
    /// None if the order was credited manually.
    pub trigger_id: Option<i64>,
    /// The code, email or SKU as its owner typed it; empty for a manual credit.
    pub value: String,
    pub offer_id: i64,
    pub offer_name: String,
    pub via: CreditKind,
    /// Why it earns nothing; none if it's qualified.
    pub unqualified: Option<Unqualified>,
    /// The reason to earn nothing that a merchant overruled.
    pub overruled: Option<Unqualified>,
    pub auto_approve: bool,
    /// The order counts once it's paid, and it isn't paid yet.
    pub not_paid_yet: bool,
    pub rate: Commission,
    /// What the customer paid for the lines that earn, after refunds; 0 if the whole sale was
    /// undone.
    pub revenue_minor: i64,
    /// What the customer paid for the lines that earn, before refunds.
    pub gross_minor: i64,
    /// The part of `gross_minor` that was refunded or removed from the order.
    pub refunded_minor: i64,
    /// The discount of the credited code; 0 for other kinds.
    pub discount_minor: i64,
    /// For a royalty: the part of `revenue_minor` that the order's main credit also contains.
    pub shared_revenue_minor: i64,
    /// For a royalty: the part of `refunded_minor` that the order's main credit also contains.
    pub shared_refunded_minor: i64,
    /// The target of the ledger; all zero while the conversion is Unqualified.
    pub commission: Components,
    /// The same amounts as if the conversion were qualified.
    pub would_be: Components,
    /// Every line that the credit covers. Their commissions add up to `would_be` before
    /// cancellation.
    pub lines: Vec<LineCommission>,
}

impl Credit {
    pub fn is_qualified(&self) -> bool {
        self.unqualified.is_none()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CreditKind {
    Coupon,
    Email,
    Sku,
    Manual,
    #[default]
    #[serde(other)]
    Unknown,
}

impl From<TriggerKind> for CreditKind {
    fn from(kind: TriggerKind) -> Self {
        match kind {
            TriggerKind::CouponCode => Self::Coupon,
            TriggerKind::CustomerEmail => Self::Email,
            TriggerKind::Sku => Self::Sku,
        }
    }
}

/// The commission of one line of the order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LineCommission {
    /// The store's id of the line; empty for shipping.
    pub line_ref: String,
    pub title: String,
    pub sku: Option<String>,
    pub quantity: i64,
    /// The number of items that the customer kept.
    pub remaining: i64,
    /// What the customer paid, before refunds.
    pub base_minor: i64,
    pub refunded_minor: i64,
    /// The current commission, after refunds.
    pub commission_minor: i64,
    pub note: Option<LineNote>,
}

/// Why a line earns differently from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineNote {
    /// The offer pays nothing for this SKU.
    ExcludedSku,
    /// Shipping that the merchant's Calculation Logic counts.
    Shipping,
    /// Shipping that the merchant's Calculation Logic doesn't count.
    ShippingLeftOut,
    /// A gift card that the Calculation Logic doesn't count.
    GiftCard,
    /// A tip that the Calculation Logic doesn't count.
    Tip,
    /// Fees never earn.
    Fee,
    #[default]
    #[serde(other)]
    Unknown,
}

impl LineNote {
    /// The code, as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ExcludedSku => "excluded_sku",
            Self::Shipping => "shipping",
            Self::ShippingLeftOut => "shipping_left_out",
            Self::GiftCard => "gift_card",
            Self::Tip => "tip",
            Self::Fee => "fee",
            Self::Unknown => "unknown",
        }
    }

    pub fn earns_nothing(self) -> bool {
        match self {
            Self::ExcludedSku | Self::ShippingLeftOut | Self::GiftCard | Self::Tip | Self::Fee => {
                true
            }
            Self::Shipping | Self::Unknown => false,
        }
    }
}

/// Whether an undone sale loses its commission. The merchant's rules can keep the commission of
/// canceled orders; an order that the store deleted always loses it.
pub(super) fn takes_back(undone: Option<Undone>, rules: &CalculationLogic) -> bool {
    match undone {
        None => false,
        Some(Undone::Cancelled { .. } | Undone::Voided) => !rules.keeps_cancelled,
        Some(Undone::Deleted { .. } | Undone::Unknown) => true,
    }
}

impl Attribution {
    /// How many triggers match the order. An edit can remove a code from it.
    pub fn matched(&self) -> usize {
        let is_gone = |outcome: &&CandidateOutcome| {
            matches!(outcome.result, CandidateResult::Lost { reason: LostReason::NotOnOrder })
        };
        self.outcomes.len() - self.outcomes.iter().filter(is_gone).count()
    }

    /// Whether this order's commission is reversed because the sale was undone.
    pub fn takes_back(&self) -> bool {
        takes_back(self.undone, &self.rules)
    }
}
