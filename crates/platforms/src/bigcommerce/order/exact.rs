//! BigCommerce's amounts. They have four decimals, even in dollars, because tax is computed from
//! prices. They're summed exactly and rounded once.

use vouch_core::money::{Currency, parse_scaled};

use crate::payload::{At, Decimal, PayloadError, PayloadProblem};

/// How many [`Exact`] units are one unit of the currency.
const UNIT: i128 = 100_000_000;
const DECIMALS: u32 = 8;
/// The maximum amount: ten trillion dollars.
const MAX: i128 = UNIT * 10_000_000_000_000;

/// An amount in hundred-millionths of the currency's unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Exact(pub i128);

impl Exact {
    /// An amount that can't be negative; `None` if it's missing or empty. Fails if it isn't an
    /// amount.
    pub(super) fn optional(
        decimal: Option<&Decimal>,
        at: At<'_>,
    ) -> Result<Option<Self>, PayloadError> {
        match Self::signed(decimal, at)? {
            Some(Self(negative)) if negative < 0 => {
                Err(PayloadError::new(at(), PayloadProblem::Negative))
            }
            amount => Ok(amount),
        }
    }

    /// Like [`Self::optional`], but 0 if it's missing.
    pub(super) fn read(decimal: Option<&Decimal>, at: At<'_>) -> Result<Self, PayloadError> {
        Ok(Self::optional(decimal, at)?.unwrap_or_default())
    }

    /// An amount of either sign; `None` if it's missing or empty. Fails if it isn't an amount.
    pub(super) fn signed(
        decimal: Option<&Decimal>,
        at: At<'_>,
    ) -> Result<Option<Self>, PayloadError> {
        let Some(text) = decimal.map(|Decimal(text)| text.trim()).filter(|text| !text.is_empty())
        else {
            return Ok(None);
        };
        let exact = parse_scaled(text, DECIMALS)
            .map_err(|error| PayloadError::new(at(), PayloadProblem::of_amount(text, error)))?;
        if exact.abs() >= MAX {
            return Err(PayloadError::new(at(), PayloadProblem::TooLarge));
        }
        Ok(Some(Self(exact)))
    }

    /// In minor units, rounded half to even.
    pub(super) fn minor(self, currency: Currency) -> i64 {
        let unit = UNIT / 10_i128.pow(currency.exponent());
        let (quotient, rest) = (self.0.div_euclid(unit), self.0.rem_euclid(unit));
        let up = match (rest * 2).cmp(&unit) {
            std::cmp::Ordering::Less => 0,
            std::cmp::Ordering::Equal => quotient.rem_euclid(2),
            std::cmp::Ordering::Greater => 1,
        };
        // At most 13 digits and 4 decimals, so this can't overflow.
        i64::try_from(quotient + up).unwrap_or(i64::MAX)
    }

    /// This amount times `part / whole`; `None` if `whole` isn't positive or the product overflows.
    pub(super) fn times_ratio(self, part: Self, whole: Self) -> Option<Self> {
        if whole.0 <= 0 {
            return None;
        }
        let product = self.0.checked_mul(part.0)?;
        Some(Self((product + whole.0 / 2).div_euclid(whole.0)))
    }

    /// The difference, or 0 if it would be negative.
    pub(super) fn less(self, other: Self) -> Self {
        Self((self.0 - other.0).max(0))
    }
}

impl std::iter::Sum for Exact {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        Self(all.fold(0_i128, |sum, one| sum.saturating_add(one.0)))
    }
}
