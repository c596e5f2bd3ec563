//! The readable record of why an order was credited to whom, or to nobody.
//!
//! Stored as JSON on the order and read by every later version: whatever is missing has a default,
//! and a word that is not known is read as Unknown.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::input::{Commission, Precedence, Rules};
use super::ledger::Components;
use crate::affiliate::AffiliateStatus;
use crate::money::Currency;
use crate::order::state::Undone;
use crate::trigger::TriggerKind;

/// Who is credited for an order, with how much, and why.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Attribution {
    /// The currency of every amount below; none while the store has not reported the order itself.
    pub currency: Option<Currency>,
    /// The Calculation Logic that was applied.
    pub rules: Rules,
    /// Set if the sale came to nothing as a whole.
    pub undone: Option<Undone>,
    /// Every trigger that matched, coupon codes first, each with what became of it.
    pub outcomes: Vec<CandidateOutcome>,
    /// The conversions of this order: the winner's first, then royalties. At most one an affiliate.
    pub credits: Vec<Credit>,
    /// Codes on the order that no affiliate held.
    pub other_codes: Vec<String>,
}

/// A trigger that matched the order, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CandidateOutcome {
    pub trigger_id: i64,
    pub kind: Option<TriggerKind>,
    pub value: String,
    pub affiliate: AffiliateName,
    /// What this code took off the order; 0 for other kinds.
    pub discount_minor: i64,
    pub verdict: CandidateResult,
}

/// An affiliate as a decision names it: the name at that time.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AffiliateName {
    pub id: i64,
    pub public_id: String,
    pub name: String,
}

/// What became of a candidate.
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
    /// Made a conversion that earns nothing.
    Unqualified {
        reason: Unqualified,
    },
    #[default]
    #[serde(other)]
    Unknown,
}

/// Why a candidate was not credited.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum LostReason {
    /// Belonged to this affiliate only after the order was placed.
    NotYetOwned {
        from: DateTime<Utc>,
    },
    /// Belonged to somebody else already.
    NoLongerOwned {
        until: DateTime<Utc>,
    },
    Retired {
        at: DateTime<Utc>,
    },
    /// The order, as reported now, does not carry it any more.
    NotOnOrder,
    CreditedByHand {
        to: String,
        by: String,
        at: DateTime<Utc>,
    },
    /// A coupon code comes before a customer e-mail address.
    CouponComesFirst {
        winner: Winner,
    },
    /// Another code came first.
    Outranked {
        winner: Winner,
        by: Advantage,
        rule: Precedence,
    },
    /// Could not be credited in any case, and somebody else could.
    Ineligible {
        reason: Unqualified,
        winner: Winner,
    },
    /// An affiliate is credited once for an order, and is already.
    CreditedAlready {
        through: String,
    },
    #[default]
    #[serde(other)]
    Unknown,
}

/// Who a candidate lost to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Winner {
    pub value: String,
    pub affiliate: String,
}

/// What the winner had before another candidate: the merchant's rule, or what decides its ties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Advantage {
    EarlierOnOrder,
    LargerDiscount,
    OlderTrigger,
    /// Alike in everything else, and entered first.
    #[default]
    #[serde(other)]
    EnteredFirst,
}

/// Why a conversion earns nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Unqualified {
    TestOrder,
    /// The affiliate was not Active when the order was placed.
    InactiveAffiliate {
        status: AffiliateStatus,
    },
    /// The customer is the affiliate.
    OwnPurchase,
    /// The code was under an exclusion that covers orders.
    ExcludedCode {
        exclusion_id: i64,
    },
    /// A flat amount in another currency than the order's; there is nothing to convert it with.
    OtherCurrency {
        terms: Currency,
        order: Currency,
    },
    /// The order counts once it's paid, and the bank's promise to pay ran out.
    PaymentExpired,
    /// The order counts once it's paid, and the payment was called off.
    PaymentVoided,
    #[default]
    #[serde(other)]
    Unknown,
}

