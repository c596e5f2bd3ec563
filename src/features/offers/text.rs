//! What members read about offers.

use vouch_core::money::{Currency, format_plain};

pub(super) const ENTER_NAME: &str = "Enter a name.";
pub(super) const NAME_TOO_LONG: &str = "Enter 100 characters or fewer.";
pub(super) const CHOOSE_COMMISSION: &str = "Choose a commission type.";
pub(super) const SKU_TOO_LONG: &str = "Shorten each SKU to 255 characters or fewer.";
pub(super) const TOO_MANY_SKUS: &str = "Enter 1,000 SKUs or fewer.";
pub(super) const AMOUNT_TOO_LARGE: &str = "Enter a smaller amount.";
pub(super) const NAME_TAKEN: &str = "Another offer already has this name. Enter a different one.";
pub(super) const ARCHIVED_DEFAULT: &str = "Restore this offer before you use it as the default.";
pub(super) const IS_DEFAULT: &str =
    "This is the default offer. Make another offer the default first.";
pub(super) const IN_USE: &str = "Affiliates use this offer. Move them to another offer first.";

pub(super) fn too_precise(currency: Currency) -> String {
    match currency.exponent() {
        0 => format!("Enter a whole number. {currency} has no decimals."),
        decimals => format!("Enter an amount with up to {decimals} decimals."),
    }
}

pub(super) fn enter_amount(currency: Currency) -> String {
    format!("Enter an amount, for example {}.", format_plain(1000, currency))
}

pub(super) fn created(name: &str) -> String {
    format!("{name} created.")
}

pub(super) fn saved(name: &str) -> String {
    format!("{name} saved. Earlier orders keep their terms.")
}

pub(super) fn archived(name: &str) -> String {
    format!("{name} archived.")
}

pub(super) fn not_archived(name: &str, reason: &str) -> String {
    format!("{name} can’t be archived. {reason}")
}

pub(super) fn restored(name: &str) -> String {
    format!("{name} restored.")
}
