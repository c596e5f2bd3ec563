//! Commission of a credit, per line of the order.
//!
//! A percentage is rounded half to even once per line, then summed. The order as sold and the
//! current order are computed in the same way, and the refund is the difference.

use std::collections::BTreeSet;

use super::input::{CalculationLogic, Commission, Terms};
use super::ledger::Components;
use super::record::{LineCommission, LineNote};
use crate::money::{Currency, Rate, allocate};
use crate::order::amounts::LineAmounts;
use crate::order::snapshot::{LineKind, ReportedLine};

/// The lines that a credit covers.
pub(super) enum CreditedLines {
    /// All lines, with shipping if the merchant's Calculation Logic counts it.
    WholeOrder,
    /// Only lines with one of these SKU keys.
    Skus(BTreeSet<String>),
}

/// How refunds and cancellations after the sale change the commission.
#[derive(Clone, Copy)]
pub(super) struct After {
    /// The sale was canceled, deleted or voided, so the remaining commission is reversed.
    pub takes_back: bool,
    /// Refunded amounts still earn commission.
    pub keeps_refunded: bool,
}

pub(super) struct Earned {
    pub gross_minor: i64,
    pub refunded_minor: i64,
    pub commission: Components,
    pub lines: Vec<LineCommission>,
}

/// Computes the commission that `terms` pay for the lines in `scope` of an order in `currency`.
///
/// A flat amount in another currency pays nothing.
pub(super) fn earn(
    amounts: &[LineAmounts<'_>],
    scope: &CreditedLines,
    terms: &Terms,
    rules: &CalculationLogic,
    currency: Currency,
    after: After,
) -> Earned {
    let reached: Vec<Reached<'_>> =
        amounts.iter().filter_map(|line| Reached::new(line, scope, terms, rules)).collect();
    let payable = terms.commission.currency().is_none_or(|c| c == currency);
    let per_line = if payable { rates(&reached, terms.commission) } else { Vec::new() };
    let per_line: Vec<LineEarned> = per_line
        .into_iter()
        .chain(std::iter::repeat(LineEarned::default()))
        .take(reached.len())
        .collect();

    let sale = sum(per_line.iter().map(|line| line.sold));
    let now = |line: &LineEarned| if after.keeps_refunded { line.sold } else { line.now };
    let left = sum(per_line.iter().map(now));
    let earning = || reached.iter().filter(|line| line.earns()).map(|line| line.amounts);
    Earned {
        gross_minor: sum(earning().map(|line| line.gross_minor)),
        refunded_minor: sum(earning().map(|line| line.refunded_minor)),
        commission: Components {
            sale,
            refund: left - sale,
            cancellation: if after.takes_back { -left } else { 0 },
        },
        lines: reached
            .iter()
            .zip(&per_line)
            .map(|(line, earned)| line.record(now(earned)))
            .collect(),
    }
}

/// The overlap of a royalty and a credit for the whole order: both earn from these lines.
#[derive(Clone, Copy, Default)]
pub(super) struct Overlap {
    gross_minor: i64,
    pub refunded_minor: i64,
}

impl Overlap {
    pub(super) fn of(
        amounts: &[LineAmounts<'_>],
        (scope, terms): (&CreditedLines, &Terms),
        main: &Terms,
        rules: &CalculationLogic,
    ) -> Self {
        let earns = |line: &LineAmounts<'_>, scope: &CreditedLines, terms: &Terms| {
            Reached::new(line, scope, terms, rules).is_some_and(|line| line.earns())
        };
        let both = || {
            let own = amounts.iter().filter(|line| earns(line, scope, terms));
            own.filter(|line| earns(line, &CreditedLines::WholeOrder, main))
        };
        Self {
            gross_minor: sum(both().map(|line| line.gross_minor)),
            refunded_minor: sum(both().map(|line| line.refunded_minor)),
        }
    }

    pub(super) fn net_minor(self) -> i64 {
        self.gross_minor - self.refunded_minor
    }
}

/// A line that a credit covers.
struct Reached<'a> {
    amounts: &'a LineAmounts<'a>,
    note: Option<LineNote>,
}

