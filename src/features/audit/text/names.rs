use std::fmt;

use vouch_core::affiliate::AffiliateStatus;
use vouch_core::platform::Platform;
use vouch_core::trigger::TriggerKind;

use crate::features::audit::event::{
    AffiliateField, ConversionName, KeyRevocation, RetriedWork, TriggerName,
};
use crate::kit::session::Role;

/// A store with its platform, which most titles end with already.
pub(super) fn titled(store: &str, platform: Platform) -> String {
    let on_platform = format!(" on {platform}");
    let rest = store.strip_suffix(&on_platform).unwrap_or(store);
    format!("{rest}{on_platform}")
}

impl fmt::Display for TriggerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, value } = self;
        match kind {
            TriggerKind::CouponCode => write!(f, "{value}"),
            TriggerKind::CustomerEmail => write!(f, "the customer email {value}"),
            TriggerKind::Sku => write!(f, "the SKU {value}"),
        }
    }
}

impl fmt::Display for ConversionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OfOrder { affiliate, order: Some(order) } => {
                write!(f, "{affiliate}’s conversion for order {order}")
            }
            Self::OfOrder { affiliate, order: None } => {
                write!(f, "{affiliate}’s conversion for an order")
            }
            Self::ManualCredit { affiliate } => write!(f, "{affiliate}’s manual adjustment"),
            Self::Unnamed => f.write_str("a conversion"),
        }
    }
}

impl fmt::Display for KeyRevocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Member => "",
            Self::CreatorLostAccess => " because its creator lost access",
            Self::ProgramClosed => " because the program was closed",
        })
    }
}

impl fmt::Display for RetriedWork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FetchOrder { order } => write!(f, "fetching order {order} from the store"),
            Self::ReadRefunds => f.write_str("reading an order’s refunds from the store"),
            Self::RetryDelivery => f.write_str("a failed webhook"),
        }
    }
}

pub(super) fn order_words(name: &Option<String>) -> String {
    name.as_ref().map_or_else(|| "an order".to_owned(), |name| format!("order {name}"))
}

pub(super) fn with_note(note: &str) -> String {
    match without_period(note) {
        "" => String::new(),
        note => format!(" with the note “{note}”"),
    }
}

pub(super) fn with_reason(reason: &str) -> String {
    match without_period(reason) {
        "" => String::new(),
        reason => format!(" with the reason “{reason}”"),
    }
}

/// The sentence ends with a period of its own.
fn without_period(typed: &str) -> &str {
    typed.trim().trim_end_matches('.')
}

pub(super) fn lower(label: &impl ToString) -> String {
    label.to_string().to_lowercase()
}

pub(super) fn affiliate_with_article(status: AffiliateStatus) -> &'static str {
    match status {
        AffiliateStatus::Pending => "a pending affiliate",
        AffiliateStatus::Active => "an active affiliate",
        AffiliateStatus::Denied => "a denied affiliate",
        AffiliateStatus::Disabled => "a disabled affiliate",
    }
}

pub(super) fn role_with_article(role: Role) -> &'static str {
    match role {
        Role::Owner => "an owner",
        Role::Admin => "an admin",
        Role::Viewer => "a viewer",
    }
}

/// "name", "name and email", "name, email, and note".
pub(super) fn listed(fields: &[AffiliateField]) -> String {
    let names: Vec<&str> = fields.iter().map(|field| field_name(*field)).collect();
    match names.as_slice() {
        [] => "data".to_owned(),
        [one] => (*one).to_owned(),
        [first, second] => format!("{first} and {second}"),
        [first @ .., last] => format!("{}, and {last}", first.join(", ")),
    }
}

fn field_name(field: AffiliateField) -> &'static str {
    match field {
        AffiliateField::Name => "name",
        AffiliateField::Email => "email",
        AffiliateField::Offer => "offer",
        AffiliateField::Note => "note",
        AffiliateField::PayoutDetails => "payout details",
    }
}
