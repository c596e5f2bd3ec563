use vouch_core::attribution::{NegativeFees, OrdersCountWhen, Precedence};
use vouch_core::calendar::DateFormat;

use crate::features::affiliates::AffiliateStatus;
use crate::features::api::keys::ApiScope;
use crate::features::conversions::ConversionStatus;
use crate::features::exclusions::ExclusionScope;
use crate::features::registration::CodeRequirement;
use crate::features::triggers::TriggerKind;
use crate::kit::session::Role;

/// How a value is formatted.
#[derive(Clone, Copy)]
pub(super) enum ValueFormat {
    Text,
    YesNo,
    /// Only that the value changed. The value stays hidden.
    Changed,
    Time,
    Date,
    Offer,
    Affiliate,
    Trigger,
    Commission,
    /// Minor units. The currency is another field of the same record.
    Money,
    Texts,
    /// One or more objects, shown by this field of theirs.
    Named(&'static str),
    /// One or more names of a closed set, shown by their labels.
    Word(fn(&str) -> Option<&'static str>),
    Review,
}

macro_rules! word {
    ($set:ty) => {
        ValueFormat::Word(|name| <$set>::parse(name).map(<$set>::label))
    };
}

/// The label and format of a recorded field. `None` hides it. Earlier versions recorded some fields
/// by other names.
pub(super) fn field(name: &str) -> Option<(&'static str, ValueFormat)> {
    use ValueFormat::{
        Affiliate, Changed, Commission, Date, Money, Named, Offer, Text, Texts, Time, Trigger,
        YesNo,
    };
    Some(match name {
        "name" => ("Name", Text),
        "email" | "e-mail" => ("Email", Text),
        "note" => ("Note", Text),
        "reason" => ("Reason", Text),
        "public_id" => ("Affiliate ID", Text),
        "orders" => ("Orders", Text),
        "deliveries" => ("Webhooks", Text),
        "affiliates" => ("Affiliates", Text),
        "applications" => ("Applications", Text),
        "triggers" => ("Customer Email triggers", Text),
        "memberships" => ("Team memberships", Text),
        "lines" => ("Audit log entries and notes", Text),
        "accounts" => ("Accounts", Text),
        "bodies_days" => ("Raw webhook bodies, in days", Text),
        "failed_bodies_days" => ("Raw bodies of failed webhooks, in days", Text),
        "customers_days" => ("Customer names and emails, in days", Text),
        "audit_ips_days" => ("IP addresses in the audit log, in days", Text),
        "disconnected_days" => ("Customers of a disconnected store, in days", Text),
        "payment_address_changed" => ("Payout details", Changed),
        "status" => ("Status", ValueFormat::Word(status)),
        "offer" | "offer_id" => ("Offer", Offer),
        "affiliate_id" => ("Affiliate", Affiliate),
        "role" => ("Role", word!(Role)),
        "requires_two_factor" => ("Two-factor sign-in required", YesNo),
        "slug" => ("URL name", Text),
        "currency" => ("Currency", Text),
        "time_zone" => ("Time zone", Text),
        "contact_email" => ("Contact email", Text),
        "date_format" => ("Date format", word!(DateFormat)),
        "kind" => ("Type", word!(TriggerKind)),
        "value" => ("Value", Text),
        "key" => ("Matched value", Text),
        "trigger_id" | "same_mailbox_as" => ("Trigger with the same value", Trigger),
        "retired_at" => ("Retired", Time),
        "handover_at" => ("Scheduled reassignment", Time),
        "from" => ("Assigned from", Time),
        "despite_exclusion" => ("Overridden exclusion", Named("value")),
        "commission" => ("Commission", Commission),
        "commission_minor" => ("Amount", Money),
        "excluded_skus" => ("Excluded SKUs", Texts),
        "auto_approve" => ("Approve conversions automatically", YesNo),
        "is_default" => ("Default offer", YesNo),
        "overruled" => ("Rule override", YesNo),
        "said" | "fraud" => ("Review", ValueFormat::Review),
        "manual_credit" => ("Note", Named("note")),
        "credited_by" => ("Credited by", Text),
        "scope" => ("Applied to", word!(ExclusionScope)),
        "starts_on" => ("Starts", Date),
        "ends_on" => ("Ends", Date),
        "added" => ("Exclusions added", Text),
        "first" => ("Exclusions", Texts),
        "coupon_exclusions" => ("Coupon Exclusions", YesNo),
        "precedence" => ("Credited code", word!(Precedence)),
        "include_tax" => ("Commission on tax", YesNo),
        "include_shipping" => ("Commission on shipping", YesNo),
        "orders_count_when" => ("Count orders", word!(OrdersCountWhen)),
        "gift_cards_earn" => ("Commission on gift card purchases", YesNo),
        "tips_earn" => ("Commission on tips", YesNo),
        "negative_fees" => ("Negative fees", word!(NegativeFees)),
        "keeps_cancelled" => ("Keep commission of canceled orders", YesNo),
        "keeps_refunded" => ("Keep commission of refunded orders", YesNo),
        "is_open" => ("Accept applications", YesNo),
        "code_requirement" | "code_wish" => ("Preferred coupon code", word!(CodeRequirement)),
        "approves_automatically" | "approves_itself" => {
            ("Approve applications automatically", YesNo)
        }
        "intro" => ("Text above the form", Text),
        "terms" => ("Terms", Text),
        "thanks" => ("Text after email confirmation", Text),
        "fields" => ("Additional fields", Named("label")),
        "allows_code_requests" | "further_codes" => ("Let affiliates request codes", YesNo),
        "created" => ("Created", Text),
        "refused" => ("Skipped", Text),
        "override_exclusions" => ("Override exclusions", YesNo),
        "overridden" => ("Codes that override exclusions", Named("code")),
        "confirmed_although_changed" => ("Confirmed codes", Texts),
        "only_in_vouch" => ("Only in Vouch", YesNo),
        "file" => ("File", Text),
        "rows_changed" => ("Entries changed", Text),
        "scopes" => ("Permissions", word!(ApiScope)),
        "expires_at" => ("Expires", Time),
        _ => return None,
    })
}

/// The status of an affiliate or a conversion. Where they share a name, the labels are equal.
fn status(name: &str) -> Option<&'static str> {
    let of_conversion = || ConversionStatus::parse(name).map(ConversionStatus::label);
    AffiliateStatus::parse(name).map(AffiliateStatus::label).or_else(of_conversion)
}
