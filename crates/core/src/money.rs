//! Money in whole minor units (`i64`) of a currency, without floating point.
//!
//! Amounts are parsed exactly or rejected. A rate is rounded half to even once, and the parts of a
//! divided total always add up to it.

mod codes;
mod rate;

use std::fmt;
use std::str::FromStr;

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Text;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

pub use self::rate::{Rate, RateError};
use crate::number::{MINUS, grouped};

/// U+00A0 prevents a line break between a sign, a currency and its digits.
const NO_BREAK_SPACE: char = '\u{a0}';

/// A currency and its number of decimals: 0 for JPY, 2 for USD, 3 for KWD.
///
/// It's written as its three-letter code in JSON, in the database (`char(3)`) and in text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct Currency {
    code: &'static str,
    exponent: u32,
}

/// The code doesn't have three letters, or was typed and isn't a currency in use.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("“{0}” isn’t a currency code (such as USD)")]
pub struct UnknownCurrency(pub String);

impl Currency {
    pub const USD: Self = Self { code: "USD", exponent: 2 };
    pub const EUR: Self = Self { code: "EUR", exponent: 2 };
    pub const GBP: Self = Self { code: "GBP", exponent: 2 };
    pub const JPY: Self = Self { code: "JPY", exponent: 0 };
    pub const KWD: Self = Self { code: "KWD", exponent: 3 };

    /// Parses a code from a store or the database, in any case and with surrounding white space. An
    /// unlisted currency has [`codes::DECIMALS_OF_UNKNOWN`] decimals.
    ///
    /// Fails if the code doesn't have three letters.
    pub fn from_code(code: &str) -> Result<Self, UnknownCurrency> {
        codes::interned(code.trim())
            .map(|code| Self { code, exponent: codes::decimals_or_default(code) })
            .ok_or_else(|| UnknownCurrency(code.chars().take(20).collect()))
    }

    /// Parses a code that a user or an API client sent, which must be listed.
    ///
    /// Fails if it isn't listed, or isn't money (gold, test codes).
    pub fn known(code: &str) -> Result<Self, UnknownCurrency> {
        let currency = Self::from_code(code)?;
        if currency.is_known() { Ok(currency) } else { Err(UnknownCurrency(currency.code.into())) }
    }

    /// Whether ISO 4217 or a store platform lists it, so that its decimals are certain.
    pub fn is_known(self) -> bool {
        codes::decimals(self.code).is_some()
    }

    /// The three letters, for example `USD`.
    pub fn code(self) -> &'static str {
        self.code
    }

    /// The English name, for example `United States dollar`; the code for an unlisted currency.
    pub fn name(self) -> String {
        codes::name(self.code).unwrap_or_else(|| self.code.to_owned())
    }

    /// The number of decimals: a minor unit is `10^-exponent` of the currency.
    pub fn exponent(self) -> u32 {
        self.exponent
    }

    /// The currency sign, only where every reader takes it for this currency.
    fn sign(self) -> Option<char> {
        match self.code {
            "USD" => Some('$'),
            "EUR" => Some('€'),
            "GBP" => Some('£'),
            "JPY" => Some('¥'),
            _ => None,
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(code: &str) -> Result<Self, UnknownCurrency> {
        Self::from_code(code)
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::from_code(&code).map_err(de::Error::custom)
    }
}

impl ToSql<Text, Pg> for Currency {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        <str as ToSql<Text, Pg>>::to_sql(self.code, out)
    }
}

impl FromSql<Text, Pg> for Currency {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self::from_code(&<String as FromSql<Text, Pg>>::from_sql(value)?)?)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MoneyError {
    #[error("isn’t an amount (such as 29.10)")]
    NotANumber,
    #[error("has more decimals than {0} allows")]
    TooPrecise(Currency),
    #[error("is too large")]
    TooLarge,
}

/// Parses `29.10`, `29.1`, `1999`, `-5` or `12.3400` as minor units, exactly.
///
/// Zeros beyond the currency's decimals are accepted, because stores send `1200.00` for yen and
/// four decimals for dollars. Other digits there are rejected instead of rounded.
///
/// Fails if it isn't a plain decimal number, is too precise, or exceeds `i64`.
pub fn parse_decimal(text: &str, currency: Currency) -> Result<i64, MoneyError> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return Err(MoneyError::NotANumber);
    }
    let decimals = currency.exponent() as usize;
    let (kept, past) = fraction.split_at(decimals.min(fraction.len()));
    if past.bytes().any(|b| b != b'0') {
        return Err(MoneyError::TooPrecise(currency));
    }
    // Negative amounts are summed downward, so that i64::MIN can be parsed too.
    let sign = if negative { -1 } else { 1 };
    let padding = std::iter::repeat_n(b'0', decimals - kept.len());
    whole
        .bytes()
        .chain(kept.bytes())
        .chain(padding)
        .try_fold(0_i64, |sum, digit| {
            sum.checked_mul(10)?.checked_add(sign * i64::from(digit - b'0'))
        })
        .ok_or(MoneyError::TooLarge)
}

