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
    /// The decision in a few sentences: who is credited and why, or why no one is. A member denied
    /// the conversions of the affiliates in `denied`.
    pub fn sentences(&self, calendar: Calendar, denied: &[i64]) -> Vec<String> {
        let Some(currency) = self.currency else {
            let only =
                "The store sent a webhook for this order. Vouch hasn’t received the order yet.";
            return vec![only.to_owned()];
        };
        let credit = |credit: &Credit| match denied.contains(&credit.affiliate.id) {
            true => credit.denied(currency),
            false => credit.sentence(currency),
        };
        let mut sentences: Vec<String> = self.credits.iter().map(credit).collect();
        if self.credits.is_empty() {
            sentences.push(self.no_one());
        }
        sentences.extend(unassigned(&self.other_codes));
        let counted = || {
            self.credits
                .iter()
                .filter(|credit| credit.is_qualified() && !denied.contains(&credit.affiliate.id))
        };
        if counted().any(|credit| credit.not_paid_yet) {
            sentences.push("This order isn’t paid yet, so its commission is pending.".to_owned());
        }
        let keeps = self.rules.keeps_refunded && !self.takes_back();
        if keeps && counted().any(|credit| credit.refunded_minor > 0) {
            sentences.push(format!("This order was refunded or edited. {UNCHANGED}"));
        }
        if let Some(undone) = self.undone {
            let what = undone.text(calendar);
            sentences.push(match (counted().next().is_some(), self.takes_back()) {
                (false, _) => format!("{what}."),
                (true, true) => format!("{what}, so the commission was reversed."),
                (true, false) => format!("{what}. {UNCHANGED}"),
            });
        }
        sentences
    }

    fn no_one(&self) -> String {
        let why = match self.matched() {
            0 => "No conversion trigger matches this order’s codes, customer email or SKUs.",
            1 => "The matching trigger wasn’t active when the order was placed.",
            _ => "The matching triggers weren’t active when the order was placed.",
        };
        format!("No affiliate is credited. {why}")
    }
}

const UNCHANGED: &str = "The store’s Order Cancellations settings keep the commission unchanged.";

fn unassigned(codes: &[String]) -> Option<String> {
    match codes {
        [] => None,
        [code] => Some(format!("{code} isn’t assigned to an affiliate.")),
        [others @ .., last] => {
            let others = others.join(", ");
            Some(format!("{others} and {last} aren’t assigned to an affiliate."))
        }
    }
}

impl Undone {
    /// The fact as the beginning of a sentence.
    fn text(self, calendar: Calendar) -> String {
        match self {
            Self::Cancelled { at } => format!("The order was canceled on {}", calendar.moment(at)),
            Self::Deleted { at } => {
                format!("The order was deleted in the store on {}", calendar.moment(at))
            }
            Self::Voided => "The payment was voided".to_owned(),
            Self::Unknown => "The order was canceled, deleted or voided".to_owned(),
        }
    }
}

impl Credit {
    /// Who earns how much, in one or two sentences.
    fn sentence(&self, currency: Currency) -> String {
        let name = &self.affiliate.name;
        let earns = self.earns(currency, self.commission.total());
        match (self.unqualified, self.overruled) {
            (Some(reason), _) => {
                format!("{name} isn’t credited because {reason}.{}", self.otherwise(currency))
            }
            (None, Some(reason)) => {
                format!(
                    "{name} earns {earns}. A team member credited the order even though {reason}."
                )
            }
            (None, None) if self.via == CreditKind::Manual => {
                format!("{name} earns {earns} as a manual credit.")
            }
            (None, None) => format!("{name} earns {earns}."),
        }
    }

    fn denied(&self, currency: Currency) -> String {
        let name = &self.affiliate.name;
        let denied = format!("{name} earns nothing because a team member denied the conversion.");
        if self.unqualified.is_some() {
            return denied;
        }
        denied + &self.otherwise(currency)
    }

    /// What they would earn, as a sentence after another one. Empty if it's nothing.
    fn otherwise(&self, currency: Currency) -> String {
        match self.would_be.total() {
            0 => String::new(),
            minor => format!(" Otherwise, they’d earn {}.", self.earns(currency, minor)),
        }
    }

    /// The amount and its trigger: `$2.91 for coupon code JANE10`.
    fn earns(&self, currency: Currency, minor: i64) -> String {
        let (amount, value) = (format_money(minor, currency), &self.value);
        match self.via {
            CreditKind::Coupon => format!("{amount} for coupon code {value}"),
            CreditKind::Email => format!("{amount} for customer email {value}"),
            CreditKind::Sku => format!("{amount} for the items with SKU {value}"),
            CreditKind::Manual | CreditKind::Unknown => format!("{amount} for this order"),
        }
    }
}

impl CandidateOutcome {
    /// The result of this trigger in one sentence. A member denied the conversions of the affiliates
    /// in `denied`.
    pub fn sentence(&self, calendar: Calendar, denied: &[i64]) -> String {
        let kind = self.kind.map_or("Trigger", TriggerKind::label);
        let (value, name) = (&self.value, &self.affiliate.name);
        match &self.result {
            CandidateResult::Won | CandidateResult::Royalty
                if denied.contains(&self.affiliate.id) =>
            {
                format!("{kind} {value} ({name}) matches, but a team member denied the conversion.")
            }
            CandidateResult::Won => format!("{kind} {value} credits this order to {name}."),
            CandidateResult::Royalty => {
                format!("{kind} {value} credits the items with this SKU to {name}.")
            }
            CandidateResult::Lost { reason } => {
                format!(
                    "{kind} {value} ({name}) doesn’t earn commission because {}.",
                    reason.text(calendar)
                )
            }
            CandidateResult::Unqualified { reason } => {
                format!("{kind} {value} ({name}) doesn’t earn commission because {reason}.")
            }
            CandidateResult::Unknown => format!("{kind} {value} ({name}) wasn’t evaluated."),
        }
    }
}

