//! The inputs of a decision besides the order: triggers with owners and terms, the merchant's
//! rules, and manual overrides.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::record::Unqualified;
use crate::affiliate::AffiliateStatus;
use crate::money::{Currency, Rate, format_money};
use crate::order::amounts::Basis;
use crate::order::snapshot::PaymentState;
use crate::text_enum;
use crate::trigger::TriggerKind;

/// A trigger that matches the order, for one period of ownership.
///
/// A trigger that was reassigned yields one candidate per owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub trigger_id: i64,
    pub kind: TriggerKind,
    /// As the affiliate or merchant typed it.
    pub value: String,
    /// The normalized value that's compared.
    pub key: String,
    pub trigger_created_at: DateTime<Utc>,
    pub affiliate: CandidateAffiliate,
    pub owned_from: DateTime<Utc>,
    /// The end of the ownership (exclusive); none while it lasts.
    pub owned_until: Option<DateTime<Utc>>,
    pub retired_at: Option<DateTime<Utc>>,
    /// The id of the exclusion that covered orders with this code when the order was placed.
    pub excluded_by: Option<i64>,
    pub terms: Terms,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CandidateAffiliate {
    pub id: i64,
    /// The short affiliate ID that pages show under the name.
    pub public_id: String,
    pub name: String,
    /// All emails known when the order was placed, including those for payouts.
    pub emails: Vec<String>,
    /// The status when the order was placed.
    pub status: AffiliateStatus,
}

/// The offer's terms, as far as an order needs them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    pub offer_id: i64,
    pub offer_name: String,
    pub commission: Commission,
    /// The keys of SKUs whose lines earn nothing.
    pub excluded_skus: Vec<String>,
    /// Whether conversions are approved without a review.
    pub auto_approve: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Commission {
    /// A share of each line's base.
    Percent {
        #[serde(rename = "basis_points")]
        rate: Rate,
    },
    /// Once per order, regardless of its size.
    FlatPerOrder { amount_minor: i64, currency: Currency },
    /// For each item that the customer kept.
    FlatPerItem { amount_minor: i64, currency: Currency },
    /// A kind that this version doesn't know; it pays nothing.
    #[serde(other)]
    Unknown,
}

text_enum! {
    /// How a commission is calculated.
    pub enum CommissionKind {
        Percent = "percent", "Percentage of sale";
        FlatPerOrder = "flat_per_order", "Flat amount per order";
        FlatPerItem = "flat_per_item", "Flat amount per item";
    }
}

/// A commission as columns of `offer_terms`: kind, rate, amount in minor units, currency.
pub type CommissionColumns = (CommissionKind, Option<Rate>, Option<i64>, Option<Currency>);

impl From<Commission> for CommissionColumns {
    fn from(commission: Commission) -> Self {
        match commission {
            Commission::Percent { rate } => (CommissionKind::Percent, Some(rate), None, None),
            Commission::FlatPerOrder { amount_minor, currency } => {
                (CommissionKind::FlatPerOrder, None, Some(amount_minor), Some(currency))
            }
            Commission::FlatPerItem { amount_minor, currency } => {
                (CommissionKind::FlatPerItem, None, Some(amount_minor), Some(currency))
            }
            // An unknown kind is stored as 0 percent, because it doesn't pay anything either.
            Commission::Unknown => Commission::default().into(),
        }
    }
}

impl From<CommissionColumns> for Commission {
    fn from(columns: CommissionColumns) -> Self {
        match columns {
            (CommissionKind::Percent, Some(rate), ..) => Self::Percent { rate },
            (CommissionKind::FlatPerOrder, _, Some(amount_minor), Some(currency)) => {
                Self::FlatPerOrder { amount_minor, currency }
            }
            (CommissionKind::FlatPerItem, _, Some(amount_minor), Some(currency)) => {
                Self::FlatPerItem { amount_minor, currency }
            }
            _ => Self::Unknown,
        }
    }
}

impl Default for Commission {
    fn default() -> Self {
        Self::Percent { rate: Rate::default() }
    }
}

impl Commission {
    /// The currency of a flat amount; none for a percentage.
    pub fn currency(self) -> Option<Currency> {
        match self {
            Self::FlatPerOrder { currency, .. } | Self::FlatPerItem { currency, .. } => {
                Some(currency)
            }
            Self::Percent { .. } | Self::Unknown => None,
        }
    }
}

