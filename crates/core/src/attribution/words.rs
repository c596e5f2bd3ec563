//! Describes a decision in sentences for merchants.

use std::fmt;

use super::input::{Commission, Precedence};
use super::record::{
    Advantage, Attribution, CandidateOutcome, CandidateResult, Credit, CreditKind, LineCommission,
    LineNote, LostReason, Unqualified, Winner,
};
use crate::calendar::Calendar;
use crate::money::{Currency, format_money};
use crate::order::state::Undone;
use crate::trigger::TriggerKind;

impl Attribution {
    /// The decision in a few sentences: who is credited and why, or why no one is.
    pub fn sentences(&self, calendar: Calendar) -> Vec<String> {
        let Some(currency) = self.currency else {
            return vec![
                "The store has sent a message about this order, but not yet the order itself."
                    .to_owned(),
            ];
        };
        let mut sentences: Vec<String> =
            self.credits.iter().map(|credit| credit.sentence(currency)).collect();
        if self.credits.is_empty() {
            sentences.push(self.nobody());
        }
        if !self.other_codes.is_empty() {
            let codes = self.other_codes.join(", ");
            sentences.push(match self.other_codes.len() {
                1 => format!("The code {codes} on this order is no affiliate’s."),
                _ => format!("The codes {codes} on this order are no affiliate’s."),
            });
        }
        let waits = |credit: &Credit| credit.is_qualified() && credit.not_paid_yet;
        if self.credits.iter().any(waits) {
            sentences.push(
                "This order isn’t paid yet. It counts once the store says that it’s paid."
                    .to_owned(),
            );
        }
        let given_back = |credit: &Credit| credit.is_qualified() && credit.refunded_minor > 0;
        let keeps = self.rules.keeps_refunded && !self.takes_back();
        if keeps && self.credits.iter().any(given_back) {
            sentences.push(
                "Money was given back, or something was taken off the order: by your settings for \
                 the store, commission stays as it was."
                    .to_owned(),
            );
        }
        sentences.extend(self.undone.map(|undone| match undone {
            Undone::Cancelled { at } if !self.takes_back() => format!(
                "The order was cancelled on {}: by your settings for the store, commission stays as it was.",
                calendar.moment(at)
            ),
            Undone::Voided if !self.takes_back() => {
                "The payment was voided: by your settings for the store, commission stays as it was."
                    .to_owned()
            }
            Undone::Cancelled { at } => {
                format!("The order was cancelled on {}: no commission is left.", calendar.moment(at))
            }
            Undone::Deleted { at } => format!(
                "The order was deleted in the store on {}: no commission is left.",
                calendar.moment(at)
            ),
            Undone::Voided => "The payment was voided: no commission is left.".to_owned(),
            Undone::Unknown => "The sale came to nothing: no commission is left.".to_owned(),
        }));
        sentences
    }

    fn nobody(&self) -> String {
        let is_gone = |outcome: &CandidateOutcome| {
            matches!(outcome.result, CandidateResult::Lost { reason: LostReason::NotOnOrder })
        };
        if self.outcomes.iter().all(is_gone) {
            "Nobody is credited: no affiliate has a coupon code, customer e-mail or SKU that is on \
             this order."
                .to_owned()
        } else {
            "Nobody is credited: no trigger on this order was in force when it was placed."
                .to_owned()
        }
    }
}

impl Credit {
    /// Who is credited and how much, in one sentence.
    pub fn sentence(&self, currency: Currency) -> String {
        let name = &self.affiliate.name;
        let value = &self.value;
        let because = match self.via {
            CreditKind::Coupon => format!("for the coupon code {value}"),
            CreditKind::Email => format!("for the customer e-mail {value}"),
            CreditKind::Sku => format!("for the SKU {value}, on its own lines"),
            CreditKind::Manual => "by hand".to_owned(),
            CreditKind::Unknown => "for this order".to_owned(),
        };
        match (self.unqualified, self.overruled) {
            (Some(reason), _) => format!(
                "{name} would be credited {because}, but earns nothing: {reason}. Otherwise it \
                 would be {}.",
                format_money(self.would_be.total(), currency)
            ),
            (None, Some(reason)) => format!(
                "{name} is credited with {} {because}, although {reason}: a member of the program \
                 decided so.",
                format_money(self.commission.total(), currency)
            ),
            (None, None) => format!(
                "{name} is credited with {} {because}.",
                format_money(self.commission.total(), currency)
            ),
        }
    }
}

impl CandidateOutcome {
    /// The result of this trigger in one sentence.
    pub fn sentence(&self, calendar: Calendar) -> String {
        let kind = self.kind.map_or("Trigger", TriggerKind::label);
        let (value, name) = (&self.value, &self.affiliate.name);
        match &self.result {
            CandidateResult::Won => format!("{kind} {value} credits {name} with this order."),
            CandidateResult::Royalty => {
                format!("{kind} {value} credits {name} with the lines of this SKU.")
            }
            CandidateResult::Lost { reason } => {
                format!("{kind} {value} of {name} does not count: {}.", reason.words(calendar))
            }
            CandidateResult::Unqualified { reason } => {
                format!("{kind} {value} belongs to {name}, who earns nothing: {reason}.")
            }
            CandidateResult::Unknown => format!("{kind} {value} of {name} was not decided upon."),
        }
    }
}

