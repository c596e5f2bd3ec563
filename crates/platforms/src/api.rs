//! Orders of any store, parsed from the JSON that the REST API documents.

mod text;

use std::collections::BTreeSet;

use chrono::{DateTime, SubsecRound, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use vouch_core::money::{Currency, parse_decimal};
use vouch_core::order::snapshot::{
    LineKind, OrderSnapshot, PaymentState, RefundedLine, ReportedCode, ReportedLine, ReportedRefund,
};
use vouch_core::order::times::{FIRST_YEAR, is_too_early, is_too_far_ahead};
use vouch_core::text::ReadableJson;

/// The maximum number of entries in any list of an order.
const MAX_PARTS: usize = 5_000;
/// The maximum quantity of a line.
const MAX_ITEMS: i64 = 1_000_000;
/// The maximum amount in minor units. With it, no sum over an order can overflow `i64`.
const MAX_MINOR: i64 = 100_000_000_000_000;

/// An order in its current state. Send it again whenever it changes, with a later `updated_at`. The
/// report with the latest one counts, and the same report twice changes nothing. A different report
/// with the same `updated_at` is refused with 409. Times must be in the year 2000 or later, and at
/// most a day ahead.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderBody {
    /// Your ID of the order. It identifies the order in all reports.
    #[schema(example = "100234", max_length = 200)]
    pub id: String,
    /// Your name of the order. Default: the ID.
    #[serde(default)]
    #[schema(example = "#1001")]
    pub name: Option<String>,
    /// When the customer placed it (RFC 3339). Codes that were active then count.
    #[schema(format = DateTime, example = "2026-03-10T12:00:00Z")]
    pub placed_at: String,
    /// When it last changed in your store (RFC 3339). Each different report of an order needs its own
    /// time.
    #[schema(format = DateTime, example = "2026-03-10T12:00:00Z")]
    pub updated_at: String,
    /// The currency of all amounts: a code of ISO 4217, or one that stores use in addition (GGP, IRT).
    #[schema(example = "USD")]
    pub currency: String,
    /// A test order. It earns no commission.
    #[serde(default)]
    pub test: bool,
    /// The payment status. Default: `paid`.
    #[serde(default)]
    pub payment: Payment,
    /// When it was canceled (RFC 3339). A canceled order earns no commission.
    #[serde(default)]
    #[schema(format = DateTime)]
    pub cancelled_at: Option<String>,
    /// The customer.
    #[serde(default)]
    pub customer: Option<CustomerBody>,
    /// The coupon codes on the order, in your store's sequence.
    #[serde(default)]
    pub codes: Vec<CodeBody>,
    /// The lines of the order.
    #[serde(default)]
    pub lines: Vec<LineBody>,
    /// Shipping after discounts, without tax. Amounts are decimal strings.
    #[serde(default)]
    #[schema(example = "4.90")]
    pub shipping: Option<String>,
    /// The tax on shipping.
    #[serde(default)]
    pub shipping_tax: Option<String>,
    /// The total tax of the order.
    #[serde(default)]
    pub tax: Option<String>,
    /// The total amount to pay, before refunds.
    #[schema(example = "34.00")]
    pub total: String,
    /// All refunds so far.
    #[serde(default)]
    pub refunds: Vec<RefundBody>,
}

/// The payment status.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Payment {
    /// Not paid yet.
    Pending,
    /// Authorized, but not captured yet.
    Authorized,
    /// The authorization expired.
    Expired,
    /// Partially paid.
    PartiallyPaid,
    /// Paid.
    #[default]
    Paid,
    /// Partially refunded.
    PartiallyRefunded,
    /// Fully refunded.
    Refunded,
    /// Voided before any payment. Counts like a cancellation.
    Voided,
}

impl From<Payment> for PaymentState {
    fn from(payment: Payment) -> Self {
        match payment {
            Payment::Pending => Self::Pending,
            Payment::Authorized => Self::Authorized,
            Payment::Expired => Self::Expired,
            Payment::PartiallyPaid => Self::PartiallyPaid,
            Payment::Paid => Self::Paid,
            Payment::PartiallyRefunded => Self::PartiallyRefunded,
            Payment::Refunded => Self::Refunded,
            Payment::Voided => Self::Voided,
        }
    }
}

/// The customer.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CustomerBody {
    /// Your ID of the customer.
    pub id: Option<String>,
    /// The affiliate with this Customer Email trigger earns commission.
    pub email: Option<String>,
    /// For display.
    pub name: Option<String>,
}

