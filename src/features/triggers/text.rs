//! What members read about conversion triggers.

use vouch_core::trigger::{Reach, TriggerKind};

use super::Trigger;
use crate::features::affiliates::{Affiliate, AffiliateStatus};
use crate::features::availability::{
    Excluded, ExclusionScope, HeldTrigger, PendingRequest, Unavailable,
};

pub(super) const CHOOSE_TYPE: &str = "Choose a type.";
pub(super) const CHOOSE_AFFILIATE: &str = "Choose an affiliate.";
pub(super) const CHOOSE_ONE_AFFILIATE: &str = "Choose only one affiliate.";
pub(super) const UNKNOWN_AFFILIATE: &str = "Choose an affiliate from the list.";
pub(super) const CHOOSE_NEAR_DATE: &str = "Choose a date within the next 2 years.";
pub(super) const ENTER_DATE: &str = "Enter a date as YYYY-MM-DD, for example 2026-11-23.";

/// The error for an affiliate that the merchant doesn't have.
pub(crate) fn unknown_affiliate(named: &str) -> String {
    format!("No affiliate has the affiliate ID or email {named}.")
}

pub(super) fn no_affiliate_found(words: &str) -> String {
    format!("No affiliates match “{words}”.")
}

/// Explains why the affiliate with that ID can't have the typed value.
pub(crate) fn unavailable(wanted: &str, why: &Unavailable, affiliate_id: i64) -> String {
    match why {
        Unavailable::Malformed(error) => error.to_string(),
        Unavailable::Held(held) => held_by(held, affiliate_id),
        Unavailable::Requested(requested) => requested_by(wanted, requested, affiliate_id),
        Unavailable::Excluded(excluded) => excluded_by(wanted, excluded),
    }
}

/// Why a form's value isn't available, and how to add a code that a store already has.
pub(super) fn refused(wanted: &str, why: &Unavailable, affiliate_id: i64) -> String {
    let text = unavailable(wanted, why, affiliate_id);
    match why {
        Unavailable::Malformed(error) if error.concerns_new_codes() => {
            format!("{text} If your store already has this code, select the checkbox below.")
        }
        _ => text,
    }
}

fn excluded_by(wanted: &str, excluded: &Excluded) -> String {
    let orders = match excluded.scope {
        ExclusionScope::Claims => "",
        ExclusionScope::ClaimsAndOrders => " Orders with this code don’t earn commission.",
    };
    format!("The exclusion {} matches {wanted}.{orders}", excluded.named())
}

fn held_by(held: &HeldTrigger, wanted_for: i64) -> String {
    let HeldTrigger { value, affiliate, .. } = held;
    match (held.affiliate_id == wanted_for, held.is_retired()) {
        (true, false) => format!("{affiliate} already has {value}."),
        (true, true) => {
            format!(
                "{affiliate} already has {value}, but it’s retired. Reinstate the trigger \
                 instead."
            )
        }
        (false, false) => {
            format!("{value} belongs to {affiliate}. Enter a different code, email or SKU.")
        }
        (false, true) => {
            format!(
                "{value} is retired and stays reserved for {affiliate}. Enter a different code, email or SKU."
            )
        }
    }
}

fn requested_by(wanted: &str, requested: &PendingRequest, wanted_for: i64) -> String {
    let PendingRequest { affiliate_id, affiliate } = requested;
    if *affiliate_id == wanted_for {
        format!("{affiliate} requested {wanted}. Approve the request instead.")
    } else {
        format!(
            "{wanted} is reserved for {affiliate}’s request. Deny the request to make it available."
        )
    }
}

/// The hint for the checkbox that keeps a code out of the `stores`.
pub(super) fn existing_code_hint(stores: &[String]) -> String {
    let existing = "Enter the code exactly as your store has it.";
    if stores.is_empty() {
        return existing.to_owned();
    }
    format!(
        "{existing} Unless you select this checkbox, Vouch creates the code in {}.",
        stores.join(", ")
    )
}

/// The message after a trigger is created.
pub(super) fn created(
    trigger: &Trigger,
    (stores, reach): (&[String], Reach),
    affiliate: &Affiliate,
) -> String {
    let store = match trigger.kind {
        TriggerKind::CouponCode if matches!(reach, Reach::VouchOnly) => String::new(),
        TriggerKind::CouponCode if stores.is_empty() => {
            " Create the same code in your store, so checkout accepts it.".to_owned()
        }
        TriggerKind::CouponCode => {
            let stores = stores.join(", ");
            format!(
                " Vouch is adding it to {stores}. Set an expiration date there if you need one."
            )
        }
        TriggerKind::CustomerEmail | TriggerKind::Sku => String::new(),
    };
    format!(
        "{} created for {}.{}{store}",
        trigger.value,
        affiliate.name,
        earning(trigger, affiliate)
    )
}

