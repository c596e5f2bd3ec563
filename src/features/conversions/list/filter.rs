use chrono::NaiveDate;

use crate::features::conversions::ConversionStatus;
use crate::kit::db::text_enum;
use crate::kit::lists::Address;

text_enum! {
    /// Which statuses a list shows.
    pub enum StatusFilter {
        /// What is in the figures: Pending and Approved.
        Credited = "credited", "Pending or Approved";
        /// Only this one.
        Pending = "pending", "Pending";
        /// Only this one.
        Approved = "approved", "Approved";
        /// Only this one.
        Denied = "denied", "Denied";
        /// Only this one.
        Unqualified = "unqualified", "Unqualified";
    }
}

impl StatusFilter {
    pub(super) fn statuses(self) -> &'static [ConversionStatus] {
        match self {
            Self::Credited => &[ConversionStatus::Pending, ConversionStatus::Approved],
            Self::Pending => &[ConversionStatus::Pending],
            Self::Approved => &[ConversionStatus::Approved],
            Self::Denied => &[ConversionStatus::Denied],
            Self::Unqualified => &[ConversionStatus::Unqualified],
        }
    }
}

/// Which conversions a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConversionFilter {
    /// An affiliate, a code, e-mail address or SKU, or an order's name, as typed.
    pub q: String,
    /// Only these.
    pub status: Option<StatusFilter>,
    /// Only this affiliate's.
    pub affiliate_id: Option<i64>,
    /// Only what this trigger made.
    pub trigger_id: Option<i64>,
    /// From this day on, in the merchant's time zone.
    pub from: Option<NaiveDate>,
    /// Up to this day, itself included.
    pub to: Option<NaiveDate>,
}

impl ConversionFilter {
    /// `affiliate_id`: whose list it is; `None` for that of the program.
    pub(crate) fn read(address: &mut Address, affiliate_id: Option<i64>) -> Self {
        Self {
            q: address.search(),
            status: address.choice("status", "Status"),
            affiliate_id: affiliate_id.or_else(|| address.key("affiliate", "Affiliate")),
            trigger_id: address.key("trigger", "Conversion trigger"),
            from: address.day("from", "From"),
            to: address.day("to", "Up to"),
        }
    }
}