/// A coupon code on the order.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeBody {
    /// The code as the customer typed it.
    #[schema(example = "SAVE10")]
    pub code: String,
    /// The amount it took off the order.
    #[serde(default)]
    #[schema(example = "3.23")]
    pub discount: Option<String>,
}

/// A line of the order.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineBody {
    /// Your ID of the line. Refunds use it.
    #[schema(example = "1")]
    pub id: String,
    /// The SKU.
    #[serde(default)]
    pub sku: Option<String>,
    /// The title.
    #[serde(default)]
    pub title: Option<String>,
    /// The quantity.
    #[schema(minimum = 0)]
    pub quantity: i64,
    /// The price per unit.
    #[schema(example = "29.10")]
    pub price: String,
    /// All discounts on the whole line, including its share of the codes' discounts.
    #[serde(default)]
    pub discount: Option<String>,
    /// The tax on the whole line.
    #[serde(default)]
    pub tax: Option<String>,
    /// Whether the price and the discount include tax.
    #[serde(default)]
    pub tax_included: bool,
    /// The kind of line. Default: `goods`.
    #[serde(default)]
    pub kind: LineKindBody,
}

/// The kind of a line. Gift cards, tips and shipping earn commission only if Calculation Logic includes
/// them. Fees never do.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineKindBody {
    /// A product.
    #[default]
    Goods,
    /// A gift card or gift certificate.
    GiftCard,
    /// A tip.
    Tip,
    /// Wrapping, handling or a surcharge.
    Fee,
    /// Shipping that isn't in `shipping`.
    Shipping,
}

impl From<LineKind> for LineKindBody {
    fn from(kind: LineKind) -> Self {
        match kind {
            LineKind::Goods => Self::Goods,
            LineKind::GiftCard => Self::GiftCard,
            LineKind::Tip => Self::Tip,
            LineKind::Fee => Self::Fee,
            LineKind::Shipping => Self::Shipping,
        }
    }
}

impl From<LineKindBody> for LineKind {
    fn from(kind: LineKindBody) -> Self {
        match kind {
            LineKindBody::Goods => Self::Goods,
            LineKindBody::GiftCard => Self::GiftCard,
            LineKindBody::Tip => Self::Tip,
            LineKindBody::Fee => Self::Fee,
            LineKindBody::Shipping => Self::Shipping,
        }
    }
}

/// A refund.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundBody {
    /// Your ID of the refund.
    pub id: String,
    /// When it was refunded (RFC 3339).
    #[schema(format = DateTime)]
    pub refunded_at: String,
    /// The refunded lines.
    #[serde(default)]
    pub lines: Vec<RefundLineBody>,
    /// The refunded shipping, without tax.
    #[serde(default)]
    pub shipping: Option<String>,
    /// The tax on it.
    #[serde(default)]
    pub shipping_tax: Option<String>,
    /// Refunded in addition to lines and shipping, without tax.
    #[serde(default)]
    pub adjustment: Option<String>,
    /// The total refund with tax, if you don't know its parts. It covers lines without an amount
    /// first. The rest is spread over the order, with the order's share of tax.
    #[serde(default)]
    pub total: Option<String>,
}

/// The part of a refund that belongs to one line.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundLineBody {
    /// The ID of the line.
    pub line_id: String,
    /// The returned quantity. 0 if only money was refunded.
    #[serde(default)]
    pub quantity: i64,
    /// The refunded amount without tax. Default: the price paid for this quantity.
    #[serde(default)]
    pub amount: Option<String>,
    /// The tax on it.
    #[serde(default)]
    pub tax: Option<String>,
}

/// An invalid field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) to the field.
    #[schema(example = "/lines/0/price")]
    pub pointer: String,
    /// What's wrong and how to fix it, for people.
    pub detail: String,
}

/// Parses the documented JSON of an order that was accepted before.
pub fn parse(body: &[u8]) -> Result<OrderSnapshot, Vec<FieldError>> {
    check(&typed_json(body)?, DateTime::<Utc>::MAX_UTC, false)
}

/// Parses the documented JSON of an order received at `now`. Fails with all errors at once, or with
/// the first one if the JSON itself doesn't match.
pub fn parse_at(body: &[u8], now: DateTime<Utc>) -> Result<OrderSnapshot, Vec<FieldError>> {
    check(&read_json(body)?, now, true)
}

