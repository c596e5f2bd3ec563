//! The ledger of a conversion: its target amounts, and the entries to append to reach them.

use serde::{Deserialize, Serialize};

use crate::money::Currency;
use crate::text_enum;

/// The parts of a commission. `sale + refund + cancellation` is the affiliate's total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Components {
    /// The commission on the order as sold, before refunds and cancellation; at least 0.
    pub sale: i64,
    /// The reduction for refunds and removed items; at most 0.
    pub refund: i64,
    /// The reversal of the rest if the order was canceled, deleted or voided; at most 0.
    pub cancellation: i64,
}

text_enum! {
    /// Why a commission entry was made.
    pub enum EntryKind {
        /// The order itself.
        Sale = "sale", "Sale";
        /// The store refunded money.
        Refund = "refund", "Refund";
        /// The order was cancelled, voided or deleted.
        Cancellation = "cancellation", "Cancellation";
        /// The order, or who is credited for it, changed after the first sale entry.
        Adjustment = "adjustment", "Adjustment";
        /// A member credited the amount.
        ManualCredit = "manual_credit", "Manual credit";
    }
}

impl Components {
    /// The affiliate's commission in total.
    pub fn total(self) -> i64 {
        self.sale.saturating_add(self.refund).saturating_add(self.cancellation)
    }

    /// Sums ledger entries by component. Manual credits don't belong to any component and are
    /// skipped.
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

/// The sums of a ledger in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerBalance {
    pub currency: Currency,
    pub components: Components,
    /// Whether a Sale entry exists in this currency. If so, a later difference of the sale is an
    /// Adjustment.
    pub has_sale: bool,
}

impl LedgerBalance {
    /// A ledger without entries in `currency`.
    pub fn nothing(currency: Currency) -> Self {
        Self { currency, components: Components::default(), has_sale: false }
    }

    /// The entries that bring this currency to `target`; none is zero.
    ///
    /// Each component converges on its own, so the sums by component don't depend on the changes in
    /// between.
    fn difference(&self, target: &Components) -> Vec<NewLedgerEntry> {
        let sale = if self.has_sale { EntryKind::Adjustment } else { EntryKind::Sale };
        let already = &self.components;
        [
            (sale, target.sale, already.sale),
            (EntryKind::Refund, target.refund, already.refund),
            (EntryKind::Cancellation, target.cancellation, already.cancellation),
        ]
        .into_iter()
        .map(|(kind, target, already)| NewLedgerEntry {
            kind,
            currency: self.currency,
            amount_minor: target.saturating_sub(already),
        })
        .filter(|entry| entry.amount_minor != 0)
        .collect()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLedgerEntry {
    pub kind: EntryKind,
    pub currency: Currency,
    pub amount_minor: i64,
}

/// The entries that bring a ledger to `target` in `currency`, and to zero in every other currency.
/// The currency of an order can be corrected. `held` contains each currency once.
pub fn ledger_difference(
    held: &[LedgerBalance],
    currency: Currency,
    target: &Components,
) -> Vec<NewLedgerEntry> {
    let others = held.iter().filter(|part| part.currency != currency);
    let mut entries: Vec<NewLedgerEntry> =
        others.flat_map(|part| part.difference(&Components::default())).collect();
    let own = held.iter().find(|part| part.currency == currency).copied();
    entries.extend(own.unwrap_or_else(|| LedgerBalance::nothing(currency)).difference(target));
    entries
}

/// The end of a ledger. Each entry carries the balance after it in its currency, and a new currency
/// starts only at a zero balance.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LedgerEnd {
    /// The number of entries.
    pub entries: i32,
    /// The currency of the last entry; none without entries.
    pub currency: Option<Currency>,
    pub balance_minor: i64,
}

/// An entry with its position in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChainedEntry {
    pub kind: EntryKind,
    pub currency: Currency,
    pub amount_minor: i64,
    /// Starts at 1.
    pub seq: i32,
    /// The balance after the entry.
    pub balance_minor: i64,
    pub prior_currency: Option<Currency>,
}

impl LedgerEnd {
    /// Appends entries, with their sequence numbers and balances.
    pub fn append(&mut self, entries: Vec<NewLedgerEntry>) -> Vec<ChainedEntry> {
        entries.into_iter().map(|entry| self.append_one(entry)).collect()
    }

