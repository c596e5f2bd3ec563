use chrono::NaiveDate;

use crate::features::conversions::ConversionStatus;
use crate::kit::db::text_enum;
use crate::kit::lists::ListUrl;

text_enum! {
    /// Which statuses a list shows.
    pub(crate) enum StatusFilter {
        /// The conversions in the totals: Pending and Approved.
        Credited = "credited", "Pending or approved";
        Pending = "pending", "Pending";
        Approved = "approved", "Approved";
        Denied = "denied", "Denied";
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

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ConversionFilter {
    /// An affiliate, a trigger's value or an order's name, as typed.
    pub(crate) q: String,
    pub(crate) status: Option<StatusFilter>,
    pub(crate) affiliate_id: Option<i64>,
    pub(crate) trigger_id: Option<i64>,
    /// The first day, in the merchant's time zone.
    pub(crate) from: Option<NaiveDate>,
    /// The last day, in the merchant's time zone.
    pub(crate) to: Option<NaiveDate>,
}

impl ConversionFilter {
    /// `affiliate_id` is set for an affiliate's own list, and `None` for the program's list.
    pub(crate) fn read(address: &mut ListUrl, affiliate_id: Option<i64>) -> Self {
        Self {
            q: address.search(),
            status: address.choice("status", "Status"),
            affiliate_id: affiliate_id.or_else(|| address.key("affiliate", "Affiliate")),
            trigger_id: address.key("trigger", "Conversion trigger"),
            from: address.day("from", "From"),
            to: address.day("to", "To"),
        }
    }
}
