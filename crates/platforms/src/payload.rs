//! What the readers of all platforms' messages share.
//!
//! Only an amount that enters the base of commission can keep an order out. Everything else is read
//! as tolerantly as stores and their extensions write it: a number as text or text as a number, an
//! object for a list, an empty text for nothing, an exponent, more decimals than the currency has
//! (rounded half to even), dates in any form. What still can't be read is passed over with a note.

mod json;
mod list;
mod scalar;
mod time;

use thiserror::Error;

pub(crate) use self::json::{Notes, read};
pub(crate) use self::list::{list, maybe_list};
pub(crate) use self::scalar::{Decimal, Id, Text, count, maybe, plain, unchecked};
pub(crate) use self::time::Time;

/// The time of a field of an order that a store's API answered, in whatever form.
pub(crate) fn time_of(value: &serde_json::Value) -> Option<chrono::DateTime<chrono::Utc>> {
    let text = value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_owned());
    <Time as scalar::Scalar>::of(&text).ok().map(|time| time.0)
}

/// The id of an order that a store's API answered, be it a number or text.
pub(crate) fn id_of(value: &serde_json::Value) -> Option<String> {
    let text = value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_owned());
    <Id as scalar::Scalar>::of(&text).ok().map(|id| id.0)
}

/// The most lines of an order or a refund.
pub(crate) const MAX_LINES: usize = 10_000;
/// The most codes, shipping lines or refunds of an order.
pub(crate) const MAX_PARTS: usize = 1_000;
/// The most items of a line.
pub(crate) const MAX_QUANTITY: i64 = 100_000_000;

/// Why a message that was signed by the store cannot be understood, for the shop's owner.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", self.sentence())]
pub struct PayloadError {
    /// Where in the JSON, for example `line_items[3].price`; empty if it is the whole message.
    pub path: String,
    /// What is wrong there.
    pub problem: String,
}

impl PayloadError {
    pub fn new(path: impl Into<String>, problem: impl Into<String>) -> Self {
        // What was sent stands in both, and PostgreSQL keeps no U+0000.
        let kept = |text: String| text.replace('\0', "\u{fffd}");
        Self { path: kept(path.into()), problem: kept(problem.into()) }
    }

    fn sentence(&self) -> String {
        let Self { path, problem } = self;
        if path.is_empty() {
            format!("The store’s message cannot be understood: {problem}.")
        } else {
            format!("The store’s message cannot be understood at “{path}”: {problem}.")
        }
    }
}

/// Where in the message something stands, written out only if it has to be named.
pub(crate) type At<'a> = &'a dyn Fn() -> String;

/// # Errors
/// If `count` is more than `limit`.
pub(crate) fn at_most(
    limit: usize,
    count: usize,
    at: impl Fn() -> String,
) -> Result<(), PayloadError> {
    if count <= limit {
        return Ok(());
    }
    Err(PayloadError::new(at(), format!("{count} entries are too many, {limit} are the most")))
}

/// Adds amounts up, or stops at the first that cannot be read.
pub(crate) fn sum(
    amounts: impl Iterator<Item = Result<i64, PayloadError>>,
) -> Result<i64, PayloadError> {
    // Each is bounded and there are few enough of them, but nothing here rests on that.
    amounts.into_iter().try_fold(0_i64, |sum, minor| Ok(sum.saturating_add(minor?)))
}

/// A text that says something.
pub(crate) fn filled(text: Option<&Text>) -> Option<String> {
    text.map(|text| text.0.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}
