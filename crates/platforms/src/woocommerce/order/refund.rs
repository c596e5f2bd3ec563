//! WooCommerce's refunds: the outline in an order, and the lines that are read separately.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::Value;
use vouch_core::money::{Currency, proportion_half_even};
use vouch_core::order::snapshot::{ReadProblem, RefundedLine, ReportedRefund, StoreEvent};

use super::payload::{Meta, Refund, RefundPart, RefundRead, RefundsRead};
use super::snapshot::Amounts;
use crate::payload::{
    At, Decimal, MAX_LINES, MAX_PARTS, MAX_QUANTITY, Notes, PayloadError, PayloadProblem, at_most,
};

/// The refunds of an order. The order contains how much was refunded, but not for what, and not
/// always how much of it is tax. Fails if an amount can't be parsed or there are too many.
pub(super) fn outlines(
    refunds: &[Refund],
    amounts: Amounts,
    reported_at: DateTime<Utc>,
    notes: &mut Notes,
) -> Result<Vec<ReportedRefund>, PayloadError> {
    at_most(MAX_PARTS, refunds.len(), || "refunds".to_owned())?;
    let mut seen = BTreeSet::new();
    let once = refunds.iter().enumerate().filter(|(_, one)| seen.insert(one.id.0.as_str()));
    let reported = once.map(|(i, refund)| {
        let at = |field: &str| format!("refunds[{i}].{field}");
        let all = amounts.signed(refund.total.as_ref(), &|| at("total"))?.saturating_abs();
        let tax = refund.total_tax.as_ref().filter(|tax| !tax.is_blank());
        let tax = tax.map(|tax| amounts.signed(Some(tax), &|| at("total_tax")));
        // The order doesn't contain the refund's time.
        let mut reported = ReportedRefund::new(refund.id.0.clone(), reported_at);
        reported.is_outline = true;
        if let Some(Ok(tax)) = tax {
            let tax = tax.saturating_abs().min(all);
            (reported.adjustment_minor, reported.adjustment_tax_minor) = (all - tax, tax);
        } else {
            // An invalid tax is treated as missing, so the refund is divided like the order.
            notes.or_zero(ReadProblem::Unreadable, tax.unwrap_or(Ok(0)));
            reported.undivided_minor = Some(all);
        }
        Ok(reported)
    });
    reported.collect()
}

/// Parses the store's response with the lines of an order's refunds. Fails if the currency or an
/// amount can't be parsed, or if there are too many parts.
pub(super) fn lines(read: RefundsRead) -> Result<StoreEvent, PayloadError> {
    let code = &read.currency.0;
    let currency = Currency::from_code(code)
        .map_err(|_| PayloadError::new("currency", PayloadProblem::not_a_currency(code)))?;
    at_most(MAX_PARTS, read.refunds.len(), || "refunds".to_owned())?;
    let read_at = read.read_at.0;
    let refunds = read.refunds.iter().enumerate();
    let refunds = refunds.map(|(i, refund)| refund_of(refund, i, Amounts(currency), read_at));
    Ok(StoreEvent::RefundLines {
        order_ref: read.order_id.0,
        currency,
        read_at,
        refunds: refunds.collect::<Result<_, _>>()?,
    })
}

