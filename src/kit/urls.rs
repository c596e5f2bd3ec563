//! Addresses that are linked from more than one place.

use chrono::{DateTime, Utc};
use vouch_core::platform::Platform;
pub use vouch_core::text::percent_encode as encode;
use vouch_platforms::{PROVIDERS, provider};

/// Sign-in, with the address to come back to.
pub fn login(next: &str) -> String {
    if next.is_empty() || next == "/" {
        return "/login".to_owned();
    }
    format!("/login?next={}", encode(next))
}

/// Where one chooses among several places, with the address to come back to.
pub fn programs(next: &str) -> String {
    if next == "/" {
        return programs("");
    }
    with_query("/programs", &[("next", next)])
}

/// What was typed before one had to sign in again.
pub fn unsent_form() -> &'static str {
    "/unsent-form"
}

/// Where two-factor sign-in is set up, with the address to come back to.
pub fn two_factor(next: &str) -> String {
    if next == "/" {
        return two_factor("");
    }
    with_query("/account/two-factor", &[("next", next)])
}

/// `path` with a query of those `parts` (name and value) that have a value.
pub fn with_query(path: &str, parts: &[(&str, &str)]) -> String {
    let query: Vec<String> = parts
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

/// Account > Settings > Privacy.
pub fn privacy() -> String {
    "/settings/privacy".to_owned()
}

/// Where a customer's request for their data is marked as completed.
pub fn data_request_completion(request_id: i64) -> String {
    format!("/settings/privacy/data-requests/{request_id}/completion")
}

/// The page of the settings where stores of a platform are connected.
pub fn store_settings(platform: Platform) -> String {
    format!("/settings/{}", platform.as_str())
}

/// All of these pages, in the order of the menu.
pub(crate) fn all_store_settings() -> impl Iterator<Item = (Platform, String)> {
    let platforms = PROVIDERS.into_iter().map(|provider| provider.platform());
    platforms.map(|platform| (platform, store_settings(platform)))
}

/// That page, on one of several stores where it shows one at a time.
pub(crate) fn store_settings_of(platform: Platform, store_id: i64) -> String {
    let page = store_settings(platform);
    let shows_one =
        provider(platform).is_some_and(|provider| provider.settings().features().shows_discounts);
    if shows_one { format!("{page}?store={store_id}") } else { page }
}

/// What has to do with one store of a platform: `discounts`, `credentials`.
pub(crate) fn of_store(platform: Platform, store_id: i64, what: &str) -> String {
    format!("{}/{store_id}/{what}", store_settings(platform))
}

/// Where a store is connected with credentials.
pub(crate) fn new_store_credentials(platform: Platform) -> String {
    format!("{}/credentials", store_settings(platform))
}

/// Where the orders of a store are read for a period.
pub fn backfills(store_id: i64) -> String {
    format!("/settings/stores/{store_id}/backfills")
}

/// Account > Settings > Coupon Exclusions.
pub fn exclusions() -> String {
    "/settings/coupon-exclusions".to_owned()
}

/// The same as a file.
pub fn exclusions_csv() -> String {
    "/settings/coupon-exclusions.csv".to_owned()
}

/// One exclusion.
pub fn exclusion(exclusion_id: i64) -> String {
    format!("/settings/coupon-exclusions/{exclusion_id}")
}

/// Where one exclusion is taken off the list.
pub fn exclusion_removal(exclusion_id: i64) -> String {
    format!("/settings/coupon-exclusions/{exclusion_id}/removal")
}

/// The way back from its removal.
pub fn exclusion_restoration(exclusion_id: i64) -> String {
    format!("/settings/coupon-exclusions/{exclusion_id}/restoration")
}

/// The coupon codes that an exclusion would stop.
pub fn triggers_like(pattern: &str) -> String {
    with_query("/triggers", &[("like", pattern)])
}

/// What the last check found in a store: its codes beside the triggers.
pub fn code_sync(store_id: i64) -> String {
    format!("/settings/stores/{store_id}/code-sync")
}

/// The same as a file.
pub fn code_sync_csv(store_id: i64) -> String {
    format!("/settings/stores/{store_id}/code-sync.csv")
}

/// Those of them that shoppers cannot use.
pub fn unusable_codes(store_id: i64) -> String {
    format!("/settings/stores/{store_id}/code-sync?finding=unusable")
}

/// Where it is said which codes of the store count.
pub fn counted_codes(store_id: i64) -> String {
    format!("/settings/stores/{store_id}/code-sync/counted-codes")
}

/// Where codes that the store lacks are sent there again.
pub fn code_sync_repairs(store_id: i64) -> String {
    format!("/settings/stores/{store_id}/code-sync/repairs")
}

/// Manage > Conversion Triggers.
pub fn triggers() -> String {
    "/triggers".to_owned()
}

/// The same as a file.
pub fn triggers_csv() -> String {
    "/triggers.csv".to_owned()
}

/// Where a conversion trigger is added for an affiliate that is still to be chosen.
pub fn new_trigger() -> String {
    "/triggers/new".to_owned()
}

/// One conversion trigger.
pub fn trigger(trigger_id: i64) -> String {
    format!("/triggers/{trigger_id}")
}

/// Conversion Trigger Bulk Upload.
pub fn imports() -> String {
    "/triggers/imports".to_owned()
}

/// Where a CSV file is chosen.
pub fn new_import() -> String {
    "/triggers/imports/new".to_owned()
}

/// One CSV file: what becomes of its rows.
pub fn import(import_id: i64) -> String {
    format!("/triggers/imports/{import_id}")
}

/// Where its triggers are created.
pub fn import_completion(import_id: i64) -> String {
    format!("/triggers/imports/{import_id}/completion")
}

/// The rows that were refused, as a file.
pub fn import_refused_csv(import_id: i64) -> String {
    format!("/triggers/imports/{import_id}/refused.csv")
}

/// The conversions that one trigger made and that count.
pub fn trigger_conversions(trigger_id: i64) -> String {
    format!("/conversions?trigger={trigger_id}&status=credited")
}

/// The settings of one affiliate.
pub fn affiliate(affiliate_id: i64) -> String {
    format!("/affiliates/{affiliate_id}")
}

/// How codes stand in the stores: parts of a page, for a script.
pub fn pushes() -> String {
    "/triggers/pushes".to_owned()
}

/// The coupon codes that failed in a store.
pub fn failed_pushes() -> String {
    "/triggers?push=failed".to_owned()
}

/// Where all of these are tried again.
pub fn push_retries() -> String {
    "/triggers/pushes/retries".to_owned()
}

/// Where one of them is tried again.
pub fn push_retry(trigger_id: i64, push_id: i64) -> String {
    format!("/triggers/{trigger_id}/pushes/{push_id}/retry")
}

/// Where a code that the store has of its own is taken for the trigger's.
pub fn push_attachment(trigger_id: i64, push_id: i64) -> String {
    format!("/triggers/{trigger_id}/pushes/{push_id}/attachment")
}

/// The conversion triggers of one affiliate.
pub fn affiliate_triggers(affiliate_id: i64) -> String {
    format!("/affiliates/{affiliate_id}/triggers")
}

/// Where one conversion trigger is retired.
pub fn trigger_retirement(trigger_id: i64) -> String {
    format!("/triggers/{trigger_id}/retirement")
}

/// The way back from its retirement.
pub fn trigger_reinstatement(trigger_id: i64) -> String {
    format!("/triggers/{trigger_id}/reinstatement")
}

/// Where one conversion trigger is given to another affiliate.
pub fn trigger_reassignment(trigger_id: i64) -> String {
    format!("/triggers/{trigger_id}/reassignment")
}

/// Where a reassignment is called off that is scheduled.
pub fn trigger_reassignment_cancellation(trigger_id: i64) -> String {
    format!("/triggers/{trigger_id}/reassignment/cancellation")
}

/// The conversions of one affiliate.
pub fn affiliate_conversions(affiliate_id: i64) -> String {
    format!("/affiliates/{affiliate_id}/conversions")
}

/// Where one affiliate is credited by hand.
pub fn affiliate_manual_credit(affiliate_id: i64) -> String {
    format!("/affiliates/{affiliate_id}/manual-credit")
}

/// One offer.
pub fn offer(offer_id: i64) -> String {
    format!("/offers/{offer_id}")
}

/// Manage > Conversions.
pub fn conversions() -> String {
    "/conversions".to_owned()
}

/// The same as a file.
pub fn conversions_csv() -> String {
    "/conversions.csv".to_owned()
}

/// Where a change of conversions is taken back; `back` is where that leads.
pub fn conversion_change_undo(change_id: i64, back: &str) -> String {
    format!("/conversions/changes/{change_id}/undo?back={}", encode(back))
}

/// Manage > Orders.
pub fn orders() -> String {
    "/orders".to_owned()
}

/// One order: what the store reported, who is credited, and why.
pub fn order(order_id: i64) -> String {
    format!("/orders/{order_id}")
}

/// What stores sent.
pub fn deliveries() -> String {
    "/deliveries".to_owned()
}

/// What stores sent and could not be understood.
pub fn failed_deliveries() -> String {
    "/deliveries?outcome=failed".to_owned()
}

/// One message of a store.
pub fn delivery(delivery_id: i64) -> String {
    format!("/deliveries/{delivery_id}")
}

/// Where an order that was credited by hand is left to its codes again.
pub fn manual_credit_removal(order_id: i64) -> String {
    format!("/orders/{order_id}/manual-credit/removal")
}

/// Where what was refunded of an order is read from its store again.
pub fn refund_reads(order_id: i64) -> String {
    format!("/orders/{order_id}/refund-reads")
}

/// Channels > Affiliate Registration.
pub fn registration() -> String {
    "/registration".to_owned()
}

/// Where one applies to be an affiliate of a program.
pub fn join(slug: &str) -> String {
    format!("/join/{slug}")
}

/// Where a code is looked up while one applies.
pub fn join_code(slug: &str) -> String {
    format!("/join/{slug}/code")
}

/// What one reads after applying.
pub fn join_sent(slug: &str) -> String {
    format!("/join/{slug}/sent")
}

/// Where an applicant confirms their e-mail address.
pub fn join_confirmation(slug: &str, token: &str) -> String {
    format!("/join/{slug}/confirmations/{token}")
}

/// What one reads after that.
pub fn join_confirmed(slug: &str) -> String {
    format!("/join/{slug}/confirmed")
}

/// Where an affiliate gets an account.
pub fn join_account(slug: &str, token: &str) -> String {
    format!("/join/{slug}/accounts/{token}")
}

/// Where members decide about further codes that affiliates ask for.
pub fn code_requests() -> String {
    "/affiliates/code-requests".to_owned()
}

/// Where that is sent.
pub fn code_request_decisions() -> String {
    "/affiliates/code-requests/decisions".to_owned()
}

/// Where decisions of one moment are taken back. `affiliate_id`: whose page it is done on; `None`
/// for the list.
pub fn code_request_reversals(
    decided_at: DateTime<Utc>,
    request_ids: &[i64],
    affiliate_id: Option<i64>,
) -> String {
    let ids: Vec<String> = request_ids.iter().map(ToString::to_string).collect();
    let back = affiliate_id.map_or_else(String::new, |id| id.to_string());
    let at = decided_at.timestamp_micros().to_string();
    let path = "/affiliates/code-requests/reversals";
    with_query(path, &[("at", &at), ("ids", &ids.join(",")), ("affiliate", &back)])
}

/// My Codes, in the affiliate's portal.
pub fn portal() -> String {
    "/portal".to_owned()
}

/// Where an affiliate asks for a further code.
pub fn portal_code_requests() -> String {
    "/portal/code-requests".to_owned()
}

/// Where that code is looked up while one types.
pub fn portal_code() -> String {
    "/portal/code-requests/code".to_owned()
}

/// Where an affiliate takes back what they asked for.
pub fn portal_withdrawal(request_id: i64) -> String {
    format!("/portal/code-requests/{request_id}/withdrawal")
}

/// Settings, in the affiliate's portal.
pub fn portal_settings() -> String {
    "/portal/settings".to_owned()
}
