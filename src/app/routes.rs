//! EVERY URL of the application, one table: method, path, handler, who may reach it.
//!
//! Nouns only: a new verb is a new resource. A fixed path stands before one with a parameter.

use std::collections::BTreeMap;

use actix_web::{Scope, guard, web};

use crate::auth::Access::{Affiliate, Credential, Member, Monitoring, Public, SignedIn, Support};
use crate::auth::Route;
use crate::kit::session::Role::{Admin, Owner, Viewer};

fn method(name: &str) -> guard::AnyGuard {
    match name {
        "GET" => guard::Any(guard::Get()).or(guard::Head()),
        _ => guard::Any(guard::Post()),
    }
}

/// The first part of a path, and what comes after it: `/offers` and `/{offer_id}`.
fn parted(path: &str) -> (&str, &str) {
    let end = path[1..].find('/').map_or(path.len(), |at| at + 1);
    if path == "/" { ("", path) } else { path.split_at(end) }
}

macro_rules! routes {
    ($( $method:ident $path:literal => $handler:path, $access:expr; )+) => {
        /// The table.
        pub const TABLE: &[Route] = &[
            $(Route { method: stringify!($method), path: $path, access: $access },)+
        ];

        /// Registers every route. Those that begin alike stand in one scope, so that a request is
        /// compared with its own few patterns and not with all of them.
        pub fn configure(app: &mut web::ServiceConfig) {
            let mut scopes = BTreeMap::<&str, Scope>::new();
            $(
                let (begin, rest) = parted($path);
                let scope = scopes.remove(begin).unwrap_or_else(|| web::scope(begin));
                let route = web::route().guard(method(stringify!($method))).to($handler);
                scopes.insert(begin, scope.route(rest, route));
            )+
            // The one without a beginning would take every request.
            let root = scopes.remove("");
            for scope in scopes.into_values().chain(root) {
                app.service(scope);
            }
        }
    };
}

