//! Shopify's refunds, from an order or from a webhook of their own.

use chrono::{DateTime, Utc};
use vouch_core::money::{Currency, allocate};
use vouch_core::order::snapshot::{ReadProblem, RefundedLine, ReportedRefund};

use super::money::Amounts;
use super::payload::{MoneySet, Refund, RefundLineItem, Transaction};
use crate::payload::{At, MAX_LINES, Notes, PayloadError, Text, at_most, sum};

/// The kind of adjustment for refunded shipping.
const SHIPPING: &str = "shipping_refund";

/// Fails if an amount can't be parsed or there are too many lines.
pub(super) fn refund(
    refund: Refund,
    amounts: Amounts,
    at: At<'_>,
    or_then: DateTime<Utc>,
) -> Result<ReportedRefund, PayloadError> {
    at_most(MAX_LINES, refund.refund_line_items.len(), || format!("{}refund_line_items", at()))?;
    let is_divided = is_divided(&refund);
    let mut reading = Reading { refund: &refund, amounts, at, is_divided, notes: Notes::default() };
    let mut lines = reading.lines()?;
    let (shipping_minor, shipping_tax_minor) = reading.shipping()?;
    let (beyond, beyond_tax) = reading.adjusted(false)?;
    let duties_minor = reading.duties()?;
    let given_minor = reading.given()?;
    let notes = reading.notes.into_vec();
    keep_back(&mut lines, beyond.max(0));
    let mut reported = ReportedRefund {
        lines,
        // Negative in Shopify's books if more was refunded than the sum of the lines.
        adjustment_minor: beyond.min(0).saturating_neg(),
        adjustment_tax_minor: beyond_tax.min(0).saturating_neg(),
        shipping_minor,
        shipping_tax_minor,
        notes,
        ..ReportedRefund::new(
            refund.id.0,
            refund.processed_at.or(refund.created_at).map_or(or_then, |time| time.0),
        )
    };
    if !is_divided {
        let said = reported.divided_minor().saturating_add(duties_minor);
        reported.undivided_minor = given_minor.map(|given| given.saturating_sub(said).max(0));
    }
    Ok(reported)
}

/// Whether the refund contains no money.
pub(super) fn says_nothing(refund: &Refund) -> bool {
    refund.refund_line_items.is_empty()
        && refund.refund_shipping_lines.is_empty()
        && refund.order_adjustments.is_empty()
        && refund.total_refunded_set.is_none()
        && !refund.transactions.iter().any(gives_back)
}

/// Whether the refund assigns all of its money, so its transactions add nothing.
fn is_divided(refund: &Refund) -> bool {
    let lines = &refund.refund_line_items;
    let is_priced = |line: &RefundLineItem| line.subtotal_set.is_some() || line.subtotal.is_some();
    let is_empty = lines.is_empty()
        && refund.refund_shipping_lines.is_empty()
        && refund.order_adjustments.is_empty();
    !is_empty && lines.iter().all(is_priced)
}

/// Whether it's a refund that succeeded or is pending.
fn gives_back(transaction: &Transaction) -> bool {
    let is = |word: Option<&Text>, known: &[&str]| {
        word.is_none_or(|word| known.contains(&word.0.trim().to_ascii_lowercase().as_str()))
    };
    transaction.amount.is_some()
        && is(transaction.kind.as_ref(), &["refund"])
        && is(transaction.status.as_ref(), &["success", "pending"])
}

/// A refund while it's parsed.
struct Reading<'a> {
    refund: &'a Refund,
    amounts: Amounts,
    at: At<'a>,
    /// If false, the parts are subtracted from a total, so every part matters.
    is_divided: bool,
    notes: Notes,
}

