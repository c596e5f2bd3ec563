use crate::features::audit::ConversionName;
use crate::features::conversions::list::ConversionRow;

/// The result of a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReviewOutcome {
    pub changed: usize,
    /// How many were skipped, because they already have that review.
    pub left_alone: usize,
    /// How many of the changed ones earn nothing anyway, because they don't qualify.
    pub unqualified: usize,
    /// How many of the changed ones count only once their orders are paid.
    pub not_paid_yet: usize,
    /// The change's ID in the audit log, for [`undo`].
    pub change_id: Option<i64>,
}

pub(super) const OVERRULED: &str = "conversion.overruled";

/// The conversion as the audit log names it.
pub(super) fn name_of(row: &ConversionRow) -> ConversionName {
    let affiliate = row.affiliate.clone();
    match row.conversion.order_id {
        Some(_) => ConversionName::OfOrder { affiliate, order: row.order.clone() },
        None => ConversionName::ManualCredit { affiliate },
    }
}
