use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::value::RawValue;
use vouch_core::money::{Currency, parse_scaled};

use super::{At, PayloadError, PayloadProblem};

/// The maximum length of a stored text, in characters. Longer text is cut.
const MAX_TEXT_CHARS: usize = 500;
/// The maximum number of digits in an ID.
const MAX_ID_DIGITS: usize = 20;
/// The maximum amount: 10^15 minor units, ten trillion dollars.
const MAX_MINOR: i64 = 1_000_000_000_000_000;

/// A value parsed from a single JSON text, number or boolean.
pub(crate) trait Scalar: Sized {
    /// Parses text without surrounding spaces. `Err` contains what was expected.
    fn of(text: &str) -> Result<Self, &'static str>;
}

/// `None` for null and empty text.
pub(crate) fn maybe<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Scalar,
{
    match written(deserializer)? {
        Some(text) if !text.trim().is_empty() => {
            T::of(text.trim()).map(Some).map_err(D::Error::custom)
        }
        _ => Ok(None),
    }
}

pub(crate) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    maybe(deserializer)?.ok_or_else(|| D::Error::custom("expected a whole number"))
}

/// An amount of any form. An invalid amount is reported only where it's needed, so unused fields
/// cause no errors.
pub(crate) fn unchecked<'de, D>(deserializer: D) -> Result<Option<Decimal>, D::Error>
where
    D: Deserializer<'de>,
{
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    let text = match raw.get() {
        "null" => return Ok(None),
        text if text.starts_with('"') => serde_json::from_str(text).map_err(D::Error::custom)?,
        text => text.to_owned(),
    };
    Ok(Some(Decimal(text)))
}

/// The text of a JSON text, number or boolean. Numbers are never converted to floats.
fn written<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'"') => serde_json::from_str(text).map(Some).map_err(D::Error::custom),
        Some(b'n') => Ok(None),
        Some(b'[' | b'{') | None => Err(D::Error::custom("expected a single value")),
        Some(_) => Ok(Some(text.to_owned())),
    }
}

fn there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    written(deserializer)?.ok_or_else(|| D::Error::custom("the value is missing"))
}

/// An ID made of digits. It's text, because it may exceed 2^53.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Id(pub String);

impl Scalar for Id {
    fn of(text: &str) -> Result<Self, &'static str> {
        let is_id = (1..=MAX_ID_DIGITS).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_id { Ok(Self(text.to_owned())) } else { Err("an ID must be a whole number") }
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::of(there(deserializer)?.trim()).map_err(D::Error::custom)
    }
}

impl Scalar for i64 {
    fn of(text: &str) -> Result<Self, &'static str> {
        let digits = match text.split_once('.') {
            Some((digits, zeros)) if zeros.bytes().all(|byte| byte == b'0') => digits,
            _ => text,
        };
        digits.parse().map_err(|_| "expected a whole number")
    }
}

impl Scalar for bool {
    fn of(text: &str) -> Result<Self, &'static str> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => Ok(true),
            "false" | "0" | "no" => Ok(false),
            _ => Err("expected true or false"),
        }
    }
}

/// A decimal number exactly as written, from a JSON text or number.
#[derive(Debug, Clone)]
pub(crate) struct Decimal(pub String);

impl Decimal {
    pub(crate) fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }

    /// The amount in minor units. Extra decimals are rounded half to even. Fails if it isn't an
    /// amount or is out of bounds.
    pub(crate) fn minor(&self, currency: Currency, at: At<'_>) -> Result<i64, PayloadError> {
        self.scaled(currency.exponent(), at)
    }

    /// Like [`Self::minor`], in units of `10^-exponent`.
    pub(crate) fn scaled(&self, exponent: u32, at: At<'_>) -> Result<i64, PayloadError> {
        let units = parse_scaled(&self.0, exponent)
            .map_err(|error| PayloadError::new(at(), PayloadProblem::of_amount(&self.0, error)))?;
        let bounded = i64::try_from(units).ok();
        let bounded = bounded.filter(|units| units.unsigned_abs() <= MAX_MINOR.unsigned_abs());
        bounded.ok_or_else(|| PayloadError::new(at(), PayloadProblem::TooLarge))
    }
}