impl<'a> Reached<'a> {
    fn new(
        amounts: &'a LineAmounts<'a>,
        scope: &CreditedLines,
        terms: &Terms,
        rules: &CalculationLogic,
    ) -> Option<Self> {
        let sku = amounts.line.and_then(|line| line.sku_key());
        let in_scope = match scope {
            CreditedLines::WholeOrder => true,
            CreditedLines::Skus(keys) => sku.as_ref().is_some_and(|key| keys.contains(key)),
        };
        let is_excluded = sku.is_some_and(|key| terms.excluded_skus.contains(&key));
        let note = match amounts.line.map(|line| line.kind) {
            Some(LineKind::Goods) => None,
            Some(LineKind::GiftCard) => (!rules.gift_cards_earn).then_some(LineNote::GiftCard),
            Some(LineKind::Tip) => (!rules.tips_earn).then_some(LineNote::Tip),
            Some(LineKind::Fee) => Some(LineNote::Fee),
            Some(LineKind::Shipping) if !rules.include_shipping => Some(LineNote::ShippingLeftOut),
            Some(LineKind::Shipping) | None => Some(LineNote::Shipping),
        };
        let note = note.or(is_excluded.then_some(LineNote::ExcludedSku));
        in_scope.then_some(Self { amounts, note })
    }

    fn earns(&self) -> bool {
        !self.note.is_some_and(LineNote::earns_nothing)
    }

    /// True for goods that earn. Shipping and tips aren't items.
    fn is_item(&self) -> bool {
        let is_thing =
            |line: &ReportedLine| matches!(line.kind, LineKind::Goods | LineKind::GiftCard);
        self.earns() && self.amounts.line.is_some_and(is_thing)
    }

    /// The number of items that the customer kept and paid for, so 0 if all their money was
    /// refunded.
    fn kept(&self) -> i64 {
        let given_back = self.amounts.gross_minor > 0 && self.amounts.net_minor() == 0;
        if given_back { 0 } else { self.amounts.remaining }
    }

    fn record(&self, commission_minor: i64) -> LineCommission {
        let line = self.amounts.line;
        LineCommission {
            line_ref: line.map(|line| line.line_ref.clone()).unwrap_or_default(),
            title: line.map_or_else(|| "Shipping".to_owned(), |line| line.title.clone()),
            sku: line.and_then(|line| line.sku.clone()),
            quantity: self.amounts.quantity,
            remaining: self.amounts.remaining,
            base_minor: self.amounts.gross_minor,
            refunded_minor: self.amounts.refunded_minor,
            commission_minor,
            note: self.note,
        }
    }
}

/// The commission of a line on the order as sold and now. Summed over all lines, "now" never
/// exceeds "as sold".
#[derive(Clone, Copy, Default)]
struct LineEarned {
    sold: i64,
    now: i64,
}

/// A percentage: one entry per line, in the same order.
fn rates(lines: &[Reached<'_>], commission: Commission) -> Vec<LineEarned> {
    let each = |earned: &dyn Fn(&Reached<'_>) -> LineEarned| lines.iter().map(earned).collect();
    match commission {
        Commission::Percent { rate } => each(&|line| {
            let rate = if line.earns() { rate } else { Rate::default() };
            LineEarned {
                sold: rate.of(line.amounts.gross_minor),
                now: rate.of(line.amounts.net_minor()),
            }
        }),
        Commission::FlatPerItem { amount_minor, .. } => each(&|line| {
            let amount = if line.is_item() { amount_minor.max(0) } else { 0 };
            LineEarned {
                sold: amount.saturating_mul(line.amounts.quantity),
                now: amount.saturating_mul(line.kept()),
            }
        }),
        Commission::FlatPerOrder { amount_minor, .. } => once(lines, amount_minor.max(0)),
        Commission::Unknown => Vec::new(),
    }
}

/// A flat amount per order, spread over the items that earn by their price. The lines add up to the
/// amount.
fn once(lines: &[Reached<'_>], amount: i64) -> Vec<LineEarned> {
    let items = || lines.iter().filter(|line| line.is_item());
    // If everything paid for was refunded, a free gift that the customer kept doesn't earn the flat
    // amount.
    let free = items().all(|line| line.amounts.gross_minor == 0);
    let sold = items().any(|line| line.amounts.quantity > 0);
    let left = items().any(|line| line.kept() > 0 && (free || line.amounts.net_minor() > 0));
    let spread = |due: bool, paid: &dyn Fn(&LineAmounts<'_>) -> i64| {
        let weights: Vec<i64> = items().map(|line| paid(line.amounts)).collect();
        allocate(if due { amount } else { 0 }, &weights)
    };
    let sold = spread(sold, &|line| line.gross_minor);
    let now = spread(left, &|line| line.net_minor());
    let mut shares = sold.into_iter().zip(now).map(|(sold, now)| LineEarned { sold, now });
    lines
        .iter()
        .map(
            |line| {
                if line.is_item() {
                    shares.next().unwrap_or_default()
                } else {
                    LineEarned::default()
                }
            },
        )
        .collect()
}

fn sum(minors: impl Iterator<Item = i64>) -> i64 {
    minors.fold(0, i64::saturating_add)
}
