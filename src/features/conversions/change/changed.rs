use crate::features::conversions::list::ConversionRow;

/// What a change came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// How many conversions changed.
    pub changed: usize,
    /// How many were left alone: they stood so already.
    pub left_alone: usize,
    /// Of those that changed, how many earn nothing anyway: they don't qualify.
    pub unqualified: usize,
    /// Of those that changed, how many count only once their orders are paid.
    pub not_paid_yet: usize,
    /// Names the change in the audit log; [`undo`] takes it back.
    pub change_id: Option<i64>,
}

pub(super) const OVERRULED: &str = "conversion.overruled";

/// The conversion as the middle of a sentence.
pub(super) fn about(row: &ConversionRow) -> String {
    let name = &row.affiliate;
    match (&row.order, row.conversion.order_id) {
        (Some(order), _) => format!("{name}’s conversion for order {order}"),
        (None, Some(_)) => format!("{name}’s conversion for an order"),
        (None, None) => format!("{name}’s manual credit"),
    }
}