fn check(
    typed: &OrderBody,
    now: DateTime<Utc>,
    is_new: bool,
) -> Result<OrderSnapshot, Vec<FieldError>> {
    let mut checked = Checked::new(&typed.currency, now, is_new);
    let report = checked.order(typed);
    if checked.errors.is_empty() { Ok(report) } else { Err(checked.errors) }
}

/// Parses JSON of a known shape in which no text contains a character that PostgreSQL can't store.
/// Fails with the first field that doesn't match.
pub fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Vec<FieldError>> {
    let typed = typed_json(body)?;
    typed_json::<ReadableJson>(body)?;
    Ok(typed)
}

fn typed_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Vec<FieldError>> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let typed = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let pointer = pointer(error.path());
        vec![FieldError { pointer, detail: text::invalid(error.inner()) }]
    })?;
    match json.end() {
        Ok(()) => Ok(typed),
        Err(error) => {
            Err(vec![FieldError { pointer: String::new(), detail: text::invalid(error) }])
        }
    }
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let part = |segment: &Segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { .. } | Segment::Unknown => String::new(),
    };
    path.iter().map(part).collect()
}

/// Parses values and collects their errors.
struct Checked {
    currency: Currency,
    now: DateTime<Utc>,
    /// False for an order that was accepted before, perhaps under other rules.
    is_new: bool,
    errors: Vec<FieldError>,
}

impl Checked {
    fn new(code: &str, now: DateTime<Utc>, is_new: bool) -> Self {
        let currency = Currency::known(code);
        let mut checked = Self {
            currency: *currency.as_ref().unwrap_or(&Currency::USD),
            now,
            is_new,
            errors: Vec::new(),
        };
        if let Err(unknown) = currency {
            checked.wrong("/currency", text::invalid(unknown));
        }
        checked
    }

    fn wrong(&mut self, pointer: &str, detail: impl Into<String>) {
        self.errors.push(FieldError { pointer: pointer.to_owned(), detail: detail.into() });
    }

    fn order(&mut self, body: &OrderBody) -> OrderSnapshot {
        self.parts("/codes", body.codes.len());
        self.parts("/lines", body.lines.len());
        self.parts("/refunds", body.refunds.len());
        let order_ref = self.text("/id", &body.id, 200);
        let name = self.optional("/name", body.name.as_deref(), 200);
        let customer = body.customer.as_ref();
        let of_customer = |of: fn(&CustomerBody) -> Option<&str>| customer.and_then(of);
        OrderSnapshot {
            name: name.unwrap_or_else(|| order_ref.clone()),
            order_ref,
            reported_at: self.time("/updated_at", &body.updated_at),
            placed_at: self.time("/placed_at", &body.placed_at),
            currency: self.currency,
            is_test: body.test,
            payment: body.payment.into(),
            cancelled_at: body.cancelled_at.as_deref().map(|at| self.time("/cancelled_at", at)),
            customer_email: self.optional(
                "/customer/email",
                of_customer(|c| c.email.as_deref()),
                254,
            ),
            customer_ref: self.optional("/customer/id", of_customer(|c| c.id.as_deref()), 200),
            customer_name: self.optional("/customer/name", of_customer(|c| c.name.as_deref()), 300),
            codes: body.codes.iter().enumerate().map(|(at, code)| self.code(at, code)).collect(),
            lines: self.lines(&body.lines),
            shipping_minor: self.amount("/shipping", body.shipping.as_deref()),
            shipping_tax_minor: self.amount("/shipping_tax", body.shipping_tax.as_deref()),
            tax_minor: self.amount("/tax", body.tax.as_deref()),
            total_minor: self.amount("/total", Some(&body.total)),
            refunds: self.refunds(body),
            negative_fees_minor: 0,
            notes: Vec::new(),
        }
    }

    fn code(&mut self, at: usize, code: &CodeBody) -> ReportedCode {
        let path = format!("/codes/{at}");
        ReportedCode {
            code: self.text(&format!("{path}/code"), &code.code, 255),
            discount_minor: self.amount(&format!("{path}/discount"), code.discount.as_deref()),
        }
    }