/// For people: `10% of the sale`, `$5.00 per order`, `$1.00 per item`.
impl fmt::Display for Commission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Percent { rate } => write!(f, "{rate} of the sale"),
            Self::FlatPerOrder { amount_minor, currency } => {
                write!(f, "{} per order", format_money(amount_minor, currency))
            }
            Self::FlatPerItem { amount_minor, currency } => {
                write!(f, "{} per item", format_money(amount_minor, currency))
            }
            Self::Unknown => f.write_str("unknown terms"),
        }
    }
}

/// The merchant's Calculation Logic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CalculationLogic {
    pub precedence: Precedence,
    pub include_tax: bool,
    pub include_shipping: bool,
    pub orders_count_when: OrdersCountWhen,
    /// Whether gift cards and gift certificates that the customer bought earn commission.
    pub gift_cards_earn: bool,
    /// Whether tips earn commission.
    pub tips_earn: bool,
    pub negative_fees: NegativeFees,
    /// Canceled orders keep their commission. This is the store's own setting.
    pub keeps_cancelled: bool,
    /// Refunded orders keep their commission.
    pub keeps_refunded: bool,
}

impl CalculationLogic {
    /// The rules of a new merchant. [`CalculationLogic::default`] is for decisions stored before orders could
    /// count only once paid.
    pub fn of_new_merchant() -> Self {
        Self { orders_count_when: OrdersCountWhen::Paid, ..Self::default() }
    }

    /// How the state of the payment affects the commission.
    pub(super) fn payment(self, payment: PaymentState) -> Paid {
        if self.orders_count_when == OrdersCountWhen::Placed {
            return Paid::Counts;
        }
        match payment {
            PaymentState::Paid | PaymentState::PartiallyRefunded | PaymentState::Refunded => {
                Paid::Counts
            }
            PaymentState::Expired => Paid::Never(Unqualified::PaymentExpired),
            PaymentState::Voided => Paid::Never(Unqualified::PaymentVoided),
            PaymentState::Pending
            | PaymentState::Authorized
            | PaymentState::PartiallyPaid
            | PaymentState::Unknown => Paid::NotYet,
        }
    }

    pub fn basis(self) -> Basis {
        Basis {
            include_tax: self.include_tax,
            include_shipping: self.include_shipping,
            negative_fees_lower: self.negative_fees == NegativeFees::Discount,
        }
    }
}

/// How the payment of an order affects its commission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paid {
    Counts,
    /// No conversion is approved automatically until the order is paid.
    NotYet,
    /// Every credit of the order is unqualified until a later payment arrives.
    Never(Unqualified),
}

text_enum! {
    /// Which of several affiliates' codes on one order wins.
    #[derive(Default)]
    pub enum Precedence {
        /// The one that the store lists first.
        #[default]
        FirstOnOrder = "first_on_order", "The first code on the order";
        /// The one with the largest discount.
        LargestDiscount = "largest_discount", "The code with the largest discount";
        /// The one with the oldest trigger.
        OldestTrigger = "oldest_trigger", "The oldest trigger";
    }
}

text_enum! {
    /// When an order starts to count.
    #[derive(Default)]
    pub enum OrdersCountWhen {
        /// When the store reports it as paid.
        Paid = "paid", "When they’re paid";
        /// When it's placed, whatever its payment status.
        #[default]
        Placed = "placed", "When they’re placed";
    }
}

text_enum! {
    /// How a negative fee of a WooCommerce order is treated.
    #[derive(Default)]
    pub enum NegativeFees {
        /// A payment method, which doesn't change the commission base.
        #[default]
        GiftCard = "gift_card", "A gift card or other payment method";
        /// A discount, which lowers the commission base like a coupon.
        Discount = "discount", "A discount";
    }
}

/// What a merchant decided manually about this order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Overrides {
    /// The order was credited manually; this comes before everything else.
    pub manual: Option<ManualCredit>,
    /// The ids of affiliates whose Unqualified conversion of this order a merchant overruled.
    pub overruled: BTreeSet<i64>,
}

/// A credit that a merchant gave manually.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManualCredit {
    pub affiliate: CandidateAffiliate,
    pub terms: Terms,
    /// The name of the user who gave the credit.
    pub credited_by: String,
    pub at: DateTime<Utc>,
    pub note: String,
}
