//! What the payload parsers of all platforms share.
//!
//! Only an amount in the base of commission can keep an order out. Everything else is parsed as
//! tolerantly as stores and their extensions write it. That includes numbers as text, text as
//! numbers, objects for lists, empty text for nothing, exponents and dates in any format. Extra
//! decimals are rounded half to even. Values that still can't be parsed are skipped with a note.

mod json;
mod list;
mod scalar;
mod text;
mod time;

pub(crate) use self::json::{Notes, read};
pub(crate) use self::list::{list, maybe_list};
pub(crate) use self::scalar::{Decimal, Id, Text, count, maybe, plain, unchecked};
pub use self::text::{PayloadError, PayloadProblem};
pub(crate) use self::time::Time;

/// The time in a field of an API response, in any format.
pub(crate) fn time_of(value: &serde_json::Value) -> Option<chrono::DateTime<chrono::Utc>> {
    let text = value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_owned());
    <Time as scalar::Scalar>::of(&text).ok().map(|time| time.0)
}

/// The order ID in a field of an API response, as a number or text.
pub(crate) fn id_of(value: &serde_json::Value) -> Option<String> {
    let text = value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_owned());
    <Id as scalar::Scalar>::of(&text).ok().map(|id| id.0)
}

/// The maximum number of lines in an order or refund.
pub(crate) const MAX_LINES: usize = 10_000;
/// The maximum number of codes, shipping lines or refunds in an order.
pub(crate) const MAX_PARTS: usize = 1_000;
/// The maximum quantity of a line.
pub(crate) const MAX_QUANTITY: i64 = 100_000_000;

/// A path in the message, written out only if an error needs it.
pub(crate) type At<'a> = &'a dyn Fn() -> String;

/// Fails if `count` is more than `limit`.
pub(crate) fn at_most(
    limit: usize,
    count: usize,
    at: impl Fn() -> String,
) -> Result<(), PayloadError> {
    if count <= limit {
        return Ok(());
    }
    Err(PayloadError::new(at(), PayloadProblem::TooMany { count, limit }))
}

/// Adds up amounts. Fails with the first that can't be parsed.
pub(crate) fn sum(
    amounts: impl Iterator<Item = Result<i64, PayloadError>>,
) -> Result<i64, PayloadError> {
    // The bounds and limits prevent an overflow, but this code doesn't rely on them.
    amounts.into_iter().try_fold(0_i64, |sum, minor| Ok(sum.saturating_add(minor?)))
}

/// The text, unless it's blank.
pub(crate) fn filled(text: Option<&Text>) -> Option<String> {
    text.map(|text| text.0.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}
