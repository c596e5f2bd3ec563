//! Where a conversion stands, and how it came about.

use crate::db::text_enum;

text_enum! {
    /// Pending and Approved count in figures and commission; the others are known, and earn nothing.
    #[derive(Default)]
    pub enum ConversionStatus {
        /// Waits for a member to look at it.
        #[default]
        Pending = "pending", "Pending";
        /// Stands.
        Approved = "approved", "Approved";
        /// A member decided against it.
        Denied = "denied", "Denied";
        /// A rule stands against it; a member may overrule that.
        Unqualified = "unqualified", "Unqualified";
    }
}

impl ConversionStatus {
    /// Whether a conversion of this status is in the figures.
    pub const fn counts(self) -> bool {
        matches!(self, Self::Pending | Self::Approved)
    }

    /// The tone of its badge.
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
    /// Who set a status last: what a member set, an order's update leaves alone.
    pub enum StatusBy {
        /// Vouch, by the offer's terms and the rules.
        System = "system", "Vouch";
        /// Somebody who works for the merchant.
        Member = "member", "Member";
    }
}

text_enum! {
    /// What credited the affiliate.
    pub enum Via {
        /// A coupon code won the order.
        Coupon = "coupon", "Coupon code";
        /// The customer's e-mail address won the order.
        Email = "email", "Customer e-mail";
        /// A royalty on the lines of a SKU.
        Sku = "sku", "SKU";
        /// A member, by hand.
        Manual = "manual", "Manual credit";
    }
}

/// Why a conversion is Unqualified, in a few words. `reason` is the name of a rule, as
/// [`crate::credit::Unqualified`] writes it.
pub fn reason_label(reason: &str) -> &'static str {
    match reason {
        "test_order" => "Test order",
        "inactive_affiliate" => "Affiliate was not active",
        "own_purchase" => "Affiliate’s own purchase",
        "excluded_code" => "Excluded coupon code",
        "other_currency" => "Flat amount in another currency",
        "no_longer_credited" => "No longer credited",
        _ => "Does not qualify",
    }
}
