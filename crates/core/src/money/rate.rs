use std::fmt;

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Integer;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::proportion_half_even;

/// 100% in basis points (hundredths of a percent).
const WHOLE: i32 = 10_000;

/// A share of an amount, from 0 to 100% in steps of 0.01%.
///
/// It's written as basis points in JSON and in the database: 1250 is 12.5%.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    AsExpression,
    FromSqlRow,
)]
#[diesel(sql_type = Integer)]
#[serde(try_from = "i64", into = "i64")]
pub struct Rate(i32);

/// Why the input isn't a rate. The message is shown next to the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RateError {
    #[error("Enter a percentage from 0 to 100, for example 12.5.")]
    Unreadable,
    #[error("Enter a percentage from 0.01 to 100, for example 10.")]
    Nothing,
    #[error("Enter up to 2 decimals.")]
    TooPrecise,
}

impl Rate {
    /// A rate from basis points; none below 0 or above 100%.
    pub const fn from_basis_points(points: i64) -> Option<Self> {
        if points < 0 || points > WHOLE as i64 { None } else { Some(Self(points as i32)) }
    }

    /// A whole number of percent, for constants. Panics above 100.
    pub const fn percent(percent: u8) -> Self {
        assert!(percent <= 100, "a rate is at most 100%");
        Self(percent as i32 * 100)
    }

    pub fn basis_points(self) -> i64 {
        self.0.into()
    }

    /// Parses `10`, `12.5`, `12.5%` and `12,5`.
    ///
    /// A comma followed by three digits is rejected, because it could separate thousands.
    ///
    /// Fails if it isn't a number, is too precise, or isn't from 0 to 100.
    pub fn parse(typed: &str) -> Result<Self, RateError> {
        let number = typed.trim();
        let number = number.strip_suffix('%').unwrap_or(number).trim_end();
        let (whole, fraction, has_comma) = match number.split_once([',', '.']) {
            Some((whole, fraction)) => (whole, fraction, number.contains(',')),
            None => (number, "0", false),
        };
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !is_number(whole) || !is_number(fraction) || (has_comma && fraction.len() > 2) {
            return Err(RateError::Unreadable);
        }
        let (kept, past) = fraction.split_at(fraction.len().min(2));
        if past.bytes().any(|digit| digit != b'0') {
            return Err(RateError::TooPrecise);
        }
        format!("{whole}{kept:0<2}")
            .parse()
            .ok()
            .and_then(Self::from_basis_points)
            .ok_or(RateError::Unreadable)
    }

    /// Parses the rate of a discount with [`Rate::parse`], and also rejects 0.
    pub fn parse_discount(typed: &str) -> Result<Self, RateError> {
        match Self::parse(typed) {
            Ok(Self(0)) | Err(RateError::Unreadable) => Err(RateError::Nothing),
            read => read,
        }
    }

    /// The number for form fields, without trailing zeros: `10`, `12.5`.
    pub fn number(self) -> String {
        let decimal = self.decimal();
        decimal.trim_end_matches('0').trim_end_matches('.').to_owned()
    }

    /// The number for machines, with two decimals: `10.00`, `12.50`.
    pub fn decimal(self) -> String {
        format!("{}.{:02}", self.0 / 100, self.0 % 100)
    }

    /// This share of `amount`, rounded half to even.
    pub fn of(self, amount: i64) -> i64 {
        proportion_half_even(amount, self.basis_points(), WHOLE.into())
    }
}

/// For people: `10%`, `12.5%`.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.number())
    }
}

impl From<Rate> for i64 {
    fn from(rate: Rate) -> Self {
        rate.basis_points()
    }
}

impl TryFrom<i64> for Rate {
    type Error = String;

    fn try_from(points: i64) -> Result<Self, String> {
        Self::from_basis_points(points)
            .ok_or_else(|| format!("{points} basis points aren't from 0 to 100%"))
    }
}

