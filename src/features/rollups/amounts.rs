//! Formats totals for pages.

use vouch_core::money::{Currency, format_money};

use super::read::Rollups;

/// Formats an amount of `rollups`, one entry per currency. `own` comes first, followed by other
/// currencies with an amount. There's at least one entry.
pub(crate) fn amounts(
    rollups: &[Rollups],
    own: Currency,
    of: impl Fn(&Rollups) -> i64,
) -> Vec<String> {
    let (mut mine, mut others) = (0, Vec::new());
    for entry in rollups {
        match of(entry) {
            minor if entry.currency == own => mine += minor,
            0 => {}
            minor => others.push(format_money(minor, entry.currency)),
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

    fn of(currency: Currency, commission_minor: i64) -> Rollups {
        Rollups { commission_minor, ..Rollups::none(currency) }
    }

    #[test]
    fn the_own_currency_stands_first_and_zeros_are_left_out() {
        let in_words =
            |rollups: &[Rollups]| amounts(rollups, Currency::USD, |f| f.commission_minor);
        assert_eq!(in_words(&[]), ["$0.00"]);
        let euros = of(Currency::EUR, 250);
        assert_eq!(in_words(&[euros, of(Currency::USD, 100)]), ["$1.00", "€2.50"]);
        assert_eq!(in_words(&[euros, of(Currency::JPY, 0)]), ["€2.50"]);
    }
}
