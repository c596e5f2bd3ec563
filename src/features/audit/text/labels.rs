/// The sentence of an event of a newer version.
pub(in super::super) fn unknown(action: &str) -> String {
    format!("{}.", label(action))
}

/// The sentence of an event about an erased person.
pub(in super::super) fn erased(action: &str) -> String {
    format!("{} (details erased).", label(action))
}

/// `trigger.created` as “Trigger created”. Earlier versions named some events in other terms.
pub(in super::super) fn label(action: &str) -> String {
    let known = match action {
        "affiliate.account_made" => "Affiliate account created",
        "affiliate.created" => "Affiliate added",
        "code_request.opened" => "Code requested",
        "conversion.given" => "Manual adjustment added",
        "conversion.overruling_undone" => "Rule override undone",
        "coupon_exclusions.disabled" => "Coupon Exclusions turned off",
        "coupon_exclusions.enabled" => "Coupon Exclusions turned on",
        "delivery.replayed" => "Webhook retried",
        "email.revealed" => "Email viewed",
        "exclusion.uploaded" => "Exclusions imported",
        "invitation.sent" => "Invitation resent",
        "member.disabled" => "Account disabled",
        "member.enabled" => "Account enabled",
        "merchant.changed" => "General settings changed",
        "merchant.closed" => "Program closed",
        "merchant.created" => "Program created",
        "merchant.reopened" => "Program reopened",
        "order.credited_by_hand" => "Order credited manually",
        "order.manual_credit_removed" => "Manual credit removed",
        "push.all_retried" => "Failed codes retried",
        "push.attached" => "Code linked",
        "push.missing_sent" => "Missing codes retried",
        "push.retried" => "Code retried",
        "store.comparison_asked_for" => "Code check requested",
        "store.counted_codes_set" => "Codes to watch changed",
        "store.credentials_set" => "API credentials saved",
        "store.customers_erased" => "Customer data erased",
        "store.discount_rules_set" => "Discount settings changed",
        "store.orders_asked_for" => "Order import requested",
        "store.previous_secret_removed" => "Previous webhook secret removed",
        "store.return_rules_changed" => "Cancellation settings changed",
        "store.secret_replaced" => "Webhook secret replaced",
        "support.view_began" => "Support view started",
        "support.view_ended" => "Support view stopped",
        "team.two_factor_changed" => "Two-factor requirement changed",
        "trigger.handover_cancelled" => "Reassignment canceled",
        "trigger.handover_scheduled" => "Reassignment scheduled",
        "trigger.imported" => "Triggers imported",
        _ => return in_words(action),
    };
    known.to_owned()
}

fn in_words(action: &str) -> String {
    let words = action.replace(['.', '_'], " ").replace("api ", "API ");
    let mut characters = words.chars();
    let first = characters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    first + characters.as_str()
}

#[cfg(test)]
mod tests {
    #[test]
    fn actions_are_read_as_words() {
        let labels = ["api_key.revoked", "trigger.created", "person.erased", ""].map(super::label);
        assert_eq!(labels, ["API key revoked", "Trigger created", "Person erased", ""]);
    }
}
