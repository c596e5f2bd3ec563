use vouch_core::email::EmailKey;
use vouch_core::order::snapshot::OrderSnapshot;
use vouch_core::trigger::TriggerKind;

/// What a trigger is found by within its merchant: its kind, and its key.
pub(super) type TriggerKey = (TriggerKind, String);

/// The customer's address as triggers have it.
pub(super) fn email_key_of(report: &OrderSnapshot) -> Option<String> {
    let typed = report.customer_email.as_deref()?;
    Some(EmailKey::parse(typed).ok()?.as_str().to_owned())
}
