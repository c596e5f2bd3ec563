//! The ledger: what a conversion should hold, and what is to be appended so that it does.

use serde::{Deserialize, Serialize};

use crate::db::text_enum;

/// What a conversion is made of. `sale + refund + cancellation` is what the affiliate earns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Components {
    /// The commission on the order as sold, refunds and cancellation aside; at least 0.
    pub sale: i64,
    /// What refunds and removed items take off it; at most 0.
    pub refund: i64,
    /// What is left, taken back, if the order was cancelled, deleted or voided; at most 0.
    pub cancellation: i64,
}

text_enum! {
    /// What a commission entry is for.
    pub enum EntryKind {
        /// The order itself.
        Sale = "sale", "Sale";
        /// The store gave money back.
        Refund = "refund", "Refund";
        /// The order was cancelled, voided or deleted.
        Cancellation = "cancellation", "Cancellation";
        /// The order, or who is credited for it, changed after the first sale entry.
        Adjustment = "adjustment", "Adjustment";
        /// A member gave the amount.
        ManualCredit = "manual_credit", "Manual credit";
    }
}

impl Components {
    /// What the affiliate earns in all.
    pub fn total(self) -> i64 {
        self.sale.saturating_add(self.refund).saturating_add(self.cancellation)
    }

    /// What a ledger holds, by component. Manual credits belong to none and are left out.
    pub fn of_entries(entries: impl IntoIterator<Item = (EntryKind, i64)>) -> Self {
        let mut sums = Self::default();
        for (kind, minor) in entries {
            let sum = match kind {
                EntryKind::Sale | EntryKind::Adjustment => &mut sums.sale,
                EntryKind::Refund => &mut sums.refund,
                EntryKind::Cancellation => &mut sums.cancellation,
                EntryKind::ManualCredit => continue,
            };
            *sum = sum.saturating_add(minor);
        }
        sums
    }
}

/// The entries that take a ledger from what it holds to what it should hold; none is zero.
///
/// Each component converges for itself, so that the ledger's sums by component come out alike
/// whatever came in between. `first` is true while the ledger has no Sale entry yet: only then the
/// difference of the sale is a Sale, later an Adjustment.
pub fn ledger_difference(
    already: &Components,
    target: &Components,
    first: bool,
) -> Vec<(EntryKind, i64)> {
    let sale = if first { EntryKind::Sale } else { EntryKind::Adjustment };
    [
        (sale, target.sale, already.sale),
        (EntryKind::Refund, target.refund, already.refund),
        (EntryKind::Cancellation, target.cancellation, already.cancellation),
    ]
    .into_iter()
    .map(|(kind, target, already)| (kind, target.saturating_sub(already)))
    .filter(|(_, difference)| *difference != 0)
    .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn components(sale: i64, refund: i64, cancellation: i64) -> Components {
        Components { sale, refund, cancellation }
    }

    #[test]
    fn the_first_sale_is_a_sale_and_later_changes_are_adjustments() {
        let nothing = Components::default();
        let sold = components(100, 0, 0);
        assert_eq!(ledger_difference(&nothing, &sold, true), [(EntryKind::Sale, 100)]);
        assert_eq!(ledger_difference(&sold, &sold, false), []);
        assert_eq!(
            ledger_difference(&sold, &components(120, -30, 0), false),
            [(EntryKind::Adjustment, 20), (EntryKind::Refund, -30)]
        );
        assert_eq!(
            ledger_difference(&components(120, -30, 0), &components(120, -30, -90), false),
            [(EntryKind::Cancellation, -90)]
        );
    }

    #[test]
    fn a_cancellation_that_is_taken_back_takes_its_entry_back() {
        let cancelled = components(100, 0, -100);
        assert_eq!(
            ledger_difference(&cancelled, &components(100, 0, 0), false),
            [(EntryKind::Cancellation, 100)]
        );
    }

    #[test]
    fn amounts_given_by_hand_do_not_take_part() {
        let entries = [(EntryKind::Sale, 100), (EntryKind::ManualCredit, 500)];
        assert_eq!(Components::of_entries(entries), components(100, 0, 0));
    }

    proptest! {
        #[test]
        fn a_ledger_converges_whatever_came_before(
            targets in prop::collection::vec((0..1000_i64, -1000..=0_i64, -1000..=0_i64), 1..10),
        ) {
            let mut ledger: Vec<(EntryKind, i64)> = Vec::new();
            for (sale, refund, cancellation) in &targets {
                let target = components(*sale, *refund, *cancellation);
                let first = ledger.iter().all(|(kind, _)| *kind != EntryKind::Sale);
                let already = Components::of_entries(ledger.iter().copied());
                ledger.extend(ledger_difference(&already, &target, first));
                let held = Components::of_entries(ledger.iter().copied());
                prop_assert_eq!(held, target);
                prop_assert!(ledger_difference(&held, &target, false).is_empty());
            }
            prop_assert!(ledger.iter().filter(|(kind, _)| *kind == EntryKind::Sale).count() <= 1);
        }
    }
}
