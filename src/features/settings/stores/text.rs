//! What members read in the settings of stores.

use vouch_core::money::Currency;
use vouch_platforms::StoreAccess;

use crate::features::stores::ReturnRules;

pub(super) const THROTTLED: &str =
    "The store is limiting requests right now. Test the connection again in 30 seconds.";
pub(super) const REVERSE_COMMISSION: &str = "Reverse commission";
pub(super) const KEEP_COMMISSION: &str = "Keep commission";
pub(super) const CHOOSE_COMMISSION: &str = "Choose what happens to commission.";
pub(super) const CANCELLATIONS_SAVED: &str =
    "Cancellation settings saved. They apply to new orders.";
pub(super) const NEEDS_CREDENTIALS: &str = "Add API credentials for this store first.";
pub(super) const SECRET_REPLACED: &str =
    "Webhook secret replaced. The previous secret stays valid until you remove it.";
pub(super) const PREVIOUS_SECRET_REMOVED: &str = "Previous webhook secret removed.";

pub(super) fn other_currency(name: &str, own: Currency, theirs: &str) -> String {
    format!(
        "Vouch can read orders in {name}, but the store uses {theirs} and your discounts are in \
         {own}. Update the discount settings so Vouch can create codes."
    )
}

pub(super) fn connection_works(name: &str) -> String {
    format!("Vouch can read orders and codes in {name}.")
}

/// A store that answers, but doesn’t allow everything.
pub(super) fn missing_access(name: &str, access: &StoreAccess) -> String {
    let can = match (access.reads_orders, access.creates_codes) {
        (true, _) => "Vouch can read orders, but can’t create codes.",
        (_, true) => "Vouch can create codes, but can’t read orders.",
        _ => "Vouch can’t read orders or create codes.",
    };
    let missing: Vec<String> = access.missing.iter().map(ToString::to_string).collect();
    format!("Connected to {name}. {can} {}", missing.join(" "))
}

pub(super) fn test_failed(error: &str) -> String {
    format!("The connection test failed. {error}")
}

/// `words` are the result of the first test.
pub(super) fn added_with(name: &str, words: &str) -> String {
    format!("{name} added. {words}")
}

pub(super) fn added(name: &str) -> String {
    format!("{name} added. Create its webhooks as described below.")
}

/// `words` are the result of a test.
pub(super) fn credentials_saved(words: &str) -> String {
    format!("API credentials saved. {words}")
}

pub(super) fn disconnected(name: &str) -> String {
    format!("{name} disconnected. Its orders and conversions are still in Vouch.")
}

pub(super) fn creation_off(name: &str) -> String {
    format!("Discount settings saved. Vouch doesn’t create codes in {name}.")
}

pub(super) fn discount_saved(sentence: &str) -> String {
    format!("Discount settings saved. {sentence}")
}

pub(super) fn discount_unchecked(trouble: &str) -> String {
    format!("Discount settings saved, but we couldn’t check them with the store. {trouble}")
}

/// `set_on` is a date for people. `ending` is `None` if Vouch can’t decrypt the secret.
pub(super) fn secret(set_on: &str, ending: Option<&str>) -> String {
    match ending {
        Some(ending) => format!("Set on {set_on}, ends in {ending}"),
        None => format!("Set on {set_on}, but Vouch can’t decrypt the secret. Enter it again."),
    }
}

/// `known` is the kind of credentials and their ending.
pub(super) fn credentials(set_on: &str, known: Option<(&str, &str)>) -> String {
    match known {
        Some((kind, ending)) => format!("{kind}, set on {set_on}, ends in {ending}"),
        None => {
            format!("Set on {set_on}, but Vouch can’t decrypt the credentials. Enter them again.")
        }
    }
}

/// A message about the field with this label. Without a label it stays as it is.
pub(super) fn labeled(label: &str, message: &str) -> String {
    match label {
        "" => message.to_owned(),
        label => format!("{label}: {message}"),
    }
}

/// What cancellations and refunds do to commission.
pub(super) fn returns(rules: ReturnRules) -> &'static str {
    match (rules.keeps_cancelled, rules.keeps_refunded) {
        (false, false) => "Canceled and refunded orders reverse commission.",
        (true, true) => "Canceled and refunded orders keep commission.",
        (true, false) => "Canceled orders keep commission. Refunded orders reverse commission.",
        (false, true) => "Canceled orders reverse commission. Refunded orders keep commission.",
    }
}
