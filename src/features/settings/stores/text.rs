//! What members read in the settings of stores.

use vouch_core::money::Currency;
use vouch_platforms::StoreAccess;

use crate::features::stores::ReturnRules;

pub(super) const THROTTLED: &str = "The store limits requests right now. Test again in 30 seconds.";
pub(super) const REVERSE_COMMISSION: &str = "Reverse commission";
pub(super) const KEEP_COMMISSION: &str = "Keep commission";
pub(super) const CHOOSE_COMMISSION: &str = "Choose what happens to commission.";
pub(super) const CANCELLATIONS_SAVED: &str = "Order Cancellations saved. They apply to new orders.";
pub(super) const NEEDS_CREDENTIALS: &str = "Add API credentials for this store first.";
pub(super) const SECRET_REPLACED: &str =
    "Webhook secret replaced. The previous one stays valid until you remove it.";
pub(super) const PREVIOUS_SECRET_REMOVED: &str = "Previous webhook secret removed.";

pub(super) fn other_currency(name: &str, own: Currency, theirs: &str) -> String {
    format!(
        "Connected, but {name} uses {theirs} and your discounts are in {own}. Update them to create \
         codes."
    )
}

pub(super) fn connection_works(name: &str) -> String {
    format!("Vouch can read orders and codes in {name}.")
}

/// A store that answers, but doesn’t allow everything.
pub(super) fn missing_access(name: &str, access: &StoreAccess) -> String {
    let can = match (access.reads_orders, access.creates_codes) {
        (true, _) => "Vouch can read its orders, but can’t create codes.",
        (_, true) => "Vouch can create codes, but can’t read its orders.",
        _ => "Vouch can’t read its orders or create codes.",
    };
    let missing: Vec<String> = access.missing.iter().map(ToString::to_string).collect();
    format!("{name} responds. {can} {}", missing.join(" "))
}

/// `words` are the result of the first test.
pub(super) fn connected_with(name: &str, words: &str) -> String {
    format!("{name} connected. {words}")
}

pub(super) fn connected(name: &str) -> String {
    format!("{name} connected. Create its webhooks as described below.")
}

pub(super) fn disconnected(name: &str) -> String {
    format!("{name} disconnected. Its orders and conversions stay.")
}

pub(super) fn creation_off(name: &str) -> String {
    format!("Discount settings saved. Vouch doesn’t create codes in {name}.")
}

pub(super) fn discount_saved(sentence: &str) -> String {
    format!("Discount settings saved. {sentence}")
}

pub(super) fn discount_unchecked(trouble: &str) -> String {
    format!("Discount settings saved, but not checked with the store. {trouble}")
}

/// `set_on` is a date for people. `ending` is `None` if Vouch can’t decrypt the secret.
pub(super) fn secret(set_on: &str, ending: Option<&str>) -> String {
    match ending {
        Some(ending) => format!("Set on {set_on}, ends in {ending}"),
        None => format!("Set on {set_on}, but Vouch can’t decrypt it. Enter it again."),
    }
}

/// `known` is the kind of credentials, or "", and their ending.
pub(super) fn credentials(set_on: &str, known: Option<(&str, &str)>) -> String {
    match known {
        Some(("", ending)) => format!("Set on {set_on}, ends in {ending}"),
        Some((kind, ending)) => format!("{kind}, set on {set_on}, ends in {ending}"),
        None => format!("Set on {set_on}, but Vouch can’t decrypt them. Enter them again."),
    }
}

/// What cancellations and refunds do to commission.
pub(super) fn returns(rules: ReturnRules) -> &'static str {
    match (rules.keeps_cancelled, rules.keeps_refunded) {
        (false, false) => "Canceled and refunded orders reverse commission.",
        (true, true) => "Canceled and refunded orders keep commission.",
        (true, false) => "Canceled orders keep commission. Refunds reverse it.",
        (false, true) => "Canceled orders reverse commission. Refunds keep it.",
    }
}