    fn lines(&mut self, lines: &[LineBody]) -> Vec<ReportedLine> {
        let mut seen = BTreeSet::new();
        let mut read = Vec::with_capacity(lines.len());
        for (at, line) in lines.iter().enumerate() {
            let path = format!("/lines/{at}");
            if !seen.insert(line.id.trim()) {
                self.wrong(&format!("{path}/id"), text::LINE_ID_TAKEN);
            }
            read.push(ReportedLine {
                line_ref: self.text(&format!("{path}/id"), &line.id, 200),
                sku: self.optional(&format!("{path}/sku"), line.sku.as_deref(), 255),
                title: self
                    .optional(&format!("{path}/title"), line.title.as_deref(), 500)
                    .unwrap_or_default(),
                quantity: self.quantity(&format!("{path}/quantity"), line.quantity),
                remaining_quantity: None,
                price_minor: self.amount(&format!("{path}/price"), Some(&line.price)),
                discount_minor: self.amount(&format!("{path}/discount"), line.discount.as_deref()),
                tax_minor: self.amount(&format!("{path}/tax"), line.tax.as_deref()),
                tax_included: line.tax_included,
                kind: line.kind.into(),
            });
        }
        read
    }

    fn refunds(&mut self, body: &OrderBody) -> Vec<ReportedRefund> {
        let known: BTreeSet<&str> = body.lines.iter().map(|line| line.id.trim()).collect();
        let mut seen = BTreeSet::new();
        let mut read = Vec::with_capacity(body.refunds.len());
        for (at, refund) in body.refunds.iter().enumerate() {
            let path = format!("/refunds/{at}");
            if !seen.insert(refund.id.trim()) {
                self.wrong(&format!("{path}/id"), text::REFUND_ID_TAKEN);
            }
            self.parts(&format!("{path}/lines"), refund.lines.len());
            read.push(self.refund(&path, refund, &known));
        }
        read
    }

    fn refund(
        &mut self,
        path: &str,
        refund: &RefundBody,
        known: &BTreeSet<&str>,
    ) -> ReportedRefund {
        let refund_ref = self.text(&format!("{path}/id"), &refund.id, 200);
        let refunded_at = self.time(&format!("{path}/refunded_at"), &refund.refunded_at);
        let mut reported = ReportedRefund::new(refund_ref, refunded_at);
        let lines = refund.lines.iter().enumerate();
        reported.lines = lines
            .map(|(at, line)| self.refunded(&format!("{path}/lines/{at}"), line, known))
            .collect();
        let mut amount = |field: &str, typed: &Option<String>| {
            self.amount(&format!("{path}/{field}"), typed.as_deref())
        };
        reported.adjustment_minor = amount("adjustment", &refund.adjustment);
        reported.shipping_minor = amount("shipping", &refund.shipping);
        reported.shipping_tax_minor = amount("shipping_tax", &refund.shipping_tax);
        let total = amount("total", &refund.total);
        if refund.total.is_some() {
            reported.undivided_minor = Some(total.saturating_sub(reported.divided_minor()).max(0));
        }
        reported
    }

    fn refunded(
        &mut self,
        path: &str,
        line: &RefundLineBody,
        known: &BTreeSet<&str>,
    ) -> RefundedLine {
        if !known.contains(line.line_id.trim()) {
            self.wrong(&format!("{path}/line_id"), text::UNKNOWN_LINE);
        }
        if line.amount.is_none() && line.quantity == 0 {
            self.wrong(&format!("{path}/amount"), text::AMOUNT_NEEDED);
        }
        let amount = self.amount(&format!("{path}/amount"), line.amount.as_deref());
        RefundedLine {
            is_fee: false,
            line_ref: line.line_id.trim().to_owned(),
            quantity: self.quantity(&format!("{path}/quantity"), line.quantity),
            amount_minor: line.amount.is_some().then_some(amount),
            tax_minor: self.amount(&format!("{path}/tax"), line.tax.as_deref()),
        }
    }

    fn parts(&mut self, pointer: &str, count: usize) {
        if count > MAX_PARTS {
            self.wrong(pointer, text::too_many_parts(count));
        }
    }

    fn text(&mut self, pointer: &str, typed: &str, max: usize) -> String {
        if typed.trim().is_empty() {
            self.wrong(pointer, text::EMPTY);
        } else if typed.chars().count() > max {
            self.wrong(pointer, text::too_long(max));
        } else if typed.chars().any(|c| c == '\0') {
            self.wrong(pointer, text::NUL);
        }
        typed.trim().to_owned()
    }