impl Scalar for Decimal {
    fn of(text: &str) -> Result<Self, &'static str> {
        Ok(Self(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        there(deserializer).map(Self)
    }
}

/// Text that PostgreSQL can store as JSON: without U+0000, and cut to the maximum length.
#[derive(Debug, Clone)]
pub(crate) struct Text(pub String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = there(deserializer)?;
        let kept = text.chars().take(MAX_TEXT_CHARS);
        Ok(Self(kept.map(|c| if c == '\0' { char::REPLACEMENT_CHARACTER } else { c }).collect()))
    }
}

/// Decodes HTML entities. WordPress stores names with them, sometimes encoded twice.
pub(crate) fn plain(text: &str) -> String {
    const NAMED: [(&str, char); 7] = [
        ("lt;", '<'),
        ("gt;", '>'),
        ("quot;", '"'),
        ("apos;", '\''),
        ("nbsp;", '\u{a0}'),
        ("ndash;", '–'),
        ("rsquo;", '’'),
    ];
    // `&amp;` first, so text that was encoded twice remains encoded once.
    let text = text.replace("&amp;", "&").replace("&amp;", "&");
    let mut parts = text.split('&');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let named = NAMED.iter().find_map(|(name, c)| Some((*c, part.strip_prefix(name)?)));
        let numbered = || {
            let (number, rest) = part.strip_prefix('#')?.split_once(';')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            let c = char::from_u32(code).filter(|c| !c.is_control())?;
            Some((c, rest))
        };
        match named.or_else(numbered) {
            Some((c, rest)) => {
                plain.push(c);
                plain.push_str(rest);
            }
            None => plain.extend(["&", part]),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read<T: Scalar>(value: &Value) -> Result<Option<T>, String> {
        let text = value.to_string();
        let mut json = serde_json::Deserializer::from_str(&text);
        maybe(&mut json).map_err(|error: serde_json::Error| error.to_string())
    }

    #[test]
    fn single_values_are_read_from_text_number_and_boolean() {
        for value in [json!(12), json!("12"), json!(" 12 ")] {
            assert_eq!(read::<Id>(&value), Ok(Some(Id("12".into()))), "{value}");
            assert_eq!(read::<i64>(&value), Ok(Some(12)), "{value}");
        }
        assert_eq!(read::<i64>(&json!("12.000")), Ok(Some(12)));
        for value in [json!(true), json!("true"), json!(1), json!("1"), json!("Yes")] {
            assert_eq!(read::<bool>(&value), Ok(Some(true)), "{value}");
        }
        for value in [json!(null), json!(""), json!("  ")] {
            assert_eq!(read::<Id>(&value), Ok(None), "{value}");
            assert_eq!(read::<bool>(&value), Ok(None), "{value}");
        }
        for value in [json!({}), json!([]), json!("x"), json!(1.5), json!(-1)] {
            assert!(read::<Id>(&value).is_err(), "{value}");
        }
    }

    #[test]
    fn names_are_read_without_entities() {
        for (sent, read) in [
            ("Tea &amp; Mug", "Tea & Mug"),
            ("Tea &amp;amp; Mug", "Tea & Mug"),
            ("O&#039;Bea", "O'Bea"),
            ("O&amp;#039;Bea", "O'Bea"),
            ("5&#x2033; &quot;pot&quot;", "5″ \"pot\""),
            ("R&B & soul", "R&B & soul"),
            ("&#0; &#x110000; &unknown;", "&#0; &#x110000; &unknown;"),
        ] {
            assert_eq!(plain(sent), read);
        }
    }
}