routes! {
    // Everybody
    GET  "/static/{path:.*}" => crate::kit::web::assets::serve, Public;
    GET  "/" => crate::auth::handlers::root, Public;

    // Operations
    GET  "/healthz" => crate::app::operations::handlers::health, Public;
    GET  "/readyz" => crate::app::operations::handlers::readiness, Public;
    GET  "/metrics" => crate::app::operations::handlers::metrics, Monitoring;

    // The first run
    GET  "/first-run/{token}" => crate::first_run::handlers::show, Public;
    POST "/first-run/{token}" => crate::first_run::handlers::create, Public;

    // Applying to be an affiliate
    GET  "/join/{program}" => crate::registration::handlers::join, Public;
    POST "/join/{program}" => crate::registration::handlers::apply, Public;
    GET  "/join/{program}/code" => crate::registration::handlers::code, Public;
    GET  "/join/{program}/sent" => crate::registration::handlers::sent, Public;
    GET  "/join/{program}/confirmed" => crate::registration::handlers::confirmed, Public;
    GET  "/join/{program}/confirmations/{token}" => crate::registration::handlers::confirmation, Public;
    POST "/join/{program}/confirmations/{token}" => crate::registration::handlers::confirm, Public;
    GET  "/join/{program}/accounts/{token}" => crate::registration::handlers::account, Public;
    POST "/join/{program}/accounts/{token}" => crate::registration::handlers::accept, Public;

    // People
    GET  "/login" => crate::auth::handlers::login_form, Public;
    POST "/login" => crate::auth::handlers::login, Public;
    GET  "/login/code" => crate::auth::two_factor::second_step::show, Public;
    POST "/login/code" => crate::auth::two_factor::second_step::enter, Public;
    GET  "/invitations/{invitation_token}" => crate::team::handlers::show, Public;
    POST "/invitations/{invitation_token}" => crate::team::handlers::join, Public;
    GET  "/account/two-factor" => crate::auth::two_factor::handlers::show, SignedIn;
    POST "/account/two-factor" => crate::auth::two_factor::handlers::begin, SignedIn;
    POST "/account/two-factor/confirmation" => crate::auth::two_factor::handlers::confirm, SignedIn;
    POST "/account/two-factor/recovery-codes" => crate::auth::two_factor::handlers::renew_codes, SignedIn;
    POST "/account/two-factor/removal" => crate::auth::two_factor::handlers::turn_off, SignedIn;
    GET  "/account/sessions" => crate::auth::devices::handlers::index, SignedIn;
    POST "/account/sessions/others/removal" => crate::auth::devices::handlers::end_others, SignedIn;
    POST "/account/sessions/{session_id}/removal" => crate::auth::devices::handlers::end, SignedIn;
    GET  "/password-resets/new" => crate::auth::resets::handlers::new, Public;
    POST "/password-resets" => crate::auth::resets::handlers::create, Public;
    GET  "/password-resets/{token}" => crate::auth::resets::handlers::show, Public;
    POST "/password-resets/{token}" => crate::auth::resets::handlers::update, Public;
    GET  "/account/password" => crate::auth::account::password_form, SignedIn;
    POST "/account/password" => crate::auth::account::change_password, SignedIn;
    POST "/logout" => crate::auth::handlers::logout, Public;
    GET  "/unsent-form" => crate::auth::unsent::show, SignedIn;
    GET  "/places" => crate::auth::handlers::choose_place, SignedIn;
    POST "/places" => crate::auth::handlers::go_to_place, SignedIn;

    // The affiliate's side
    GET  "/portal" => crate::portal::handlers::index, Affiliate;
    GET  "/portal/conversions" => crate::portal::handlers::conversions, Affiliate;
    POST "/portal/code-requests" => crate::portal::handlers::ask, Affiliate;
    GET  "/portal/code-requests/code" => crate::portal::handlers::code, Affiliate;
    POST "/portal/code-requests/{request_id}/withdrawal" => crate::portal::handlers::withdraw, Affiliate;
    GET  "/portal/settings" => crate::portal::handlers::settings, Affiliate;
    POST "/portal/settings" => crate::portal::handlers::update, Affiliate;
    POST "/portal/settings/password" => crate::portal::handlers::change_password, Affiliate;
    POST "/portal/settings/sessions/others/removal" => crate::portal::handlers::end_other_sessions, Affiliate;
    POST "/portal/settings/sessions/{session_id}/removal" => crate::portal::handlers::end_session, Affiliate;

    // Support staff
    GET  "/support/merchants" => crate::support::handlers::index, Support;
    GET  "/support/mail" => crate::support::mail::index, Support;
    POST "/support/mail/{letter_id}/disclosure" => crate::support::mail::disclose, Support;
    POST "/support/mail/{letter_id}/retry" => crate::support::mail::retry, Support;
    GET  "/support/users" => crate::support::users::index, Support;
    GET  "/support/users/{user_id}" => crate::support::users::show, Support;
    POST "/support/users/{user_id}/access" => crate::support::users::set_access, Support;
    POST "/support/users/{user_id}/support-rights/removal" => crate::support::users::remove_support, Support;
    GET  "/support/merchants/{merchant_id}" => crate::support::handlers::show, Support;
    POST "/support/merchants/{merchant_id}/coupon-exclusions" => crate::support::handlers::set_exclusions, Support;
    POST "/support/merchants/{merchant_id}/access" => crate::support::handlers::set_access, Support;
    POST "/support/merchants/{merchant_id}/views" => crate::support::handlers::begin_view, Support;
    POST "/support/views/end" => crate::support::handlers::end_view, Support;
    POST "/support/merchants/{merchant_id}/people/{user_id}/sign-out" => crate::support::handlers::end_sessions, Support;
    POST "/support/merchants/{merchant_id}/affiliate-sign-outs" => crate::support::handlers::end_sessions_of_affiliate, Support;
    POST "/support/merchants/{merchant_id}/invitations/{invitation_id}/sending" => crate::support::handlers::resend_invitation, Support;

    // Account > Settings
    GET  "/settings/general" => crate::settings::general::show, Member(Viewer);
    POST "/settings/general" => crate::settings::general::update, Member(Admin);
    GET  "/settings/calculation" => crate::settings::calculation::show, Member(Viewer);
    POST "/settings/calculation" => crate::settings::calculation::update, Member(Admin);
    GET  "/settings/team" => crate::team::handlers::index, Member(Viewer);
    POST "/settings/team/invitations" => crate::team::handlers::invite, Member(Owner);
    POST "/settings/team/invitations/{invitation_id}/sending" => crate::team::handlers::resend, Member(Owner);
    POST "/settings/team/invitations/{invitation_id}/withdrawal" => crate::team::handlers::withdraw, Member(Owner);
    POST "/settings/team/members/{member_id}/role" => crate::team::handlers::change_role, Member(Owner);
    POST "/settings/team/members/{member_id}/removal" => crate::team::handlers::remove, Member(Owner);
    POST "/settings/team/two-factor" => crate::team::handlers::require_two_factor, Member(Owner);
    POST "/settings/team/departure" => crate::team::handlers::leave, Member(Viewer);
    GET  "/settings/api" => crate::settings::api::show, Member(Viewer);
    POST "/settings/api/keys" => crate::settings::api::create, Member(Owner);
    POST "/settings/api/keys/{key_id}/revocation" => crate::settings::api::revoke, Member(Owner);
    GET  "/settings/shopify" => crate::settings::shopify::show, Member(Viewer);
    POST "/settings/shopify" => crate::settings::shopify::connect, Member(Admin);
    GET  "/settings/shopify/{store_id}/secret" => crate::settings::shopify::secret, Member(Admin);
    POST "/settings/shopify/{store_id}/secret" => crate::settings::shopify::replace_secret, Member(Admin);
    POST "/settings/shopify/{store_id}/previous-secret/removal" => crate::settings::shopify::remove_previous_secret, Member(Admin);
    POST "/settings/shopify/{store_id}/access" => crate::settings::check_access, Member(Admin);
    GET  "/settings/shopify/{store_id}/credentials" => crate::settings::shopify::credentials, Member(Admin);
    POST "/settings/shopify/{store_id}/credentials" => crate::settings::shopify::replace_credentials, Member(Admin);
    GET  "/settings/shopify/{store_id}/discounts" => crate::settings::shopify::discounts, Member(Viewer);
    POST "/settings/shopify/{store_id}/discounts" => crate::settings::shopify::set_discounts, Member(Admin);
    GET  "/settings/shopify/{store_id}/cancellations" => crate::settings::shopify::cancellations, Member(Viewer);
    POST "/settings/shopify/{store_id}/cancellations" => crate::settings::shopify::set_cancellations, Member(Admin);
    POST "/settings/shopify/{store_id}/disconnection" => crate::settings::disconnect, Member(Admin);
    GET  "/settings/woocommerce" => crate::settings::woocommerce::show, Member(Viewer);
    POST "/settings/woocommerce" => crate::settings::woocommerce::connect, Member(Admin);
    GET  "/settings/woocommerce/{store_id}/credentials" => crate::settings::woocommerce::credentials, Member(Admin);
    POST "/settings/woocommerce/{store_id}/credentials" => crate::settings::woocommerce::replace_credentials, Member(Admin);
    GET  "/settings/woocommerce/{store_id}/discounts" => crate::settings::woocommerce::discounts, Member(Viewer);
    POST "/settings/woocommerce/{store_id}/discounts" => crate::settings::woocommerce::set_discounts, Member(Admin);
    // Until the next release: where it was.
    GET  "/settings/woocommerce/{store_id}/codes" => crate::settings::moved_discounts, Member(Viewer);
    POST "/settings/woocommerce/{store_id}/access" => crate::settings::check_access, Member(Admin);
    POST "/settings/woocommerce/{store_id}/disconnection" => crate::settings::disconnect, Member(Admin);
    GET  "/settings/stores/{store_id}/catch-ups" => crate::catch_up::handlers::index, Member(Viewer);
    POST "/settings/stores/{store_id}/catch-ups" => crate::catch_up::handlers::create, Member(Admin);
    GET  "/settings/stores/{store_id}/comparison" => crate::comparisons::handlers::show, Member(Viewer);
    POST "/settings/stores/{store_id}/comparison" => crate::comparisons::handlers::create, Member(Admin);
    GET  "/settings/stores/{store_id}/comparison.csv" => crate::comparisons::handlers::export, Member(Viewer);
    POST "/settings/stores/{store_id}/comparison/counted-codes" => crate::comparisons::handlers::set_counted_codes, Member(Admin);
    POST "/settings/stores/{store_id}/comparison/repairs" => crate::comparisons::handlers::repair, Member(Admin);

    GET  "/settings/coupon-exclusions" => crate::exclusions::handlers::index, Member(Viewer);
    POST "/settings/coupon-exclusions" => crate::exclusions::handlers::create, Member(Admin);
    GET  "/settings/coupon-exclusions.csv" => crate::exclusions::handlers::export, Member(Viewer);
    GET  "/settings/coupon-exclusions/new" => crate::exclusions::handlers::new, Member(Admin);
    GET  "/settings/coupon-exclusions/template.csv" => crate::exclusions::handlers::template, Member(Viewer);
    GET  "/settings/coupon-exclusions/uploads/new" => crate::exclusions::handlers::new_upload, Member(Admin);
    POST "/settings/coupon-exclusions/uploads" => crate::exclusions::handlers::upload, Member(Admin);
    GET  "/settings/coupon-exclusions/{exclusion_id}" => crate::exclusions::handlers::show, Member(Viewer);
    POST "/settings/coupon-exclusions/{exclusion_id}" => crate::exclusions::handlers::update, Member(Admin);
    POST "/settings/coupon-exclusions/{exclusion_id}/removal" => crate::exclusions::handlers::remove, Member(Admin);
    POST "/settings/coupon-exclusions/{exclusion_id}/restoration" => crate::exclusions::handlers::restore, Member(Admin);

    GET  "/settings/privacy" => crate::privacy::handlers::show, Member(Owner);
    POST "/settings/privacy/retention" => crate::privacy::handlers::set_retention, Member(Owner);
    POST "/settings/privacy/people" => crate::privacy::handlers::search, Member(Owner);
    POST "/settings/privacy/exports" => crate::privacy::handlers::export, Member(Owner);
    POST "/settings/privacy/erasures" => crate::privacy::handlers::erase, Member(Owner);
    POST "/settings/privacy/data-requests/{data_request_id}/completion" => crate::privacy::handlers::complete, Member(Owner);
    GET  "/settings/audit-log" => crate::settings::audit_log::show, Member(Viewer);
    GET  "/settings/audit-log.csv" => crate::settings::audit_log::export, Member(Viewer);

    GET  "/settings/bigcommerce" => crate::settings::bigcommerce::show, Member(Viewer);
    GET  "/settings/bigcommerce/credentials" => crate::settings::bigcommerce::new_credentials, Member(Admin);
    POST "/settings/bigcommerce/credentials" => crate::settings::bigcommerce::connect, Member(Admin);
    GET  "/settings/bigcommerce/{store_id}/credentials" => crate::settings::bigcommerce::credentials, Member(Admin);
    POST "/settings/bigcommerce/{store_id}/credentials" => crate::settings::bigcommerce::replace_credentials, Member(Admin);
    POST "/settings/bigcommerce/{store_id}/discounts" => crate::settings::bigcommerce::set_discounts, Member(Admin);
    POST "/settings/bigcommerce/{store_id}/access" => crate::settings::check_access, Member(Admin);
    POST "/settings/bigcommerce/{store_id}/disconnection" => crate::settings::disconnect, Member(Admin);

    // Manage > Conversion Triggers
    GET  "/affiliates/{affiliate_id}/triggers" => crate::triggers::handlers::index_of_affiliate, Member(Viewer);
    POST "/affiliates/{affiliate_id}/triggers" => crate::triggers::handlers::create_of_affiliate, Member(Admin);
    GET  "/affiliates/{affiliate_id}/triggers/new" => crate::triggers::handlers::new_of_affiliate, Member(Admin);
    GET  "/triggers" => crate::triggers::handlers::index, Member(Viewer);
    POST "/triggers" => crate::triggers::handlers::create, Member(Admin);
    GET  "/triggers/new" => crate::triggers::handlers::new, Member(Admin);
    GET  "/triggers.csv" => crate::triggers::handlers::export, Member(Viewer);
    GET  "/triggers/imports" => crate::imports::handlers::index, Member(Viewer);
    POST "/triggers/imports" => crate::imports::handlers::create, Member(Admin);
    GET  "/triggers/imports/new" => crate::imports::handlers::new, Member(Admin);
    GET  "/triggers/imports/template.csv" => crate::imports::handlers::template, Member(Viewer);
    GET  "/triggers/imports/{import_id}" => crate::imports::handlers::show, Member(Viewer);
    GET  "/triggers/imports/{import_id}/refused.csv" => crate::imports::handlers::refused, Member(Viewer);
    POST "/triggers/imports/{import_id}/completion" => crate::imports::handlers::complete, Member(Admin);
    GET  "/triggers/pushes" => crate::pushes::handlers::updates, Member(Viewer);
    POST "/triggers/pushes/retries" => crate::pushes::handlers::retry_all, Member(Admin);
    POST "/triggers/{trigger_id}/pushes/{push_id}/retry" => crate::pushes::handlers::retry, Member(Admin);
    POST "/triggers/{trigger_id}/pushes/{push_id}/attachment" => crate::pushes::handlers::attach, Member(Admin);
    GET  "/triggers/{trigger_id}" => crate::triggers::handlers::show, Member(Viewer);
    GET  "/triggers/{trigger_id}/reassignment" => crate::triggers::handlers::reassignment, Member(Admin);
    POST "/triggers/{trigger_id}/reassignment" => crate::triggers::handlers::reassign, Member(Admin);
    POST "/triggers/{trigger_id}/reassignment/cancellation" => crate::triggers::handlers::cancel_reassignment, Member(Admin);
    POST "/triggers/{trigger_id}/retirement" => crate::triggers::handlers::retire, Member(Admin);
    POST "/triggers/{trigger_id}/reinstatement" => crate::triggers::handlers::reinstate, Member(Admin);

    // Manage > Offers
    GET  "/offers" => crate::offers::handlers::index, Member(Viewer);
    POST "/offers" => crate::offers::handlers::create, Member(Admin);
    GET  "/offers/new" => crate::offers::handlers::new, Member(Admin);
    GET  "/offers/{offer_id}" => crate::offers::handlers::show, Member(Viewer);
    POST "/offers/{offer_id}" => crate::offers::handlers::update, Member(Admin);
    POST "/offers/{offer_id}/archival" => crate::offers::handlers::archive, Member(Admin);
    POST "/offers/{offer_id}/restoration" => crate::offers::handlers::restore, Member(Admin);

    // Channels > Affiliate Registration
    GET  "/registration" => crate::registration::handlers::show, Member(Viewer);
    POST "/registration" => crate::registration::handlers::update, Member(Admin);

    // Dashboard
    GET  "/dashboard" => crate::dashboard::handlers::show, Member(Viewer);

    // Manage > Affiliates
    GET  "/affiliates" => crate::affiliates::handlers::index, Member(Viewer);
    POST "/affiliates" => crate::affiliates::handlers::create, Member(Admin);
    GET  "/affiliates.csv" => crate::affiliates::handlers::export, Member(Viewer);
    GET  "/affiliates/new" => crate::affiliates::handlers::new, Member(Admin);
    GET  "/affiliates/code-requests" => crate::code_requests::handlers::index, Member(Viewer);
    POST "/affiliates/code-requests/decisions" => crate::code_requests::handlers::decide, Member(Admin);
    POST "/affiliates/code-requests/reversals" => crate::code_requests::handlers::reverse, Member(Admin);
    GET  "/affiliates/choices" => crate::affiliates::handlers::choices, Member(Viewer);
    POST "/affiliates/status" => crate::registration::handlers::change_several, Member(Admin);
    POST "/affiliates/reversals" => crate::registration::handlers::reverse, Member(Admin);
    GET  "/affiliates/{affiliate_id}" => crate::affiliates::handlers::settings, Member(Viewer);
    POST "/affiliates/{affiliate_id}" => crate::affiliates::handlers::update, Member(Admin);
    POST "/affiliates/{affiliate_id}/invitation" => crate::registration::handlers::invite, Member(Admin);
    POST "/affiliates/{affiliate_id}/status" => crate::registration::handlers::change, Member(Admin);

    // Stores
    POST "/hooks/bigcommerce/{store_key}" => crate::hooks::receive, Credential;
    POST "/hooks/shopify/{store_key}" => crate::hooks::receive, Credential;
    POST "/hooks/woocommerce/{store_key}" => crate::hooks::receive, Credential;

    // Manage > Conversions
    GET  "/conversions" => crate::conversions::handlers::index, Member(Viewer);
    GET  "/conversions.csv" => crate::conversions::handlers::export, Member(Viewer);
    POST "/conversions/statuses" => crate::conversions::handlers::set_status, Member(Admin);
    POST "/conversions/changes/{change_id}/undo" => crate::conversions::handlers::undo, Member(Admin);
    GET  "/affiliates/{affiliate_id}/conversions" => crate::conversions::handlers::of_affiliate, Member(Viewer);
    GET  "/affiliates/{affiliate_id}/manual-credit" => crate::orders::handlers::manual_credit, Member(Viewer);
    POST "/affiliates/{affiliate_id}/manual-credit/orders" => crate::orders::handlers::credit_order, Member(Admin);
    POST "/affiliates/{affiliate_id}/manual-credit/amounts" => crate::orders::handlers::give_amount, Member(Admin);
    POST "/conversions/{conversion_id}/overruling" => crate::conversions::handlers::overrule, Member(Admin);

    // Manage > Orders
    GET  "/orders" => crate::orders::handlers::index, Member(Viewer);
    GET  "/orders/{order_id}" => crate::orders::handlers::show, Member(Viewer);
    POST "/orders/{order_id}/refund-reads" => crate::orders::handlers::read_refunds, Member(Admin);
    POST "/orders/{order_id}/manual-credit/removal" => crate::orders::handlers::remove_manual_credit, Member(Admin);
    GET  "/deliveries" => crate::orders::handlers::deliveries, Member(Viewer);
    POST "/deliveries/replay" => crate::orders::handlers::replay_all, Member(Admin);
    GET  "/deliveries/{delivery_id}" => crate::orders::handlers::delivery, Member(Admin);
    POST "/deliveries/{delivery_id}/replay" => crate::orders::handlers::replay, Member(Admin);

    // REST API
    POST "/api/v1/orders" => crate::api::handlers::report_order, Credential;
    GET  "/api/v1/triggers" => crate::api::triggers::handlers::list_triggers, Credential;
    POST "/api/v1/triggers" => crate::api::triggers::handlers::create_trigger, Credential;
    GET  "/api/v1/triggers/{trigger_id}" => crate::api::triggers::handlers::show_trigger, Credential;
    GET  "/api/openapi.json" => crate::api::handlers::openapi, Public;
}
