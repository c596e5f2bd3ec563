//! Explains to members why a value isn't available.

use crate::features::availability::{
    Excluded, ExclusionScope, HeldTrigger, PendingRequest, Unavailable,
};

/// The error for an affiliate that the merchant doesn't have.
pub(crate) fn unknown_affiliate_words(named: &str) -> String {
    format!("No affiliate has the affiliate ID or e-mail address {named}.")
}

/// Explains why the affiliate with that ID can't have the typed value.
pub(crate) fn unavailable_words(wanted: &str, why: &Unavailable, affiliate_id: i64) -> String {
    match why {
        Unavailable::Malformed(error) => error.to_string(),
        Unavailable::Held(held) => held_words(held, affiliate_id),
        Unavailable::Requested(requested) => requested_words(wanted, requested, affiliate_id),
        Unavailable::Excluded(excluded) => excluded_words(wanted, excluded),
    }
}

fn excluded_words(wanted: &str, excluded: &Excluded) -> String {
    let orders = match excluded.scope {
        ExclusionScope::Claims => "",
        ExclusionScope::ClaimsAndOrders => " Orders with it earn nothing.",
    };
    format!("{wanted} is excluded by {}.{orders}", excluded.named())
}

fn held_words(held: &HeldTrigger, wanted_for: i64) -> String {
    let HeldTrigger { value, affiliate, .. } = held;
    match (held.affiliate_id == wanted_for, held.is_retired()) {
        (true, false) => format!("{affiliate} has {value} already."),
        (true, true) => {
            format!("{affiliate} had {value} until it was retired. Reinstate it on its own page.")
        }
        (false, false) => format!("{value} is taken: orders with it are credited to {affiliate}."),
        (false, true) => format!(
            "{value} was {affiliate}’s until it was retired. A retired trigger stays reserved, \
             because shoppers may still use it."
        ),
    }
}

fn requested_words(wanted: &str, requested: &PendingRequest, wanted_for: i64) -> String {
    let PendingRequest { affiliate_id, affiliate } = requested;
    if *affiliate_id == wanted_for {
        format!("{affiliate} asked for {wanted}. Approve the request, and the code is theirs.")
    } else {
        format!("{wanted} is reserved: {affiliate} asked for it, and waits for your decision.")
    }
}
