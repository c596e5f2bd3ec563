use vouch_core::email::EmailKey;
use vouch_core::order::snapshot::OrderSnapshot;
use vouch_core::trigger::TriggerKind;

/// The kind and key that identify a trigger within its merchant.
pub(super) type TriggerKey = (TriggerKind, String);

/// The customer's email as the key of a trigger.
pub(super) fn email_key_of(report: &OrderSnapshot) -> Option<String> {
    let typed = report.customer_email.as_deref()?;
    Some(EmailKey::parse(typed).ok()?.as_str().to_owned())
}