fn refund_of(
    refund: &RefundRead,
    i: usize,
    amounts: Amounts,
    or_then: DateTime<Utc>,
) -> Result<ReportedRefund, PayloadError> {
    let refunded_at = refund.date_created_gmt.map_or(or_then, |time| time.0);
    let mut reported = ReportedRefund::new(refund.id.0.clone(), refunded_at);
    let mut notes = Notes::default();
    let mut read = |sent: &[RefundPart], name: &str| {
        parts(sent, &|| format!("refunds[{i}].{name}"), amounts, &mut notes)
    };
    for part in read(&refund.line_items, "line_items")? {
        reported.lines.push(RefundedLine {
            is_fee: false,
            // A part without the store's line ID belongs to no line of the order.
            line_ref: part.line_ref.unwrap_or_default(),
            quantity: part.quantity,
            amount_minor: Some(part.net_minor.abs()),
            tax_minor: part.tax_minor.abs(),
        });
    }
    for part in read(&refund.shipping_lines, "shipping_lines")? {
        reported.shipping_minor += part.net_minor.abs();
        reported.shipping_tax_minor += part.tax_minor.abs();
    }
    let mut discounts_minor = 0;
    for part in read(&refund.fee_lines, "fee_lines")? {
        let minor = part.net_minor + part.tax_minor;
        if minor < 0 {
            // A refunded discount that was booked as a fee has the opposite sign, because the store
            // gets it back.
            discounts_minor -= minor;
            continue;
        }
        // A fee isn't a price of goods, even if it's unknown which fee it was.
        let Some(line_ref) = part.line_ref else {
            reported.other_minor += minor;
            continue;
        };
        reported.lines.push(RefundedLine {
            is_fee: true,
            line_ref,
            quantity: 0,
            amount_minor: Some(part.net_minor.max(0)),
            tax_minor: part.tax_minor.max(0),
        });
    }
    let parts = refund.line_items.len() + refund.shipping_lines.len() + refund.fee_lines.len();
    let at = || format!("refunds[{i}].amount");
    let amount = refund.amount.as_ref().filter(|amount| !amount.is_blank());
    reported.notes = notes.into_vec();
    Ok(match amount {
        Some(_) => {
            let all = amounts.signed(amount, &at)?.saturating_abs();
            brought_to(reported, all.saturating_add(discounts_minor), parts)
        }
        None => reported,
    })
}

/// Adjusts the parts to the refunded total. An excess counts for the order as a whole, and a
/// shortfall reduces every part.
fn brought_to(mut refund: ReportedRefund, given_minor: i64, parts: usize) -> ReportedRefund {
    let said = refund.divided_minor();
    // The net amount and tax of each part are rounded separately.
    let tolerance = i64::try_from(parts).unwrap_or(i64::MAX);
    let beyond = given_minor.saturating_sub(said);
    // If a tax couldn't be parsed, the excess is that tax.
    if beyond > tolerance && refund.notes.is_empty() {
        refund.undivided_minor = Some(beyond);
    } else if beyond < -tolerance {
        refund = refund.map_amounts(|minor| proportion_half_even(minor, given_minor, said));
    }
    refund
}

/// The refund of one line, positive.
struct Part {
    line_ref: Option<String>,
    quantity: i64,
    net_minor: i64,
    tax_minor: i64,
}

fn parts(
    sent: &[RefundPart],
    at: At<'_>,
    amounts: Amounts,
    notes: &mut Notes,
) -> Result<Vec<Part>, PayloadError> {
    at_most(MAX_LINES, sent.len(), at)?;
    let parts = sent.iter().enumerate().map(|(j, part)| {
        let at = |field: &str| format!("{}[{j}].{field}", at());
        let tax = amounts.signed(part.total_tax.as_ref(), &|| at("total_tax"));
        Ok(Part {
            line_ref: line_ref(&part.meta_data),
            quantity: part.quantity.as_ref().map_or(0, whole_items),
            net_minor: -amounts.signed(part.total.as_ref(), &|| at("total"))?,
            tax_minor: -notes.or_zero(ReadProblem::UnreadableTax, tax),
        })
    });
    parts.collect()
}

/// The line of the order that a refunded line refers to.
fn line_ref(meta: &[Meta]) -> Option<String> {
    let is_it =
        |meta: &&Meta| meta.key.as_ref().and_then(Value::as_str) == Some("_refunded_item_id");
    match meta.iter().find(is_it)?.value.as_ref()? {
        Value::Number(id) => Some(id.to_string()),
        Value::String(id) => Some(id.trim().to_owned()),
        _ => None,
    }
    .filter(|id| !id.is_empty() && id != "0")
}

/// How many whole items were returned; 0 for a part sold by weight or length.
fn whole_items(sent: &Decimal) -> i64 {
    let count = sent.0.trim().trim_start_matches('-');
    let whole = count.split_once('.').map_or(count, |(whole, _)| whole);
    whole.parse().map_or(0, |count: i64| count.clamp(0, MAX_QUANTITY))
}
