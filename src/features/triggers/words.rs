//! Why a value cannot be had, in words for those who work for the merchant.

use super::model::{Reserved, Taken, ValueError};
use crate::features::exclusions::{Excluded, ExclusionScope};

/// What is said of an affiliate that the merchant does not have.
pub fn unknown_affiliate_words(named: &str) -> String {
    format!("No affiliate has the affiliate ID or e-mail address {named}.")
}

/// Which rule a value breaks, and how a member attaches a code that a store has already.
pub fn invalid_words(error: &ValueError) -> String {
    let existing = " If your store already has this code, select “Only in Vouch”.";
    let hint = if error.concerns_new_codes() { existing } else { "" };
    format!("{error}{hint}")
}

/// Why affiliates cannot have it, and what comes of giving it to one all the same.
pub fn excluded_words(typed: &str, excluded: &Excluded) -> String {
    let orders = match excluded.scope {
        ExclusionScope::Claims => "",
        ExclusionScope::ClaimsAndOrders => " Orders with it earn nothing.",
    };
    format!("{typed} is excluded by {}.{orders}", excluded.named())
}

/// Who holds it, and why it cannot be had.
pub fn taken_words(taken: &Taken, wanted_for: i64) -> String {
    let trigger = &taken.trigger;
    let holder = &taken.holder;
    let own = trigger.affiliate_id == wanted_for;
    match (own, trigger.is_retired()) {
        (true, false) => format!("{holder} has {} already.", trigger.value),
        (true, true) => format!(
            "{holder} had {} until it was retired. Reinstate it on its own page.",
            trigger.value
        ),
        (false, false) => {
            format!("{} is taken: orders with it are credited to {holder}.", trigger.value)
        }
        (false, true) => format!(
            "{} was {holder}’s until it was retired. A retired trigger stays reserved, because \
             shoppers may still use it.",
            trigger.value
        ),
    }
}

/// Who asked for it, and what ends the reservation.
pub fn reserved_words(reserved: &Reserved, wanted_for: i64) -> String {
    let Reserved { code, affiliate, .. } = reserved;
    if reserved.affiliate_id == wanted_for {
        format!("{affiliate} asked for {code}. Approve the request, and the code is theirs.")
    } else {
        format!("{code} is reserved: {affiliate} asked for it, and waits for your decision.")
    }
}