impl ToSql<Integer, Pg> for Rate {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        <i32 as ToSql<Integer, Pg>>::to_sql(&self.0, out)
    }
}

impl FromSql<Integer, Pg> for Rate {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let points = <i32 as FromSql<Integer, Pg>>::from_sql(value)?;
        Ok(Self::try_from(i64::from(points))?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn points(typed: &str) -> Result<i64, RateError> {
        Rate::parse(typed).map(Rate::basis_points)
    }

    #[test]
    fn rates_are_read_exactly() {
        for (typed, expected) in [
            ("10", 1000),
            ("10%", 1000),
            (" 12.5% ", 1250),
            ("12,5", 1250),
            ("0.25", 25),
            ("0,05", 5),
            ("100", 10_000),
            ("100.00", 10_000),
            ("12.5000", 1250),
            ("0", 0),
            ("007", 700),
        ] {
            assert_eq!(points(typed), Ok(expected), "{typed}");
        }
        for refused in [
            "",
            "%",
            "100.01",
            "101",
            "-1",
            "ten",
            ".5",
            "5.",
            "1,000",
            "1.000,5",
            "1e1",
            "10%%",
            "1,2,3",
            "١٠",
            "99999999999999999999",
        ] {
            assert_eq!(points(refused), Err(RateError::Unreadable), "{refused}");
        }
        assert_eq!(points("0.001"), Err(RateError::TooPrecise));
    }

    #[test]
    fn a_discount_is_more_than_nothing() {
        assert_eq!(Rate::parse_discount("0.01").map(Rate::basis_points), Ok(1));
        assert_eq!(Rate::parse_discount("0.00"), Err(RateError::Nothing));
        assert_eq!(Rate::parse_discount("x"), Err(RateError::Nothing));
        assert_eq!(Rate::parse_discount("1.005"), Err(RateError::TooPrecise));
    }

    #[test]
    fn rates_are_written_without_idle_zeros() {
        for (points, number) in
            [(1000, "10"), (1250, "12.5"), (25, "0.25"), (10_000, "100"), (0, "0")]
        {
            let rate = Rate::from_basis_points(points).unwrap();
            assert_eq!(rate.number(), number);
            assert_eq!(rate.to_string(), format!("{number}%"));
        }
        assert_eq!(Rate::percent(10).decimal(), "10.00");
    }

    #[test]
    fn shares_round_half_to_even() {
        let ten = Rate::percent(10);
        for (amount, share) in
            [(2910, 291), (25, 2), (35, 4), (45, 4), (26, 3), (-25, -2), (-35, -4), (-26, -3)]
        {
            assert_eq!(ten.of(amount), share, "{amount}");
        }
        assert_eq!(Rate::percent(100).of(i64::MAX), i64::MAX);
        assert_eq!(Rate::percent(0).of(1234), 0);
    }

    #[test]
    fn it_is_kept_as_basis_points() {
        assert_eq!(serde_json::to_value(Rate::percent(10)).unwrap(), 1000);
        assert!(serde_json::from_value::<Rate>(10_001.into()).is_err());
        assert!(serde_json::from_value::<Rate>((-1).into()).is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(points in 0_i64..=10_000) {
            let rate = Rate::from_basis_points(points).unwrap();
            prop_assert_eq!(Rate::parse(&rate.to_string()), Ok(rate));
            prop_assert_eq!(Rate::parse(&rate.decimal()), Ok(rate));
        }

        #[test]
        fn reading_never_panics(text in ".{0,20}") {
            let _ = Rate::parse(&text);
        }

        #[test]
        fn a_share_is_within_half_a_unit(amount: i32, points in 0_i64..=10_000) {
            let share = Rate::from_basis_points(points).unwrap().of(i64::from(amount));
            let error = i128::from(amount) * i128::from(points) - i128::from(share) * 10_000;
            prop_assert!(error.abs() <= 5_000);
        }
    }
}
