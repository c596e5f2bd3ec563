//! What members read about their settings.

pub(crate) const ENTER_KEY_NAME: &str = "Enter a name, such as the name of your store.";
pub(crate) const CHOOSE_PERMISSION: &str = "Choose at least one permission.";
pub(crate) const CHOOSE_EXPIRY: &str = "Choose when the key expires.";
pub(crate) const KEY_REVOKED: &str = "API key revoked.";
pub(crate) const CHOOSE_PRECEDENCE: &str = "Choose which affiliate to credit.";
pub(crate) const CHOOSE_COUNT_WHEN: &str = "Choose when orders count.";
pub(crate) const CHOOSE_NEGATIVE_FEES: &str = "Choose how to treat negative fees.";
pub(crate) const CALCULATION_SAVED: &str = "Calculation Logic saved. It applies to new orders.";
pub(crate) const GENERAL_SAVED: &str = "General settings saved.";
pub(crate) const CHOOSE_DATE_FORMAT: &str = "Choose one of the date formats.";
pub(crate) const ENTER_PROGRAM_NAME: &str = "Enter a program name.";

pub(crate) fn key_name_too_long(max: usize) -> String {
    format!("Enter {max} characters or fewer.")
}
