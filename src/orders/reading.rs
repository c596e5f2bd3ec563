//! What the readers of all platforms' messages share: ids, texts and amounts as they are sent, and
//! what is said of a message that cannot be understood.

use chrono::{DateTime, SubsecRound, Utc};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::money::{Currency, MoneyError, parse_decimal, parse_scaled};

/// The most lines of an order or a refund.
pub(super) const MAX_LINES: usize = 10_000;
/// The most codes, shipping lines or refunds of an order.
pub(super) const MAX_PARTS: usize = 1_000;
/// The most items of a line.
pub(super) const MAX_QUANTITY: i64 = 100_000_000;
/// The most characters of a text that are kept; longer ones are cut.
const MAX_TEXT_CHARS: usize = 500;
/// The most digits of an id.
const MAX_ID_DIGITS: usize = 20;
/// No amount of an order is larger: 10^15 minor units, ten million million dollars.
const MAX_MINOR: i64 = 1_000_000_000_000_000;

/// Why a message that was signed by the store cannot be understood, for the shop's owner.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", self.sentence())]
pub struct Unintelligible {
    /// Where in the JSON, for example `line_items[3].price`; empty if it is the whole message.
    pub path: String,
    /// What is wrong there.
    pub problem: String,
}

impl Unintelligible {
    pub(super) fn new(path: impl Into<String>, problem: impl Into<String>) -> Self {
        let path = path.into();
        Self { path: if path == "." { String::new() } else { path }, problem: problem.into() }
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
pub(super) type At<'a> = &'a dyn Fn() -> String;

/// Reads a message as JSON, with nothing after it.
///
/// # Errors
/// [`Unintelligible`].
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Unintelligible> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        match error.classify() {
            serde_json::error::Category::Data => Unintelligible::new(path, words_of(&error)),
            _ => Unintelligible::new("", "it is not complete JSON"),
        }
    })?;
    json.end().map_err(|_| Unintelligible::new("", "something follows after its end"))?;
    Ok(value)
}

/// The reason without the line and column, which the path names better.
fn words_of(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let words = text.split(" at line ").next().unwrap_or(&text);
    words
        .chars()
        .take(200)
        .map(|c| if c == '\0' { char::REPLACEMENT_CHARACTER } else { c })
        .collect()
}

/// # Errors
/// If `count` is more than `limit`.
pub(super) fn at_most(
    limit: usize,
    count: usize,
    at: impl Fn() -> String,
) -> Result<(), Unintelligible> {
    if count <= limit {
        return Ok(());
    }
    Err(Unintelligible::new(at(), format!("{count} entries are too many, {limit} are the most")))
}

/// An id: digits, kept as text, because it may exceed 2^53.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Id(pub String);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = scalar(deserializer)?;
        let is_id = (1..=MAX_ID_DIGITS).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_id { Ok(Self(text)) } else { Err(D::Error::custom("an id must be a whole number")) }
    }
}

/// A decimal number exactly as it was written, be it a JSON text or a JSON number.
#[derive(Debug, Clone)]
pub(super) struct Decimal(pub String);

impl Decimal {
    /// The amount in minor units.
    ///
    /// # Errors
    /// If it is no amount of the currency, or is out of bounds.
    pub fn minor(&self, currency: Currency, at: At<'_>) -> Result<i64, Unintelligible> {
        self.bounded(parse_decimal(&self.0, currency), at)
    }

    /// The same, rounded half away from zero where there are more decimals than the currency has:
    /// as PHP rounds what it shows.
    ///
    /// # Errors
    /// If it is no amount, or is out of bounds.
    pub fn rounded(&self, currency: Currency, at: At<'_>) -> Result<i64, Unintelligible> {
        self.scaled(currency.exponent(), at)
    }

    /// [`Self::rounded`] in units of `10^-exponent`.
    ///
    /// # Errors
    /// If it is no amount, or is out of bounds.
    pub fn scaled(&self, exponent: u32, at: At<'_>) -> Result<i64, Unintelligible> {
        let text = self.0.trim();
        let past = text.find('.').map(|point| point + 1 + exponent as usize);
        let (kept, past) = past.and_then(|past| text.split_at_checked(past)).unwrap_or((text, ""));
        let is_number = past.bytes().all(|digit| digit.is_ascii_digit());
        let kept = if past.is_empty() { kept } else { kept.trim_end_matches('.') };
        let read = match parse_scaled(kept, exponent) {
            Ok(Some(units)) if is_number => Ok(units),
            Ok(_) => Err(MoneyError::NotANumber),
            Err(problem) => Err(problem),
        };
        let units = self.bounded(read, at)?;
        let up = i64::from(past.starts_with(['5', '6', '7', '8', '9']));
        Ok(if text.starts_with('-') { units - up } else { units + up })
    }

    fn bounded(&self, read: Result<i64, MoneyError>, at: At<'_>) -> Result<i64, Unintelligible> {
        let minor = read.map_err(|problem| {
            Unintelligible::new(at(), format!("“{}” {problem}", short(&self.0)))
        })?;
        if minor.unsigned_abs() > MAX_MINOR.unsigned_abs() {
            return Err(Unintelligible::new(at(), "the amount is too large to be one of an order"));
        }
        Ok(minor)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        scalar(deserializer).map(Self)
    }
}

/// A text that PostgreSQL can keep as JSON: without U+0000, and not too long.
#[derive(Debug, Clone)]
pub(super) struct Text(pub String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let kept = text.chars().take(MAX_TEXT_CHARS);
        Ok(Self(kept.map(|c| if c == '\0' { char::REPLACEMENT_CHARACTER } else { c }).collect()))
    }
}

/// A time with its offset, kept to the microsecond as PostgreSQL does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time(pub DateTime<Utc>);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time = DateTime::parse_from_rfc3339(&text)
            .map_err(|_| D::Error::custom("a time must look like 2026-03-01T14:05:00-05:00"))?;
        Ok(Self(time.with_timezone(&Utc).trunc_subsecs(6)))
    }
}

/// The text of a JSON text, or of a JSON number, which is never taken for a float.
fn scalar<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'"') => serde_json::from_str(text).map_err(D::Error::custom),
        Some(b'-' | b'0'..=b'9') => Ok(text.to_owned()),
        _ => Err(D::Error::custom("expected a number")),
    }
}

/// Lists are sometimes null.
pub(super) fn null_as_empty<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<Vec<T>>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Adds amounts up, or stops at the first that cannot be read.
pub(super) fn sum(
    amounts: impl Iterator<Item = Result<i64, Unintelligible>>,
) -> Result<i64, Unintelligible> {
    // Each is bounded and there are few enough of them, but nothing here rests on that.
    amounts.into_iter().try_fold(0_i64, |sum, minor| Ok(sum.saturating_add(minor?)))
}

/// A text that says something.
pub(super) fn filled(text: Option<&Text>) -> Option<String> {
    text.map(|text| text.0.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}