/// Explains why new orders with a trigger earn nothing for its holder, as a sentence after another
/// one. Empty if they do.
pub(super) fn earning(trigger: &Trigger, holder: &Affiliate) -> String {
    if trigger.is_retired() {
        return format!(" {} is retired, so new orders don’t earn commission.", trigger.value);
    }
    let name = &holder.name;
    match holder.status {
        AffiliateStatus::Active => String::new(),
        AffiliateStatus::Pending => {
            format!(
                " {name} is pending, so orders don’t earn commission until you approve the affiliate."
            )
        }
        AffiliateStatus::Disabled => {
            format!(
                " {name} is disabled, so orders don’t earn commission until you enable the affiliate."
            )
        }
        AffiliateStatus::Denied => {
            format!(
                " {name} is denied, so orders don’t earn commission until you approve the affiliate."
            )
        }
    }
}

pub(super) fn retire_question(trigger: &Trigger, holder: &str) -> String {
    let value = &trigger.value;
    let outside = match trigger.kind {
        TriggerKind::CouponCode => " Customers can use the code until you delete it in your store.",
        TriggerKind::CustomerEmail | TriggerKind::Sku => "",
    };
    format!(
        "Retire {value}? Orders placed from now on won’t earn {holder} commission. {value} stays \
         reserved.{outside}"
    )
}

pub(super) fn reinstate_question(value: &str) -> String {
    format!("Reinstate {value}? Orders placed while it was retired can earn commission too.")
}

pub(super) fn retired(trigger: &Trigger) -> String {
    let outside = match trigger.kind {
        TriggerKind::CouponCode => {
            " To stop customers from using the code, delete the code in your store."
        }
        TriggerKind::CustomerEmail | TriggerKind::Sku => "",
    };
    format!("{} retired. New orders don’t earn commission.{outside}", trigger.value)
}

pub(super) fn already_retired(value: &str) -> String {
    format!("{value} was already retired.")
}

/// `trigger` as it is now.
pub(super) fn reinstated(trigger: &Trigger, holder: &Affiliate) -> String {
    let earning = match earning(trigger, holder) {
        text if text.is_empty() => {
            " Orders placed while it was retired are recalculated.".to_owned()
        }
        text => text,
    };
    format!("{} reinstated.{earning}", trigger.value)
}

pub(super) fn already_active(value: &str) -> String {
    format!("{value} was already active.")
}

/// `from` is a date for people, or `None` for now.
pub(super) fn reassigned(trigger: &Trigger, affiliate: &Affiliate, from: Option<String>) -> String {
    let (value, name) = (&trigger.value, &affiliate.name);
    let earning = earning(trigger, affiliate);
    if let (Some(_), Some(from)) = (trigger.handover_at, &from) {
        return format!("{value} moves to {name} on {from}.{earning}");
    }
    let outside = match trigger.kind {
        TriggerKind::CouponCode => " The discount code in your store didn’t change.",
        TriggerKind::CustomerEmail | TriggerKind::Sku => "",
    };
    let since = from.map(|from| format!(" as of {from}")).unwrap_or_default();
    format!("{value} reassigned to {name}{since}.{earning}{outside}")
}

/// The hint of the date from which the new affiliate has it.
pub(super) fn reassign_from_hint(zone: &str) -> String {
    format!(
        "Orders placed on or after this date ({zone}) are credited to the new affiliate. Leave \
         blank to reassign now."
    )
}

pub(super) fn same_holder(value: &str) -> String {
    format!("{value} already belongs to this affiliate. Choose another affiliate.")
}

pub(super) fn before_holder(since: &str) -> String {
    format!(
        "The current affiliate has had this trigger since {since}. Choose that date or a later one."
    )
}

pub(super) fn reassignment_canceled(value: &str, holder: &str) -> String {
    format!("Reassignment canceled. {value} stays with {holder}.")
}

pub(super) fn no_reassignment(value: &str) -> String {
    format!("{value} has no scheduled reassignment.")
}
