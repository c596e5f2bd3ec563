//! The status of a conversion and its inputs.
//!
//! A member's review and the qualification by the rules are stored separately. The status that
//! pages show and totals count is derived from both.

use crate::text_enum;

text_enum! {
    /// Totals count Pending and Approved. The others earn nothing.
    #[derive(Default)]
    pub enum ConversionStatus {
        /// Waits for a member's decision or for the order's payment.
        #[default]
        Pending = "pending", "Pending";
        /// Earns commission.
        Approved = "approved", "Approved";
        /// A member denied it, or all conversions of its order.
        Denied = "denied", "Denied";
        /// A rule disqualifies it. A member can overrule the rule.
        Unqualified = "unqualified", "Unqualified";
    }
}

impl ConversionStatus {
    /// Whether totals include a conversion with this status.
    pub const fn counts(self) -> bool {
        matches!(self, Self::Pending | Self::Approved)
    }

    /// The color of the status badge.
    pub const fn tone(self) -> &'static str {
        match self {
            Self::Pending => "wait",
            Self::Approved => "good",
            Self::Denied => "bad",
            Self::Unqualified => "off",
        }
    }
}

text_enum! {
    /// A member's decision about a conversion.
    pub enum Review {
        /// Kept pending, so it isn't approved automatically.
        Pending = "pending", "Pending";
        /// It counts.
        Approved = "approved", "Approved";
        /// It doesn't count.
        Denied = "denied", "Denied";
    }
}

/// The inputs of a conversion's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The member's review; none before the first one.
    pub review: Option<Review>,
    /// A member denied the order as fraud.
    pub is_fraud: bool,
    pub is_qualified: bool,
    /// The order counts once it's paid, and it isn't paid yet.
    pub not_paid_yet: bool,
    /// The offer approves conversions without a review.
    pub auto_approve: bool,
}

impl Facts {
    /// The generated column `conversions.status` follows the same rules.
    pub const fn status(self) -> ConversionStatus {
        match self.review {
            _ if self.is_fraud => ConversionStatus::Denied,
            Some(Review::Denied) => ConversionStatus::Denied,
            _ if !self.is_qualified => ConversionStatus::Unqualified,
            _ if self.not_paid_yet => ConversionStatus::Pending,
            Some(Review::Approved) => ConversionStatus::Approved,
            Some(Review::Pending) => ConversionStatus::Pending,
            None if self.auto_approve => ConversionStatus::Approved,
            None => ConversionStatus::Pending,
        }
    }
}

text_enum! {
    /// Why a member denied a conversion.
    pub enum DenialReason {
        /// Applies to every conversion of the order, including later ones.
        Fraud = "fraud", "Fraud";
        /// The affiliate broke the program's terms.
        Terms = "terms", "Violates program terms";
        /// The code was shared where it isn't allowed, such as on a coupon site.
        Misuse = "misuse", "Code shared where it isn’t allowed";
        Duplicate = "duplicate", "Duplicate order";
        Returned = "returned", "Order returned or delivery refused";
        Other = "other", "Other reason";
    }
}

impl DenialReason {
    /// The reason of a denial that only has a note. A note that mentions fraud means fraud, unless
    /// "no", "not" or "without" comes right before the word.
    pub fn of_note(note: &str) -> Self {
        let lower = note.to_lowercase();
        let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).collect();
        let speaks_of_fraud = (0..words.len()).any(|at| {
            let before = if at == 0 { "" } else { words[at - 1] };
            words[at].starts_with("fraud") && !matches!(before, "no" | "not" | "without")
        });
        if speaks_of_fraud { Self::Fraud } else { Self::Other }
    }
}

text_enum! {
    /// How the affiliate was credited.
    pub enum Via {
        /// By a coupon code on the order.
        Coupon = "coupon", "Coupon Code";
        /// By the customer's email.
        Email = "email", "Customer Email";
        /// By a royalty on the lines with a SKU.
        Sku = "sku", "SKU";
        /// Manually, by a member.
        Manual = "manual", "Manual credit";
    }
}

