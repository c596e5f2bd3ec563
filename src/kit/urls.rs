//! URLs that several places link to.

use chrono::{DateTime, NaiveDate, Utc};
use vouch_core::platform::Platform;
pub use vouch_core::text::percent_encode as encode;
use vouch_platforms::{PROVIDERS, provider};

/// Sign-in, with the path to return to.
pub(crate) fn login(next: &str) -> String {
    if next == "/" {
        return login("");
    }
    with_query("/login", &[("next", next)])
}

/// The page for choosing a program, with the path to return to.
pub(crate) fn programs(next: &str) -> String {
    if next == "/" {
        return programs("");
    }
    with_query("/programs", &[("next", next)])
}

/// The page with input that couldn't be saved before signing in again.
pub(crate) fn unsent_form() -> &'static str {
    "/unsent-form"
}

/// The setup of two-factor sign-in, with the path to return to.
pub(crate) fn two_factor(next: &str) -> String {
    if next == "/" {
        return two_factor("");
    }
    with_query("/account/two-factor", &[("next", next)])
}

/// `path` with a query of all `parts` (name and value) that have a value.
pub(crate) fn with_query(path: &str, parts: &[(&str, &str)]) -> String {
    let query: Vec<String> = parts
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

/// Account > Settings > Privacy.
pub(crate) fn privacy() -> String {
    "/settings/privacy".to_owned()
}

/// Marks a customer's data request as completed.
pub(crate) fn data_request_completion(request_id: i64) -> String {
    format!("/settings/privacy/data-requests/{request_id}/completion")
}

/// The settings page where stores of a platform are connected.
pub(crate) fn store_settings(platform: Platform) -> String {
    format!("/settings/{}", platform.as_str())
}

/// The settings pages of all platforms, in the order of the menu.
pub(crate) fn all_store_settings() -> impl Iterator<Item = (Platform, String)> {
    let platforms = PROVIDERS.into_iter().map(|provider| provider.platform());
    platforms.map(|platform| (platform, store_settings(platform)))
}

/// The settings page for one store, if the platform's page shows one store at a time.
pub(crate) fn store_settings_of(platform: Platform, store_id: i64) -> String {
    let page = store_settings(platform);
    let shows_one =
        provider(platform).is_some_and(|provider| provider.settings().features().shows_one_store);
    if shows_one { with_query(&page, &[("store", &store_id.to_string())]) } else { page }
}

/// A subpage of one store's settings, such as `discounts` or `credentials`.
pub(crate) fn of_store(platform: Platform, store_id: i64, what: &str) -> String {
    format!("{}/{store_id}/{what}", store_settings(platform))
}

/// Connects a store with credentials.
pub(crate) fn new_store_credentials(platform: Platform) -> String {
    format!("{}/credentials", store_settings(platform))
}

/// Imports a store's orders of a period.
pub(crate) fn backfills(store_id: i64) -> String {
    format!("/settings/stores/{store_id}/backfills")
}

/// Account > Settings > Coupon Exclusions.
pub(crate) fn exclusions() -> String {
    "/settings/coupon-exclusions".to_owned()
}

pub(crate) fn exclusions_csv() -> String {
    "/settings/coupon-exclusions.csv".to_owned()
}

pub(crate) fn exclusion(exclusion_id: i64) -> String {
    format!("/settings/coupon-exclusions/{exclusion_id}")
}

pub(crate) fn exclusion_removal(exclusion_id: i64) -> String {
    format!("/settings/coupon-exclusions/{exclusion_id}/removal")
}

/// Restores a removed exclusion.
pub(crate) fn exclusion_restoration(exclusion_id: i64) -> String {
    format!("/settings/coupon-exclusions/{exclusion_id}/restoration")
}

/// The coupon codes that an exclusion would match.
pub fn triggers_like(pattern: &str) -> String {
    with_query(&triggers(), &[("like", pattern)])
}

/// The result of a store's last code sync check.
pub(crate) fn code_sync(store_id: i64) -> String {
    format!("/settings/stores/{store_id}/code-sync")
}

pub(crate) fn code_sync_csv(store_id: i64) -> String {
    format!("/settings/stores/{store_id}/code-sync.csv")
}

/// The codes of the sync check that customers can't use.
pub(crate) fn unusable_codes(store_id: i64) -> String {
    with_query(&code_sync(store_id), &[("finding", "unusable")])
}

/// Chooses which codes of the store count.
pub(crate) fn counted_codes(store_id: i64) -> String {
    format!("/settings/stores/{store_id}/code-sync/counted-codes")
}

/// Creates the codes again that the store lacks.
pub(crate) fn code_sync_repairs(store_id: i64) -> String {
    format!("/settings/stores/{store_id}/code-sync/repairs")
}

/// Manage > Conversion Triggers.
pub(crate) fn triggers() -> String {
    "/triggers".to_owned()
}

pub(crate) fn triggers_csv() -> String {
    "/triggers.csv".to_owned()
}

/// Adds a conversion trigger; the affiliate is chosen in the form.
pub(crate) fn new_trigger() -> String {
    "/triggers/new".to_owned()
}

pub(crate) fn trigger(trigger_id: i64) -> String {
    format!("/triggers/{trigger_id}")
}

/// Bulk upload of conversion triggers.
pub(crate) fn imports() -> String {
    "/triggers/imports".to_owned()
}

/// The form that uploads a CSV file.
pub(crate) fn new_import() -> String {
    "/triggers/imports/new".to_owned()
}

/// One CSV file, with the result of each row.
pub(crate) fn import(import_id: i64) -> String {
    format!("/triggers/imports/{import_id}")
}

/// Creates the triggers of a CSV file.
pub(crate) fn import_completion(import_id: i64) -> String {
    format!("/triggers/imports/{import_id}/completion")
}

/// The rejected rows of a CSV file, as a CSV file.
pub(crate) fn import_refused_csv(import_id: i64) -> String {
    format!("/triggers/imports/{import_id}/refused.csv")
}

/// The conversions of one trigger that count.
pub(crate) fn trigger_conversions(trigger_id: i64) -> String {
    let trigger = trigger_id.to_string();
    with_query(&conversions(), &[("trigger", &trigger), ("status", "credited")])
}

pub fn affiliate(affiliate_id: i64) -> String {
    format!("/affiliates/{affiliate_id}")
}

/// The status of codes in the stores, as page fragments for a script.
pub(crate) fn pushes() -> String {
    "/triggers/pushes".to_owned()
}

/// The coupon codes that failed in a store.
pub(crate) fn failed_pushes() -> String {
    with_query(&triggers(), &[("push", "failed")])
}

/// Retries all failed codes.
pub(crate) fn push_retries() -> String {
    "/triggers/pushes/retries".to_owned()
}

/// Retries one failed code.
pub(crate) fn push_retry(trigger_id: i64, push_id: i64) -> String {
    format!("/triggers/{trigger_id}/pushes/{push_id}/retry")
}

/// Uses an existing code of the store for the trigger.
pub(crate) fn push_attachment(trigger_id: i64, push_id: i64) -> String {
    format!("/triggers/{trigger_id}/pushes/{push_id}/attachment")
}

pub(crate) fn affiliate_triggers(affiliate_id: i64) -> String {
    format!("/affiliates/{affiliate_id}/triggers")
}

pub(crate) fn trigger_retirement(trigger_id: i64) -> String {
    format!("/triggers/{trigger_id}/retirement")
}

pub(crate) fn trigger_reinstatement(trigger_id: i64) -> String {
    format!("/triggers/{trigger_id}/reinstatement")
}

pub(crate) fn trigger_reassignment(trigger_id: i64) -> String {
    format!("/triggers/{trigger_id}/reassignment")
}

/// Cancels a scheduled reassignment.
pub(crate) fn trigger_reassignment_cancellation(trigger_id: i64) -> String {
    format!("/triggers/{trigger_id}/reassignment/cancellation")
}

pub(crate) fn affiliate_conversions(affiliate_id: i64) -> String {
    format!("/affiliates/{affiliate_id}/conversions")
}

pub(crate) fn affiliate_manual_credit(affiliate_id: i64) -> String {
    format!("/affiliates/{affiliate_id}/manual-credit")
}

pub(crate) fn offer(offer_id: i64) -> String {
    format!("/offers/{offer_id}")
}

/// Manage > Conversions.
pub(crate) fn conversions() -> String {
    "/conversions".to_owned()
}

/// The conversions of these days that count.
pub(crate) fn credited_conversions(from: NaiveDate, to: NaiveDate) -> String {
    let (from, to) = (from.to_string(), to.to_string());
    with_query(&conversions(), &[("status", "credited"), ("from", &from), ("to", &to)])
}

pub(crate) fn conversions_csv() -> String {
    "/conversions.csv".to_owned()
}

/// Undoes a change of conversions; `back` is the page to return to.
pub(crate) fn conversion_change_undo(change_id: i64, back: &str) -> String {
    with_query(&format!("/conversions/changes/{change_id}/undo"), &[("back", back)])
}

/// Manage > Orders.
pub(crate) fn orders() -> String {
    "/orders".to_owned()
}

/// The orders of these days that aren't tests.
pub(crate) fn real_orders(from: NaiveDate, to: NaiveDate) -> String {
    let (from, to) = (from.to_string(), to.to_string());
    with_query(&orders(), &[("kind", "real"), ("from", &from), ("to", &to)])
}

/// One order: the store's report and its attribution.
pub(crate) fn order(order_id: i64) -> String {
    format!("/orders/{order_id}")
}

/// The webhook deliveries of stores.
pub(crate) fn deliveries() -> String {
    "/deliveries".to_owned()
}

/// Deliveries that couldn't be parsed.
pub(crate) fn failed_deliveries() -> String {
    with_query(&deliveries(), &[("outcome", "failed")])
}

pub(crate) fn delivery(delivery_id: i64) -> String {
    format!("/deliveries/{delivery_id}")
}

/// Removes a manual credit, so that the order's codes decide again.
pub(crate) fn manual_credit_removal(order_id: i64) -> String {
    format!("/orders/{order_id}/manual-credit/removal")
}

/// Fetches an order's refunds from its store again.
pub(crate) fn refund_reads(order_id: i64) -> String {
    format!("/orders/{order_id}/refund-reads")
}

/// Channels > Affiliate Registration.
pub(crate) fn registration() -> String {
    "/registration".to_owned()
}

/// The application form of a program.
pub(crate) fn join(slug: &str) -> String {
    format!("/join/{slug}")
}

/// Checks the availability of a code in the application form.
pub(crate) fn join_code(slug: &str) -> String {
    format!("/join/{slug}/code")
}

/// The page after an application was sent.
pub(crate) fn join_sent(slug: &str) -> String {
    format!("/join/{slug}/sent")
}

/// Confirms an applicant's email.
pub(crate) fn join_confirmation(slug: &str, token: &str) -> String {
    format!("/join/{slug}/confirmations/{token}")
}

/// The page after the email was confirmed.
pub(crate) fn join_confirmed(slug: &str) -> String {
    format!("/join/{slug}/confirmed")
}

/// Creates an affiliate's account.
pub(crate) fn join_account(slug: &str, token: &str) -> String {
    format!("/join/{slug}/accounts/{token}")
}

/// The code requests of affiliates, where members decide.
pub(crate) fn code_requests() -> String {
    "/affiliates/code-requests".to_owned()
}

pub(crate) fn code_request_decisions() -> String {
    "/affiliates/code-requests/decisions".to_owned()
}

/// Reverses decisions that were made together. `affiliate_id` is the affiliate whose page the user
/// is on; `None` for the list.
pub(crate) fn code_request_reversals(
    decided_at: DateTime<Utc>,
    request_ids: &[i64],
    affiliate_id: Option<i64>,
) -> String {
    let affiliate = affiliate_id.map_or_else(String::new, |id| id.to_string());
    let path = "/affiliates/code-requests/reversals";
    reversals(path, decided_at, request_ids, ("affiliate", &affiliate))
}

/// Reverses a change of affiliates' status. `back` is the page to return to.
pub(crate) fn affiliate_status_reversals(
    changed_at: DateTime<Utc>,
    affiliate_ids: &[i64],
    back: &str,
) -> String {
    reversals("/affiliates/reversals", changed_at, affiliate_ids, ("back", back))
}

fn reversals(path: &str, at: DateTime<Utc>, ids: &[i64], back: (&str, &str)) -> String {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let at = at.timestamp_micros().to_string();
    with_query(path, &[("at", &at), ("ids", &ids.join(",")), back])
}

/// My Codes, in the affiliate's portal.
pub(crate) fn portal() -> String {
    "/portal".to_owned()
}

/// Requests a code.
pub(crate) fn portal_code_requests() -> String {
    "/portal/code-requests".to_owned()
}

/// Checks the availability of a requested code while the affiliate types.
pub(crate) fn portal_code() -> String {
    "/portal/code-requests/code".to_owned()
}

/// Withdraws a code request.
pub(crate) fn portal_withdrawal(request_id: i64) -> String {
    format!("/portal/code-requests/{request_id}/withdrawal")
}

/// Settings, in the affiliate's portal.
pub(crate) fn portal_settings() -> String {
    "/portal/settings".to_owned()
}