    fn optional(&mut self, pointer: &str, typed: Option<&str>, max: usize) -> Option<String> {
        let typed = typed.filter(|typed| !typed.trim().is_empty())?;
        Some(self.text(pointer, typed, max))
    }

    fn time(&mut self, pointer: &str, typed: &str) -> DateTime<Utc> {
        match DateTime::parse_from_rfc3339(typed.trim()) {
            Ok(at) => {
                // PostgreSQL's precision, so that a repeated report has the same time.
                let at = at.with_timezone(&Utc).trunc_subsecs(6);
                if is_too_far_ahead(at, self.now) {
                    self.wrong(pointer, text::TOO_FAR_AHEAD);
                } else if self.is_new && is_too_early(at) {
                    self.wrong(pointer, text::too_early(FIRST_YEAR));
                }
                at
            }
            Err(_) => {
                self.wrong(pointer, text::NO_TIME);
                DateTime::UNIX_EPOCH
            }
        }
    }

    fn quantity(&mut self, pointer: &str, count: i64) -> i64 {
        if !(0..=MAX_ITEMS).contains(&count) {
            self.wrong(pointer, text::quantity());
        }
        count
    }

    fn amount(&mut self, pointer: &str, typed: Option<&str>) -> i64 {
        let Some(typed) = typed else { return 0 };
        match parse_decimal(typed, self.currency) {
            Ok(minor) if (0..=MAX_MINOR).contains(&minor) => minor,
            Ok(minor) if minor < 0 => {
                self.wrong(pointer, text::NEGATIVE);
                0
            }
            Ok(_) => {
                self.wrong(pointer, text::TOO_LARGE);
                0
            }
            Err(error) => {
                self.wrong(pointer, text::amount(typed, error));
                0
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pointers(body: &serde_json::Value) -> Vec<String> {
        let errors = parse(body.to_string().as_bytes()).unwrap_err();
        errors.into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn an_order_is_read_exactly() {
        let body = json!({
            "id": "9007199254740993", "placed_at": "2026-03-10T13:00:00+01:00",
            "updated_at": "2026-03-10T12:00:00Z", "currency": "kwd", "total": "12.345",
            "codes": [{ "code": " Save10 ", "discount": "1.000" }],
            "lines": [{ "id": "1", "quantity": 2, "price": "6.1720" }],
            "refunds": [{ "id": "r", "refunded_at": "2026-03-11T00:00:00Z",
                "lines": [{ "line_id": "1", "quantity": 1, "amount": "6.17" }] }]
        });
        let report = parse(body.to_string().as_bytes()).unwrap();
        assert_eq!((report.name.as_str(), report.currency), ("9007199254740993", Currency::KWD));
        assert_eq!((report.total_minor, report.lines[0].price_minor), (12_345, 6_172));
        assert_eq!(report.placed_at, report.reported_at);
        assert_eq!(report.payment, PaymentState::Paid);
        assert_eq!(report.refunds[0].lines[0].amount_minor, Some(6_170));
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let body = json!({
            "id": " ", "placed_at": "yesterday", "updated_at": "2026-03-10T12:00:00Z",
            "currency": "USD", "total": "-1.00",
            "lines": [
                { "id": "1", "quantity": -1, "price": "1.005" },
                { "id": "1", "quantity": 1, "price": "1" }
            ],
            "refunds": [{ "id": "r", "refunded_at": "2026-03-11T00:00:00Z",
                "lines": [{ "line_id": "2", "amount": "x" }] }]
        });
        let mut found = pointers(&body);
        found.sort();
        assert_eq!(
            found,
            [
                "/id",
                "/lines/0/price",
                "/lines/0/quantity",
                "/lines/1/id",
                "/placed_at",
                "/refunds/0/lines/0/amount",
                "/refunds/0/lines/0/line_id",
                "/total",
            ]
        );
    }

    #[test]
    fn a_place_that_does_not_fit_is_pointed_to() {
        let times = json!({ "id": "1", "placed_at": "", "updated_at": "", "currency": "USD",
            "total": "1", "lines": [{ "id": "1", "quantity": 1, "price": 29.1 }] });
        assert_eq!(pointers(&times), ["/lines/0/price"]);
        let unknown = json!({ "id": "1", "discount_code": "SAVE10" });
        assert_eq!(pointers(&unknown), ["/discount_code"]);
        assert_eq!(parse(b"{").unwrap_err().len(), 1);
    }
}
