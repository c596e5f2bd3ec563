//! Figures as pages write them.

use vouch_core::money::{Currency, format_money};

use super::read::Rollups;

/// An amount of `rollups` in words, one for each currency: `own` first, the others where there is
/// something to say; at least one.
pub fn amounts(rollups: &[Rollups], own: Currency, of: impl Fn(&Rollups) -> i64) -> Vec<String> {
    let (mut mine, mut others) = (0, Vec::new());
    for entry in rollups {
        match Currency::from_code(&entry.currency) {
            Ok(currency) if currency == own => mine += of(entry),
            Ok(currency) if of(entry) != 0 => others.push(format_money(of(entry), currency)),
            _ => {}
        }
    }
    if mine != 0 || others.is_empty() {
        others.insert(0, format_money(mine, own));
    }
    others
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(currency: &str, commission_minor: i64) -> Rollups {
        Rollups { currency: currency.to_owned(), commission_minor, ..Rollups::default() }
    }

    #[test]
    fn the_own_currency_stands_first_and_zeros_are_left_out() {
        let in_words =
            |rollups: &[Rollups]| amounts(rollups, Currency::USD, |f| f.commission_minor);
        assert_eq!(in_words(&[]), ["$0.00"]);
        assert_eq!(in_words(&[of("EUR", 250), of("USD", 100)]), ["$1.00", "€2.50"]);
        assert_eq!(in_words(&[of("EUR", 250), of("JPY", 0)]), ["€2.50"]);
    }
}