text_enum! {
    /// Why a conversion earns nothing by the rules.
    pub enum UnqualifiedReason {
        TestOrder = "test_order", "Test order";
        InactiveAffiliate = "inactive_affiliate", "Affiliate wasn’t active";
        OwnPurchase = "own_purchase", "Affiliate’s own purchase";
        ExcludedCode = "excluded_code", "Excluded coupon code";
        OtherCurrency = "other_currency", "Flat commission in another currency";
        /// Another attribution credits the order to others.
        NoLongerCredited = "no_longer_credited", "No longer credited";
        PaymentExpired = "payment_expired", "Payment expired";
        PaymentVoided = "payment_voided", "Payment voided";
        /// A rule of another version.
        Unknown = "unknown", "Doesn’t qualify";
    }
}

impl UnqualifiedReason {
    /// Whether a merchant can credit the order anyway.
    pub const fn can_be_overruled(self) -> bool {
        match self {
            Self::TestOrder | Self::InactiveAffiliate | Self::OwnPurchase | Self::ExcludedCode => {
                true
            }
            Self::OtherCurrency
            | Self::NoLongerCredited
            | Self::PaymentExpired
            | Self::PaymentVoided
            | Self::Unknown => false,
        }
    }
}

/// A short label for why a conversion isn't approved. `reason` is the code of an
/// [`UnqualifiedReason`] or a [`DenialReason`], or [`NOT_PAID_YET`].
pub fn reason_label(reason: &str) -> &'static str {
    if reason == NOT_PAID_YET {
        return NOT_PAID_YET_LABEL;
    }
    let denial = || DenialReason::parse(reason).map(DenialReason::label);
    let rule = UnqualifiedReason::parse(reason).map(UnqualifiedReason::label);
    rule.or_else(denial).unwrap_or_else(|| UnqualifiedReason::Unknown.label())
}

/// The reason code for an order that counts once it's paid, and isn't paid yet.
pub const NOT_PAID_YET: &str = "not_paid_yet";
pub const NOT_PAID_YET_LABEL: &str = "Order not paid yet";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_that_speaks_of_fraud_is_a_reason() {
        for note in ["fraud", "Fraud.", "looks like FRAUDULENT use", "stolen card (fraud)"] {
            assert_eq!(DenialReason::of_note(note), DenialReason::Fraud, "{note}");
        }
        for note in ["", "Returned", "defrauded by the carrier", "Not fraud, a mistake"] {
            assert_eq!(DenialReason::of_note(note), DenialReason::Other, "{note}");
        }
    }

    #[test]
    fn a_denial_comes_before_the_rules_and_the_rules_before_an_approval() {
        use ConversionStatus as Status;
        let plain = Facts {
            review: None,
            is_fraud: false,
            is_qualified: true,
            not_paid_yet: false,
            auto_approve: false,
        };
        let said = |review| Facts { review: Some(review), ..plain };
        assert_eq!(plain.status(), Status::Pending);
        assert_eq!(Facts { auto_approve: true, ..plain }.status(), Status::Approved);
        let set_back = Facts { auto_approve: true, ..said(Review::Pending) };
        assert_eq!(set_back.status(), Status::Pending);
        for facts in [plain, said(Review::Approved), said(Review::Denied)] {
            assert_eq!(Facts { is_fraud: true, ..facts }.status(), Status::Denied);
        }
        for facts in [said(Review::Approved), Facts { auto_approve: true, ..plain }] {
            assert_eq!(facts.status(), Status::Approved);
            assert_eq!(Facts { not_paid_yet: true, ..facts }.status(), Status::Pending);
            let unqualified = Facts { is_qualified: false, not_paid_yet: true, ..facts };
            assert_eq!(unqualified.status(), Status::Unqualified);
        }
        let denied = Facts { is_qualified: false, ..said(Review::Denied) };
        assert_eq!(denied.status(), Status::Denied);
    }
}