impl LostReason {
    /// The reason as the end of a sentence.
    fn text(&self, calendar: Calendar) -> String {
        match self {
            Self::NotYetOwned { from } => {
                format!(
                    "it was assigned to them on {}, after the order was placed",
                    calendar.moment(*from)
                )
            }
            Self::NoLongerOwned { until } => {
                format!(
                    "it was reassigned on {}, before the order was placed",
                    calendar.moment(*until)
                )
            }
            Self::Retired { at } => {
                format!("it was retired on {}, before the order was placed", calendar.moment(*at))
            }
            Self::NotOnOrder => "it’s no longer on the order".to_owned(),
            Self::CreditedManually { to, by, at } => {
                format!("{by} credited this order to {to} manually on {}", calendar.moment(*at))
            }
            Self::CouponComesFirst { winner } => {
                format!(
                    "coupon codes come before customer emails, and this order has the code {winner}"
                )
            }
            Self::Outranked { winner, by, rule } => outranked(winner, *by, *rule),
            Self::Ineligible { reason, winner } => {
                format!("{reason}, and {winner} qualifies")
            }
            Self::CreditedAlready { through } => {
                format!("the affiliate is already credited through {through}")
            }
            Self::Unknown => "another trigger comes first".to_owned(),
        }
    }
}

fn outranked(winner: &Winner, by: Advantage, rule: Precedence) -> String {
    let ahead = match by {
        Advantage::EarlierOnOrder => "comes first on the order",
        Advantage::LargerDiscount => "gave a larger discount",
        Advantage::OlderTrigger => "is an older trigger",
        Advantage::EnteredFirst => "was created first",
    };
    let by_the_rule = matches!(
        (by, rule),
        (Advantage::EarlierOnOrder, Precedence::FirstOnOrder)
            | (Advantage::LargerDiscount, Precedence::LargestDiscount)
            | (Advantage::OlderTrigger, Precedence::OldestTrigger)
    );
    if by_the_rule {
        return format!("{winner} {ahead}");
    }
    let tie = match rule {
        Precedence::FirstOnOrder => "both have the same position on the order",
        Precedence::LargestDiscount => "both gave the same discount",
        Precedence::OldestTrigger => "both triggers have the same age",
    };
    format!("{tie}, and {winner} {ahead}")
}

impl fmt::Display for Winner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.value, self.affiliate)
    }
}

/// The reason as the end of a sentence.
impl fmt::Display for Unqualified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TestOrder => f.write_str("this is a test order"),
            Self::InactiveAffiliate { status } => {
                let status = status.label().to_lowercase();
                write!(f, "the affiliate was {status} when the order was placed")
            }
            Self::OwnPurchase => f.write_str("this is the affiliate’s own purchase"),
            Self::ExcludedCode { .. } => {
                f.write_str("a coupon exclusion covers orders with this code")
            }
            Self::OtherCurrency { terms, order } => {
                write!(f, "the offer pays a flat amount in {terms} and the order is in {order}")
            }
            Self::PaymentExpired => f.write_str("the payment expired before the order was paid"),
            Self::PaymentVoided => f.write_str("the payment was voided"),
            Self::Unknown => f.write_str("the conversion doesn’t qualify"),
        }
    }
}

impl LineNote {
    /// Why the line earns nothing; none if it can earn.
    fn text(self) -> Option<&'static str> {
        match self {
            Self::ExcludedSku => Some("The offer pays nothing for this SKU."),
            Self::GiftCard => Some("Gift cards don’t earn commission."),
            Self::Tip => Some("Tips don’t earn commission."),
            Self::Fee => Some("Fees don’t earn commission."),
            Self::ShippingLeftOut => Some("Shipping doesn’t earn commission."),
            Self::Shipping | Self::Unknown => None,
        }
    }
}

impl LineCommission {
    fn is_refunded(&self) -> bool {
        self.base_minor > 0 && self.refunded_minor == self.base_minor
    }

    /// How the line's commission was calculated: `10% of $29.10 is $2.91.`
    pub fn sentence(&self, rate: Commission, currency: Currency) -> String {
        let money = |minor| format_money(minor, currency);
        let earned = money(self.commission_minor);
        if let Some(nothing) = self.note.and_then(LineNote::text) {
            return nothing.to_owned();
        }
        match rate {
            Commission::Percent { rate } => {
                let net = self.base_minor.saturating_sub(self.refunded_minor);
                let less = if self.refunded_minor == 0 {
                    String::new()
                } else {
                    let refunded = money(self.refunded_minor);
                    format!(" ({} minus {refunded} refunded)", money(self.base_minor))
                };
                format!("{rate} of {}{less} is {earned}.", money(net))
            }
            _ if self.note == Some(LineNote::Shipping) => {
                "Flat commissions don’t apply to shipping.".to_owned()
            }
            Commission::FlatPerItem { .. } if self.is_refunded() => {
                "This item was fully refunded, so it earns nothing.".to_owned()
            }
            Commission::FlatPerItem { amount_minor, currency: own } => {
                let each = format_money(amount_minor, own);
                let items = match (self.remaining, self.quantity) {
                    (1, 1) => "1 item".to_owned(),
                    (left, all) if left == all => format!("{all} items"),
                    (left, all) => format!("{left} of {all} items"),
                };
                format!("{each} each for {items} is {earned}.")
            }
            Commission::FlatPerOrder { amount_minor, currency: own } => {
                let amount = format_money(amount_minor, own);
                format!("This item’s share of {amount} per order is {earned}.")
            }
            Commission::Unknown => format!("This item earns {earned}."),
        }
    }
}