impl Reading<'_> {
    /// An amount that only matters in an undivided refund. Otherwise, an invalid one is noted as
    /// `problem`.
    fn beside(
        &mut self,
        problem: ReadProblem,
        read: Result<Option<i64>, PayloadError>,
    ) -> Result<i64, PayloadError> {
        self.notes.unless(!self.is_divided, problem, read.map(Option::unwrap_or_default))
    }

    /// The refunded total, including tax and shipping. `None` if it isn't in the order's currency,
    /// or isn't needed.
    fn given(&self) -> Result<Option<i64>, PayloadError> {
        let Self { refund, amounts, at, .. } = *self;
        if self.is_divided {
            return Ok(None);
        }
        let transactions = refund.transactions.iter().enumerate();
        let mut ours = transactions
            .filter(|(_, one)| gives_back(one) && amounts.is_ours(one.currency.as_ref()))
            .peekable();
        if ours.peek().is_none() {
            let at = || format!("{}total_refunded_set", at());
            return amounts.signed(refund.total_refunded_set.as_ref(), None, &at);
        }
        let given = sum(ours.map(|(i, transaction)| {
            let at = || format!("{}transactions[{i}].amount", at());
            let minor = amounts.signed(None, transaction.amount.as_ref(), &at)?;
            Ok(minor.unwrap_or(0).saturating_abs())
        }))?;
        Ok(Some(given))
    }

    fn duties(&mut self) -> Result<i64, PayloadError> {
        let at = || format!("{}total_duties_set", (self.at)());
        let duties = self.amounts.signed(self.refund.total_duties_set.as_ref(), None, &at);
        self.beside(ReadProblem::Unreadable, duties)
    }

    fn lines(&mut self) -> Result<Vec<RefundedLine>, PayloadError> {
        let Self { refund, amounts, at, .. } = *self;
        let lines = refund.refund_line_items.iter().enumerate().map(|(i, line)| {
            let at = |field: &str| format!("{}refund_line_items[{i}].{field}", at());
            let (subtotal, tax) = (line.subtotal.as_ref(), line.total_tax.as_ref());
            let amount =
                amounts.signed(line.subtotal_set.as_ref(), subtotal, &|| at("subtotal"))?;
            let tax = amounts.signed(line.total_tax_set.as_ref(), tax, &|| at("total_tax"));
            Ok(RefundedLine {
                is_fee: false,
                // Money refunded on the order as a whole belongs to no line.
                line_ref: line.line_item_id.as_ref().map_or_else(String::new, |id| id.0.clone()),
                quantity: line.quantity.max(0),
                amount_minor: amount.map(|minor| minor.max(0)),
                tax_minor: self.beside(ReadProblem::UnreadableTax, tax)?.max(0),
            })
        });
        lines.collect()
    }

    /// Refunded shipping and its tax. They're lines of their own since API version 2024-10, and
    /// adjustments with a negative amount before that.
    fn shipping(&mut self) -> Result<(i64, i64), PayloadError> {
        let Self { refund, amounts, at, .. } = *self;
        if refund.refund_shipping_lines.is_empty() {
            let (net, tax) = self.adjusted(true)?;
            return Ok((net.saturating_abs(), tax.saturating_abs()));
        }
        let (mut all, mut taxes) = (0_i64, 0_i64);
        for (i, line) in refund.refund_shipping_lines.iter().enumerate() {
            let of_line = |set: Option<&MoneySet>, field: &str| {
                let at = || format!("{}refund_shipping_lines[{i}].{field}", at());
                amounts.amount(set, None, &at).map(Some)
            };
            let net = of_line(line.subtotal_amount_set.as_ref(), "subtotal_amount_set");
            let tax = of_line(line.tax_amount_set.as_ref(), "tax_amount_set");
            all = all.saturating_add(self.beside(ReadProblem::UnreadableShipping, net)?);
            taxes = taxes.saturating_add(self.beside(ReadProblem::UnreadableTax, tax)?);
        }
        Ok((all, taxes))
    }

    /// The sum of the adjustments of shipping, or of all others, and their tax.
    fn adjusted(&mut self, of_shipping: bool) -> Result<(i64, i64), PayloadError> {
        let Self { refund, amounts, at, .. } = *self;
        let (mut all, mut taxes) = (0_i64, 0_i64);
        for (i, adjustment) in refund.order_adjustments.iter().enumerate() {
            let kind = adjustment.kind.as_ref();
            if of_shipping != kind.is_some_and(|kind| kind.0 == SHIPPING) {
                continue;
            }
            let at = |field: &str| format!("{}order_adjustments[{i}].{field}", at());
            let (set, plain) = (adjustment.amount_set.as_ref(), adjustment.amount.as_ref());
            let net = amounts.signed(set, plain, &|| at("amount"));
            let (set, plain) = (adjustment.tax_amount_set.as_ref(), adjustment.tax_amount.as_ref());
            let tax = amounts.signed(set, plain, &|| at("tax_amount"));
            let net = match of_shipping {
                true => self.beside(ReadProblem::UnreadableShipping, net)?,
                false => net?.unwrap_or(0),
            };
            all = all.saturating_add(net);
            taxes = taxes.saturating_add(self.beside(ReadProblem::UnreadableTax, tax)?);
        }
        Ok((all, taxes))
    }
}

/// Subtracts the money that the merchant didn't refund, such as a restocking fee, from the lines.
/// Shopify reports lines in full and the difference separately.
fn keep_back(lines: &mut [RefundedLine], kept_minor: i64) {
    let weights: Vec<i64> = lines.iter().map(|line| line.amount_minor.unwrap_or(0)).collect();
    let refunded = weights.iter().fold(0_i64, |sum, minor| sum.saturating_add(*minor));
    let parts = allocate(kept_minor.min(refunded), &weights);
    for (line, part) in lines.iter_mut().zip(parts) {
        line.amount_minor = line.amount_minor.map(|minor| minor - part);
    }
}

/// The store's currency, if the refund alone contains it. Otherwise it's the order's.
pub(super) fn currency_of(refund: &Refund) -> Option<Currency> {
    let lines = refund.refund_line_items.iter().map(|line| line.subtotal_set.as_ref());
    let shipping =
        refund.refund_shipping_lines.iter().map(|line| line.subtotal_amount_set.as_ref());
    let adjustments = refund.order_adjustments.iter().map(|a| a.amount_set.as_ref());
    let in_sets = lines
        .chain(shipping)
        .chain(adjustments)
        .chain([refund.total_duties_set.as_ref(), refund.total_refunded_set.as_ref()])
        .filter_map(|set| set?.shop_money.as_ref()?.currency_code.as_ref());
    // A transaction can be in the customer's currency. It's used only if its amount is needed, and
    // doesn't count in an order with another currency.
    let in_transactions = refund.transactions.iter().filter(|_| !is_divided(refund));
    let in_transactions = in_transactions.filter_map(|one| one.currency.as_ref());
    in_sets.chain(in_transactions).find_map(|code| Currency::from_code(&code.0).ok())
}
