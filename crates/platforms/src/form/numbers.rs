//! Numbers in forms, read alike for every platform.

use vouch_core::money::{Currency, MoneyError, format_plain, parse_decimal};
use vouch_core::number::grouped;

use super::{FieldErrors, Typed, text};

/// The maximum amount of money, in minor units.
const MAX_MINOR: i64 = 1_000_000_000_000;
/// The amount that messages give as an example, in minor units.
const EXAMPLE_MINOR: i64 = 1500;

impl Typed {
    /// A whole number from 1 to `max`.
    pub(crate) fn count(
        &self,
        field: &'static str,
        max: u32,
        errors: &mut FieldErrors,
    ) -> Option<u32> {
        let number = self.text(field).trim().parse().ok();
        let number = number.filter(|number| (1..=max).contains(number));
        if number.is_none() {
            errors.add(field, text::count(&grouped(&max.to_string())));
        }
        number
    }

    /// A whole number from 1 to `max`. Empty for no limit.
    pub(crate) fn limit(
        &self,
        field: &'static str,
        max: u32,
        errors: &mut FieldErrors,
    ) -> Option<u32> {
        self.filled(field)?;
        self.count(field, max, errors)
    }

    /// An amount above 0, in minor units. Without a currency, it has up to three decimals.
    pub(crate) fn money(
        &self,
        field: &'static str,
        currency: Option<Currency>,
        errors: &mut FieldErrors,
    ) -> Option<i64> {
        let unit = currency.unwrap_or(Currency::KWD);
        let amount = text::AmountText { currency };
        let example = format_plain(EXAMPLE_MINOR, currency.unwrap_or(Currency::USD));
        let error = match parse_decimal(self.text(field), unit) {
            Ok(..=0) | Err(MoneyError::NotANumber) => amount.above_zero(&example),
            Ok(minor) if minor <= MAX_MINOR => return Some(minor),
            Ok(_) | Err(MoneyError::TooLarge) => amount.up_to(&format_plain(MAX_MINOR, unit)),
            Err(MoneyError::TooPrecise(_)) => amount.decimals(unit.exponent()),
        };
        errors.add(field, error);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T>(typed: &'static str, read: impl Fn(&Typed, &mut FieldErrors) -> T) -> (T, String) {
        let mut errors = FieldErrors::default();
        let value = read(&[("n", typed)].into_iter().collect(), &mut errors);
        let errors: Vec<String> = errors.into_iter().map(|(_, words)| words).collect();
        (value, errors.join(" "))
    }

    #[test]
    fn a_count_is_in_the_range_that_its_error_names() {
        let count = |typed| read(typed, |typed, errors| typed.count("n", 10_000, errors));
        assert_eq!(count(" 10000 "), (Some(10_000), String::new()));
        for wrong in ["", "0", "10001", "-1", "1.5", "many"] {
            let (number, error) = count(wrong);
            assert_eq!(number, None, "{wrong}");
            assert!(error.contains("10,000"), "{wrong}: {error}");
        }
        let limit = |typed| read(typed, |typed, errors| typed.limit("n", 9, errors));
        assert_eq!(limit(" "), (None, String::new()));
        assert!(!limit("10").1.is_empty());
    }

    #[test]
    fn the_error_of_an_amount_is_true() {
        let money =
            |typed, currency| read(typed, move |typed, errors| typed.money("n", currency, errors));
        let (usd, yen) = (Some(Currency::USD), Some(Currency::JPY));
        assert_eq!(money("12.50", usd), (Some(1250), String::new()));
        assert_eq!(money("12.505", None), (Some(12_505), String::new()));
        for (typed, currency, expected) in [
            ("", usd, "15.00"),
            ("0", usd, "15.00"),
            ("-1", usd, "15.00"),
            ("ten", yen, "1500"),
            ("1.005", usd, " 2 "),
            ("1.5", yen, "JPY"),
            ("10000000000.01", usd, "10000000000.00"),
            ("99999999999999999999", None, "1000000000.000"),
        ] {
            let (minor, error) = money(typed, currency);
            assert_eq!(minor, None, "{typed}");
            assert!(error.contains(expected), "{typed}: {error}");
            assert!(!error.contains("KWD"), "{error}");
        }
    }
}