/// Parses a number in programming notation (`89.99999999999999`, `1.0E-6`, `+5`, `.5`) as units of
/// `10^-decimals`, rounded half to even.
///
/// Fails if it isn't a decimal number, or exceeds `i128`.
pub fn parse_scaled(text: &str, decimals: u32) -> Result<i128, MoneyError> {
    /// No real amount has a larger exponent.
    const MAX_SHIFT: i64 = 400;
    let text = text.trim();
    let (mantissa, shift) = match text.split_once(['e', 'E']) {
        Some((mantissa, shift)) => (mantissa, shift.parse().map_err(|_| MoneyError::NotANumber)?),
        None => (text, 0_i64),
    };
    let (is_negative, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(MoneyError::NotANumber);
    }
    if shift > MAX_SHIFT {
        return Err(MoneyError::TooLarge);
    }
    // The number of digits before the decimal point of the result. The others decide the rounding.
    let kept = i64::try_from(whole.len()).unwrap_or(i64::MAX);
    let kept = kept.saturating_add(shift).saturating_add(i64::from(decimals));
    let Ok(kept) = usize::try_from(kept) else { return Ok(0) };
    let padding = std::iter::repeat_n(&b'0', kept.saturating_sub(digits.len()));
    let units =
        digits.iter().take(kept).chain(padding).try_fold(0_i128, |sum, digit| {
            sum.checked_mul(10)?.checked_add(i128::from(digit - b'0'))
        });
    let units = units.ok_or(MoneyError::TooLarge)?;
    let is_up = match digits.get(kept..).and_then(<[u8]>::split_first) {
        None | Some((b'0'..=b'4', _)) => false,
        Some((b'5', rest)) if rest.iter().all(|digit| *digit == b'0') => units % 2 == 1,
        Some(_) => true,
    };
    let units = units + i128::from(is_up);
    Ok(if is_negative { -units } else { units })
}

/// Formats minor units as a plain decimal number for machines: `29.10`, `-0.05`, `1999`.
///
/// [`parse_decimal`] parses it.
pub fn format_plain(minor: i64, currency: Currency) -> String {
    let (whole, fraction) = split(minor, currency);
    let sign = if minor < 0 { "-" } else { "" };
    format!("{sign}{whole}{fraction}")
}

/// Formats minor units for people: `$2,910.00`, `−$5.00`, `KWD 1.500`.
///
/// The minus comes before the symbol, and no line can break inside (U+2212 and U+00A0).
pub fn format_money(minor: i64, currency: Currency) -> String {
    let (whole, fraction) = split(minor, currency);
    let mut text = String::new();
    if minor < 0 {
        text.push(MINUS);
    }
    match currency.sign() {
        Some(sign) => text.push(sign),
        None => {
            text.push_str(currency.code());
            text.push(NO_BREAK_SPACE);
        }
    }
    text.push_str(&grouped(&whole));
    text.push_str(&fraction);
    text
}

/// The digits before the decimal point, and the point with the digits after it (empty for yen).
fn split(minor: i64, currency: Currency) -> (String, String) {
    let unit = 10_u64.pow(currency.exponent());
    let (whole, fraction) = (minor.unsigned_abs() / unit, minor.unsigned_abs() % unit);
    let width = currency.exponent() as usize;
    let fraction = if width == 0 { String::new() } else { format!(".{fraction:0width$}") };
    (whole.to_string(), fraction)
}

/// `amount * part / whole`, rounded half to even; 0 if `whole` isn't positive.
///
/// Rounding many lines half to even favors neither the merchant nor the affiliate.
pub fn proportion_half_even(amount: i64, part: i64, whole: i64) -> i64 {
    if whole <= 0 {
        return 0;
    }
    let (product, whole) = (i128::from(amount) * i128::from(part), i128::from(whole));
    let (quotient, rest) = (product.div_euclid(whole), product.rem_euclid(whole));
    let up = match (rest * 2).cmp(&whole) {
        std::cmp::Ordering::Less => 0,
        std::cmp::Ordering::Equal => quotient.rem_euclid(2),
        std::cmp::Ordering::Greater => 1,
    };
    clamp(quotient + up)
}

/// Divides `total` in proportion to `weights`; the parts add up to `total` exactly.
///
/// It uses the largest remainder method: each part is rounded down, then the largest remainders get
/// one more unit. On a tie, the earlier part comes first. A part differs from its exact share by
/// less than one unit. So it exceeds its weight only if `total` exceeds the sum of the weights.
/// Negative weights count as zero, and if all are zero, the parts are equal. Without weights there
/// are no parts.
pub fn allocate(total: i64, weights: &[i64]) -> Vec<i64> {
    if weights.is_empty() {
        return Vec::new();
    }
    let mut weights: Vec<i128> = weights.iter().map(|w| i128::from(*w.max(&0))).collect();
    if weights.iter().all(|w| *w == 0) {
        weights.fill(1);
    }
    let sum: i128 = weights.iter().sum();
    let magnitude = i128::from(total).abs();
    let mut parts: Vec<i128> = weights.iter().map(|w| magnitude * w / sum).collect();
    let left_over = magnitude - parts.iter().sum::<i128>();
    let mut by_remainder: Vec<usize> = (0..weights.len()).collect();
    by_remainder.sort_by_key(|i| (std::cmp::Reverse(magnitude * weights[*i] % sum), *i));
    // Each remainder is below one unit, so fewer units are left over than there are weights.
    for i in by_remainder.into_iter().zip(0..left_over).map(|(i, _)| i) {
        parts[i] += 1;
    }
    let sign = i128::from(total.signum());
    parts.into_iter().map(|part| clamp(part * sign)).collect()
}

fn clamp(wide: i128) -> i64 {
    i64::try_from(wide).unwrap_or(if wide < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests;