impl Unqualified {
    /// Whether a merchant can credit the order all the same.
    pub fn can_be_overruled(self) -> bool {
        match self {
            Self::TestOrder
            | Self::InactiveAffiliate { .. }
            | Self::OwnPurchase
            | Self::ExcludedCode { .. } => true,
            Self::OtherCurrency { .. }
            | Self::PaymentExpired
            | Self::PaymentVoided
            | Self::Unknown => false,
        }
    }
}

/// One affiliate's credit for the order: what its conversion should be now.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Credit {
    pub affiliate: AffiliateName,
    /// None if the order was credited by hand.
    pub trigger_id: Option<i64>,
    /// The code, address or SKU as its owner typed it; empty if credited by hand.
    pub value: String,
    pub offer_id: i64,
    pub offer_name: String,
    pub via: CreditKind,
    /// Why it earns nothing; none if it is qualified.
    pub unqualified: Option<Unqualified>,
    /// A reason to earn nothing that a merchant overruled.
    pub overruled: Option<Unqualified>,
    pub auto_approve: bool,
    /// The order counts once it's paid, and isn't yet.
    pub not_paid_yet: bool,
    /// What the offer pays.
    pub rate: Commission,
    /// What is left of what was paid for the lines that earn; 0 if the sale came to nothing.
    pub revenue_minor: i64,
    /// What was paid for the lines that earn, before refunds.
    pub gross_minor: i64,
    /// What of it was given back or taken off the order.
    pub refunded_minor: i64,
    /// What the credited code took off the order; 0 for other kinds.
    pub discount_minor: i64,
    /// Of a royalty: how much of `revenue_minor` the order's main credit has too.
    pub shared_revenue_minor: i64,
    /// The same of `refunded_minor`.
    pub shared_refunded_minor: i64,
    /// What the ledger should hold; all zero while the conversion is Unqualified.
    pub commission: Components,
    /// The same as if it were qualified.
    pub would_be: Components,
    /// Every line the credit reaches. Their commissions add up to `would_be` before cancellation.
    pub lines: Vec<LineCommission>,
}

impl Credit {
    pub fn is_qualified(&self) -> bool {
        self.unqualified.is_none()
    }
}

/// How an affiliate came to a credit.
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

/// How much one line of the order earns.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LineCommission {
    /// The store's id of the line; empty for shipping.
    pub line_ref: String,
    pub title: String,
    pub sku: Option<String>,
    pub quantity: i64,
    /// How many of them the customer kept.
    pub remaining: i64,
    /// What the customer paid, before refunds.
    pub base_minor: i64,
    pub refunded_minor: i64,
    /// What the line earns now, refunds counted.
    pub commission_minor: i64,
    pub note: Option<LineNote>,
}

/// What is special about a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineNote {
    /// The offer pays nothing for this SKU.
    ExcludedSku,
    /// Shipping, which the merchant's Calculation Logic counts.
    Shipping,
    /// A line of shipping, which it doesn't count.
    ShippingLeftOut,
    /// Gift cards earn nothing by it.
    GiftCard,
    /// Tips don't.
    Tip,
    /// Fees never earn.
    Fee,
    #[default]
    #[serde(other)]
    Unknown,
}

impl LineNote {
    pub fn earns_nothing(self) -> bool {
        match self {
            Self::ExcludedSku | Self::ShippingLeftOut | Self::GiftCard | Self::Tip | Self::Fee => {
                true
            }
            Self::Shipping | Self::Unknown => false,
        }
    }
}

/// Whether what came after the sale takes its commission back. A cancelled order's stays where the
/// store is set so; an order that is gone from the store earns nothing.
pub(super) fn takes_back(undone: Option<Undone>, rules: &Rules) -> bool {
    match undone {
        None => false,
        Some(Undone::Cancelled { .. } | Undone::Voided) => !rules.keeps_cancelled,
        Some(Undone::Deleted { .. } | Undone::Unknown) => true,
    }
}

impl Attribution {
    /// Whether what came after the sale takes its commission back.
    pub fn takes_back(&self) -> bool {
        takes_back(self.undone, &self.rules)
    }
}