    fn append_one(&mut self, entry: NewLedgerEntry) -> ChainedEntry {
        let NewLedgerEntry { kind, currency, amount_minor } = entry;
        let prior_currency = self.currency.replace(currency);
        let is_same = prior_currency == Some(currency);
        let before = if is_same { self.balance_minor } else { 0 };
        self.balance_minor = before.saturating_add(amount_minor);
        self.entries += 1;
        let (seq, balance_minor) = (self.entries, self.balance_minor);
        ChainedEntry { kind, currency, amount_minor, seq, balance_minor, prior_currency }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const USD: Currency = Currency::USD;
    const JPY: Currency = Currency::JPY;
    const KWD: Currency = Currency::KWD;

    fn components(sale: i64, refund: i64, cancellation: i64) -> Components {
        Components { sale, refund, cancellation }
    }

    fn held(currency: Currency, components: Components) -> LedgerBalance {
        LedgerBalance { currency, components, has_sale: components.sale != 0 }
    }

    fn difference(
        held: &[LedgerBalance],
        currency: Currency,
        target: Components,
    ) -> Vec<(EntryKind, Currency, i64)> {
        let entries = ledger_difference(held, currency, &target).into_iter();
        entries.map(|entry| (entry.kind, entry.currency, entry.amount_minor)).collect()
    }

    fn usd(kind: EntryKind, minor: i64) -> (EntryKind, Currency, i64) {
        (kind, USD, minor)
    }

    #[test]
    fn the_first_sale_is_a_sale_and_later_changes_are_adjustments() {
        let sold = components(100, 0, 0);
        assert_eq!(difference(&[], USD, sold), [usd(EntryKind::Sale, 100)]);
        assert_eq!(difference(&[held(USD, sold)], USD, sold), []);
        assert_eq!(
            difference(&[held(USD, sold)], USD, components(120, -30, 0)),
            [usd(EntryKind::Adjustment, 20), usd(EntryKind::Refund, -30)]
        );
        let refunded = held(USD, components(120, -30, 0));
        assert_eq!(
            difference(&[refunded], USD, components(120, -30, -90)),
            [usd(EntryKind::Cancellation, -90)]
        );
    }

    #[test]
    fn a_cancellation_that_is_taken_back_takes_its_entry_back() {
        let cancelled = held(USD, components(100, 0, -100));
        assert_eq!(
            difference(&[cancelled], USD, components(100, 0, 0)),
            [usd(EntryKind::Cancellation, 100)]
        );
    }

    #[test]
    fn another_currency_is_taken_back_before_the_orders_own_begins() {
        // USD 1.00 and ¥100 are the same number of minor units.
        let held = [held(USD, components(100, -30, 0))];
        assert_eq!(
            difference(&held, JPY, components(100, 0, 0)),
            [
                usd(EntryKind::Adjustment, -100),
                usd(EntryKind::Refund, 30),
                (EntryKind::Sale, JPY, 100),
            ]
        );
    }

    #[test]
    fn amounts_given_by_hand_do_not_take_part() {
        let entries = [(EntryKind::Sale, 100), (EntryKind::ManualCredit, 500)];
        assert_eq!(Components::of_entries(entries), components(100, 0, 0));
    }

    /// The sums of a ledger by currency.
    fn sums(ledger: &[ChainedEntry]) -> Vec<LedgerBalance> {
        [USD, JPY, KWD]
            .map(|currency| {
                let own = || ledger.iter().filter(|entry| entry.currency == currency);
                LedgerBalance {
                    currency,
                    components: Components::of_entries(
                        own().map(|entry| (entry.kind, entry.amount_minor)),
                    ),
                    has_sale: own().any(|entry| entry.kind == EntryKind::Sale),
                }
            })
            .into()
    }

    proptest! {
        #[test]
        fn a_ledger_converges_whatever_came_before(
            targets in prop::collection::vec(
                (
                    0..1000_i64,
                    -1000..=0_i64,
                    -1000..=0_i64,
                    prop::sample::select(vec![USD, JPY, KWD]),
                ),
                1..10,
            ),
        ) {
            let (mut ledger, mut end) = (Vec::new(), LedgerEnd::default());
            for (sale, refund, cancellation, currency) in targets {
                let target = components(sale, refund, cancellation);
                ledger.extend(end.append(ledger_difference(&sums(&ledger), currency, &target)));
                for held in sums(&ledger) {
                    let due = if held.currency == currency { target } else { Components::default() };
                    prop_assert_eq!(held.components, due);
                }
                prop_assert!(ledger_difference(&sums(&ledger), currency, &target).is_empty());
                let is_own = end.currency == Some(currency);
                prop_assert_eq!(if is_own { end.balance_minor } else { 0 }, target.total());
                prop_assert!(is_own || end.balance_minor == 0);
            }
            for (entry, prior) in ledger.iter().skip(1).zip(&ledger) {
                let is_same = entry.currency == prior.currency;
                prop_assert_eq!(entry.prior_currency, Some(prior.currency));
                prop_assert!(is_same || prior.balance_minor == 0);
                prop_assert_eq!(
                    entry.balance_minor - entry.amount_minor,
                    if is_same { prior.balance_minor } else { 0 }
                );
                prop_assert_eq!(entry.seq, prior.seq + 1);
            }
        }
    }
}
