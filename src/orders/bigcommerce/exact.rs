//! BigCommerce's amounts: four decimals, also of dollars, because tax is worked out of prices. They
//! are summed as they are and rounded once.

use crate::money::Currency;
use crate::orders::reading::{At, Decimal, Unintelligible};

/// A unit of the currency is so many of ours.
const UNIT: i128 = 100_000_000;
const DECIMALS: usize = 8;
/// No amount is longer before its point: ten million million dollars.
const MOST_DIGITS: usize = 13;

/// An amount in hundred-millionths of the currency's unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Exact(pub i128);

impl Exact {
    /// An amount that cannot be negative; none if it is missing or empty.
    ///
    /// # Errors
    /// If it is no amount.
    pub fn optional(decimal: Option<&Decimal>, at: At<'_>) -> Result<Option<Self>, Unintelligible> {
        match Self::signed(decimal, at)? {
            Some(Self(negative)) if negative < 0 => {
                Err(Unintelligible::new(at(), "this amount cannot be negative"))
            }
            amount => Ok(amount),
        }
    }

    /// The same, 0 if it is missing.
    ///
    /// # Errors
    /// If it is no amount.
    pub fn read(decimal: Option<&Decimal>, at: At<'_>) -> Result<Self, Unintelligible> {
        Ok(Self::optional(decimal, at)?.unwrap_or_default())
    }

    /// An amount of either sign; none if it is missing or empty.
    ///
    /// # Errors
    /// If it is no amount.
    pub fn signed(decimal: Option<&Decimal>, at: At<'_>) -> Result<Option<Self>, Unintelligible> {
        let Some(text) = decimal.map(|Decimal(text)| text.trim()).filter(|text| !text.is_empty())
        else {
            return Ok(None);
        };
        let wrong = |problem: &str| {
            let shown: String = text.chars().take(40).collect();
            Unintelligible::new(at(), format!("“{shown}” {problem}"))
        };
        let (sign, digits) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !is_number(whole) || !is_number(fraction) {
            return Err(wrong("is not an amount of money (for example 29.10)"));
        }
        let whole = whole.trim_start_matches('0');
        if whole.len() > MOST_DIGITS {
            return Err(wrong("is too large to be an amount of an order"));
        }
        // What is beyond eight decimals is less than any rounding could tell.
        let fraction = format!("{:0<DECIMALS$}", &fraction[..fraction.len().min(DECIMALS)]);
        let number =
            |digits: &str| digits.bytes().fold(0, |n: i128, b| n * 10 + i128::from(b - b'0'));
        Ok(Some(Self(sign * (number(whole) * UNIT + number(&fraction)))))
    }

    /// In minor units, rounded half to even.
    pub fn minor(self, currency: Currency) -> i64 {
        let unit = UNIT / 10_i128.pow(currency.exponent());
        let (quotient, rest) = (self.0.div_euclid(unit), self.0.rem_euclid(unit));
        let up = match (rest * 2).cmp(&unit) {
            std::cmp::Ordering::Less => 0,
            std::cmp::Ordering::Equal => quotient.rem_euclid(2),
            std::cmp::Ordering::Greater => 1,
        };
        // 13 digits and 4 decimals at the most are far within.
        i64::try_from(quotient + up).unwrap_or(i64::MAX)
    }

    /// The difference, or nothing where that would be negative.
    pub fn less(self, other: Self) -> Self {
        Self((self.0 - other.0).max(0))
    }
}

impl std::iter::Sum for Exact {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        Self(all.fold(0_i128, |sum, one| sum.saturating_add(one.0)))
    }
}
