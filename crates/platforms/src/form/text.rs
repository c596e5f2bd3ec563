//! What's wrong with a field, alike for every platform.

use vouch_core::money::Currency;

pub(super) const CHOOSE_OPTION: &str = "Choose one of the options.";

/// `max` is formatted.
pub(super) fn count(max: &str) -> String {
    format!("Enter a whole number from 1 to {max}.")
}

/// An amount in a currency, if it's known.
pub(super) struct AmountText {
    pub(super) currency: Option<Currency>,
}

impl AmountText {
    fn of(&self) -> String {
        self.currency.map(|currency| format!(" in {currency}")).unwrap_or_default()
    }

    pub(super) fn above_zero(&self, example: &str) -> String {
        format!("Enter an amount{} above 0, for example {example}.", self.of())
    }

    pub(super) fn up_to(&self, max: &str) -> String {
        format!("Enter an amount{} up to {max}.", self.of())
    }

    pub(super) fn decimals(&self, max: u32) -> String {
        match max {
            0 => format!("Enter an amount{} without decimals.", self.of()),
            max => format!("Enter an amount{} with up to {max} decimals.", self.of()),
        }
    }
}