impl LostReason {
    /// The reason as the end of a sentence.
    pub fn words(&self, calendar: Calendar) -> String {
        match self {
            Self::NotYetOwned { from } => {
                format!(
                    "it was theirs only from {}, after the order was placed",
                    calendar.moment(*from)
                )
            }
            Self::NoLongerOwned { until } => format!(
                "it was theirs only until {}, before the order was placed",
                calendar.moment(*until)
            ),
            Self::Retired { at } => {
                format!("it was retired on {}, before the order was placed", calendar.moment(*at))
            }
            Self::NotOnOrder => "the order, as the store reports it now, does not carry it".into(),
            Self::CreditedManually { to, by, at } => {
                format!("{by} credited this order to {to} by hand on {}", calendar.moment(*at))
            }
            Self::CouponComesFirst { winner } => {
                format!(
                    "a coupon code comes before a customer e-mail, and the order carries {winner}"
                )
            }
            Self::Outranked { winner, by, rule } => outranked(winner, *by, *rule),
            Self::Ineligible { reason, winner } => {
                format!("it would earn nothing ({reason}), and {winner} can be credited")
            }
            Self::CreditedAlready { through } => format!(
                "an affiliate is credited once for an order, and this one is already, through \
                 {through}"
            ),
            Self::Unknown => "another came first".into(),
        }
    }
}

fn outranked(winner: &Winner, by: Advantage, rule: Precedence) -> String {
    let ahead = match by {
        Advantage::EarlierOnOrder => "stands earlier on the order",
        Advantage::LargerDiscount => "took more off the order",
        Advantage::OlderTrigger => "is the older trigger",
        Advantage::EnteredFirst => "was entered first",
    };
    let by_the_rule = matches!(
        (by, rule),
        (Advantage::EarlierOnOrder, Precedence::FirstOnOrder)
            | (Advantage::LargerDiscount, Precedence::LargestDiscount)
            | (Advantage::OlderTrigger, Precedence::OldestTrigger)
    );
    if by_the_rule {
        format!("{winner} {ahead}")
    } else {
        let alike = match rule {
            Precedence::FirstOnOrder => "both stand at the same place on the order",
            Precedence::LargestDiscount => "both took the same amount off the order",
            Precedence::OldestTrigger => "both triggers are of the same age",
        };
        format!("{alike}, and {winner} {ahead}")
    }
}

impl fmt::Display for Winner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.value, self.affiliate)
    }
}

/// The reason as the end of a sentence.
impl fmt::Display for Unqualified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TestOrder => f.write_str("this is a test order"),
            Self::InactiveAffiliate { status } => {
                write!(f, "the affiliate was {status} when the order was placed")
            }
            Self::OwnPurchase => f.write_str("the customer is the affiliate"),
            Self::ExcludedCode { .. } => {
                f.write_str("a coupon exclusion covers orders with this code")
            }
            Self::OtherCurrency { terms, order } => {
                write!(f, "the offer pays a flat amount in {terms}, and the order is in {order}")
            }
            Self::PaymentExpired => f.write_str("the payment expired before the order was paid"),
            Self::PaymentVoided => f.write_str("the payment was voided"),
            Self::Unknown => f.write_str("it does not qualify"),
        }
    }
}

impl LineCommission {
    fn given_back(&self) -> bool {
        self.base_minor > 0 && self.refunded_minor == self.base_minor
    }

    /// How the line's commission was computed: `10% of $29.10 is $2.91.`
    pub fn sentence(&self, rate: Commission, currency: Currency) -> String {
        let money = |minor| format_money(minor, currency);
        let earned = money(self.commission_minor);
        match self.note {
            Some(LineNote::ExcludedSku) => {
                return "The offer pays nothing for this SKU.".to_owned();
            }
            Some(LineNote::GiftCard) => return "Gift cards earn no commission.".to_owned(),
            Some(LineNote::Tip) => return "Tips earn no commission.".to_owned(),
            Some(LineNote::Fee) => return "Fees earn no commission.".to_owned(),
            Some(LineNote::ShippingLeftOut) => return "Shipping earns no commission.".to_owned(),
            Some(LineNote::Shipping | LineNote::Unknown) | None => {}
        }
        match rate {
            Commission::Percent { rate } => {
                let net = self.base_minor.saturating_sub(self.refunded_minor);
                let less = if self.refunded_minor == 0 {
                    String::new()
                } else {
                    let back = money(self.refunded_minor);
                    format!(" ({} less {back} given back)", money(self.base_minor))
                };
                format!("{rate} of {}{less} is {earned}.", money(net))
            }
            _ if self.note == Some(LineNote::Shipping) => {
                "A flat amount is not paid for shipping.".to_owned()
            }
            Commission::FlatPerItem { .. } if self.given_back() => {
                "All that was paid for it was given back, so it earns nothing.".to_owned()
            }
            Commission::FlatPerItem { amount_minor, currency: own } => {
                let items = match (self.remaining, self.quantity) {
                    (1, 1) => "1 item".to_owned(),
                    (left, all) if left == all => format!("{all} items"),
                    (left, all) => format!("{left} of {all} items kept"),
                };
                format!("{items}, {} each, is {earned}.", format_money(amount_minor, own))
            }
            Commission::FlatPerOrder { amount_minor, currency: own } => {
                let amount = format_money(amount_minor, own);
                format!("The share of this line in {amount} per order is {earned}.")
            }
            Commission::Unknown => format!("This line earns {earned}."),
        }
    }
}
