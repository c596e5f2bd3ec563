//! EVERY URL of the application, one table: method, path, handler, who may reach it.
//!
//! Nouns only: a new verb is a new resource. A fixed path comes before one with a parameter.

use std::collections::BTreeMap;

use actix_web::{Scope, guard, web};

use crate::features::auth::Access::{
    Affiliate, Credential, Member, Monitoring, Public, SignedIn, Support,
};
use crate::features::auth::Route;
use crate::kit::session::Role::{Admin, Owner, Viewer};

fn method(name: &str) -> guard::AnyGuard {
    match name {
        "GET" => guard::Any(guard::Get()).or(guard::Head()),
        _ => guard::Any(guard::Post()),
    }
}

/// The first segment of a path, and the rest: `/offers` and `/{offer_id}`.
fn parted(path: &str) -> (&str, &str) {
    let end = path[1..].find('/').map_or(path.len(), |at| at + 1);
    if path == "/" { ("", path) } else { path.split_at(end) }
}

macro_rules! routes {
    ($( $method:ident $path:literal => $handler:path, $access:expr; )+) => {
        pub const TABLE: &[Route] = &[
            $(Route { method: stringify!($method), path: $path, access: $access },)+
        ];

        /// Registers every route. Routes with the same first segment share a scope, so a request is
        /// compared only with those patterns.
        pub fn configure(app: &mut web::ServiceConfig) {
            let mut scopes = BTreeMap::<&str, Scope>::new();
            $(
                let (begin, rest) = parted($path);
                let scope = scopes.remove(begin).unwrap_or_else(|| web::scope(begin));
                let route = web::route().guard(method(stringify!($method))).to($handler);
                scopes.insert(begin, scope.route(rest, route));
            )+
            // The scope without a prefix would match every request.
            let root = scopes.remove("");
            for scope in scopes.into_values().chain(root) {
                app.service(scope);
            }
        }
    };
}

routes! {
    // Anyone
    GET  "/static/{path:.*}" => crate::kit::web::assets::serve, Public;
    GET  "/" => crate::features::auth::handlers::root, Public;

    // Operations
    GET  "/healthz" => crate::app::operations::handlers::health, Public;
    GET  "/readyz" => crate::app::operations::handlers::readiness, Public;
    GET  "/metrics" => crate::app::operations::handlers::metrics, Monitoring;

    // First run
    GET  "/first-run/{token}" => crate::features::first_run::handlers::show, Public;
    POST "/first-run/{token}" => crate::features::first_run::handlers::create, Public;

    // Applications
    GET  "/join/{program}" => crate::features::registration::handlers::join, Public;
    POST "/join/{program}" => crate::features::registration::handlers::apply, Public;
    GET  "/join/{program}/code" => crate::features::registration::handlers::code, Public;
    GET  "/join/{program}/sent" => crate::features::registration::handlers::sent, Public;
    GET  "/join/{program}/confirmed" => crate::features::registration::handlers::confirmed, Public;
    GET  "/join/{program}/confirmations/{token}" => crate::features::registration::handlers::confirmation, Public;
    POST "/join/{program}/confirmations/{token}" => crate::features::registration::handlers::confirm, Public;
    GET  "/join/{program}/accounts/{token}" => crate::features::registration::handlers::account, Public;
    POST "/join/{program}/accounts/{token}" => crate::features::registration::handlers::accept, Public;

    // Sign-in and accounts
    GET  "/login" => crate::features::auth::handlers::login_form, Public;
    POST "/login" => crate::features::auth::handlers::login, Public;
    GET  "/login/code" => crate::features::auth::two_factor::second_step::show, Public;
    POST "/login/code" => crate::features::auth::two_factor::second_step::enter, Public;
    GET  "/invitations/{invitation_token}" => crate::features::team::handlers::show, Public;
    POST "/invitations/{invitation_token}" => crate::features::team::handlers::join, Public;
    GET  "/account/two-factor" => crate::features::auth::two_factor::handlers::show, SignedIn;
    POST "/account/two-factor" => crate::features::auth::two_factor::handlers::begin, SignedIn;
    POST "/account/two-factor/confirmation" => crate::features::auth::two_factor::handlers::confirm, SignedIn;
    POST "/account/two-factor/recovery-codes" => crate::features::auth::two_factor::handlers::renew_codes, SignedIn;
    POST "/account/two-factor/removal" => crate::features::auth::two_factor::handlers::turn_off, SignedIn;
    GET  "/account/sessions" => crate::features::auth::devices::handlers::index, SignedIn;
    POST "/account/sessions/others/removal" => crate::features::auth::devices::handlers::end_others, SignedIn;
    POST "/account/sessions/{session_id}/removal" => crate::features::auth::devices::handlers::end, SignedIn;
    GET  "/password-resets/new" => crate::features::auth::resets::handlers::new, Public;
    POST "/password-resets" => crate::features::auth::resets::handlers::create, Public;
    GET  "/password-resets/{token}" => crate::features::auth::resets::handlers::show, Public;
    POST "/password-resets/{token}" => crate::features::auth::resets::handlers::update, Public;
    GET  "/account/password" => crate::features::auth::account::password_form, SignedIn;
    POST "/account/password" => crate::features::auth::account::change_password, SignedIn;
    POST "/logout" => crate::features::auth::handlers::logout, Public;
    GET  "/unsent-form" => crate::features::auth::unsent::show, SignedIn;
    GET  "/programs" => crate::features::auth::handlers::choose_program, SignedIn;
    POST "/programs" => crate::features::auth::handlers::open_program, SignedIn;
    // The former path, for one release (docs/changes.md), like the ones below.
    GET  "/places" => crate::features::auth::handlers::choose_program, SignedIn;
    POST "/places" => crate::features::auth::handlers::open_program, SignedIn;

    // Affiliate portal
    GET  "/portal" => crate::features::portal::handlers::index, Affiliate;
    GET  "/portal/conversions" => crate::features::portal::handlers::conversions, Affiliate;
    POST "/portal/code-requests" => crate::features::portal::handlers::ask, Affiliate;
    GET  "/portal/code-requests/code" => crate::features::portal::handlers::code, Affiliate;
    POST "/portal/code-requests/{request_id}/withdrawal" => crate::features::portal::handlers::withdraw, Affiliate;
    GET  "/portal/settings" => crate::features::portal::handlers::settings, Affiliate;
    POST "/portal/settings" => crate::features::portal::handlers::update, Affiliate;
    POST "/portal/settings/password" => crate::features::portal::handlers::change_password, Affiliate;
    POST "/portal/settings/sessions/others/removal" => crate::features::portal::handlers::end_other_sessions, Affiliate;
    POST "/portal/settings/sessions/{session_id}/removal" => crate::features::portal::handlers::end_session, Affiliate;

    // Support staff
    GET  "/support/merchants" => crate::features::support::handlers::index, Support;
    GET  "/support/emails" => crate::features::support::emails::index, Support;
    POST "/support/emails/{email_id}/disclosure" => crate::features::support::emails::disclose, Support;
    POST "/support/emails/{email_id}/retry" => crate::features::support::emails::retry, Support;
    GET  "/support/mail" => crate::features::support::emails::index, Support;
    POST "/support/mail/{email_id}/disclosure" => crate::features::support::emails::disclose, Support;
    POST "/support/mail/{email_id}/retry" => crate::features::support::emails::retry, Support;
    GET  "/support/jobs" => crate::features::support::jobs::index, Support;
    POST "/support/jobs/retries" => crate::features::support::jobs::retry_all, Support;
    POST "/support/jobs/{merchant_id}/{job_id}/retry" => crate::features::support::jobs::retry, Support;
    GET  "/support/users" => crate::features::support::users::index, Support;
    GET  "/support/users/{user_id}" => crate::features::support::users::show, Support;
    POST "/support/users/{user_id}/access" => crate::features::support::users::set_access, Support;
    POST "/support/users/{user_id}/support-rights/removal" => crate::features::support::users::remove_support, Support;
    GET  "/support/merchants/{merchant_id}" => crate::features::support::handlers::show, Support;
    POST "/support/merchants/{merchant_id}/coupon-exclusions" => crate::features::support::handlers::set_exclusions, Support;
    POST "/support/merchants/{merchant_id}/access" => crate::features::support::handlers::set_access, Support;
    POST "/support/merchants/{merchant_id}/views" => crate::features::support::handlers::begin_view, Support;
    POST "/support/views/end" => crate::features::support::handlers::end_view, Support;
    POST "/support/merchants/{merchant_id}/people/{user_id}/sign-out" => crate::features::support::handlers::end_sessions, Support;
    POST "/support/merchants/{merchant_id}/affiliate-sign-outs" => crate::features::support::handlers::end_sessions_of_affiliate, Support;
    POST "/support/merchants/{merchant_id}/invitations/{invitation_id}/sending" => crate::features::support::handlers::resend_invitation, Support;

    // Account > Settings
    GET  "/settings/general" => crate::features::settings::general::show, Member(Viewer);
    POST "/settings/general" => crate::features::settings::general::update, Member(Admin);
    GET  "/settings/calculation" => crate::features::settings::calculation::show, Member(Viewer);
    POST "/settings/calculation" => crate::features::settings::calculation::update, Member(Admin);
    GET  "/settings/team" => crate::features::team::handlers::index, Member(Viewer);
    POST "/settings/team/invitations" => crate::features::team::handlers::invite, Member(Owner);
    POST "/settings/team/invitations/{invitation_id}/sending" => crate::features::team::handlers::resend, Member(Owner);
    POST "/settings/team/invitations/{invitation_id}/withdrawal" => crate::features::team::handlers::withdraw, Member(Owner);
    POST "/settings/team/members/{member_id}/role" => crate::features::team::handlers::change_role, Member(Owner);
    POST "/settings/team/members/{member_id}/removal" => crate::features::team::handlers::remove, Member(Owner);
    POST "/settings/team/two-factor" => crate::features::team::handlers::require_two_factor, Member(Owner);
    POST "/settings/team/departure" => crate::features::team::handlers::leave, Member(Viewer);
    GET  "/settings/api" => crate::features::settings::api::show, Member(Viewer);
    POST "/settings/api/keys" => crate::features::settings::api::create, Member(Owner);
    POST "/settings/api/keys/{key_id}/revocation" => crate::features::settings::api::revoke, Member(Owner);
    GET  "/settings/stores/{store_id}/backfills" => crate::features::backfills::handlers::index, Member(Viewer);
    POST "/settings/stores/{store_id}/backfills" => crate::features::backfills::handlers::create, Member(Admin);
    GET  "/settings/stores/{store_id}/code-sync" => crate::features::code_syncs::handlers::show, Member(Viewer);
    POST "/settings/stores/{store_id}/code-sync" => crate::features::code_syncs::handlers::create, Member(Admin);
    GET  "/settings/stores/{store_id}/code-sync.csv" => crate::features::code_syncs::handlers::export, Member(Viewer);
    POST "/settings/stores/{store_id}/code-sync/counted-codes" => crate::features::code_syncs::handlers::set_counted_codes, Member(Admin);
    POST "/settings/stores/{store_id}/code-sync/repairs" => crate::features::code_syncs::handlers::repair, Member(Admin);
    GET  "/settings/stores/{store_id}/comparison" => crate::features::code_syncs::handlers::show, Member(Viewer);
    POST "/settings/stores/{store_id}/comparison" => crate::features::code_syncs::handlers::create, Member(Admin);
    GET  "/settings/stores/{store_id}/comparison.csv" => crate::features::code_syncs::handlers::export, Member(Viewer);
    POST "/settings/stores/{store_id}/comparison/counted-codes" => crate::features::code_syncs::handlers::set_counted_codes, Member(Admin);
    POST "/settings/stores/{store_id}/comparison/repairs" => crate::features::code_syncs::handlers::repair, Member(Admin);
    GET  "/settings/stores/{store_id}/catch-ups" => crate::features::backfills::handlers::index, Member(Viewer);
    POST "/settings/stores/{store_id}/catch-ups" => crate::features::backfills::handlers::create, Member(Admin);

    GET  "/settings/coupon-exclusions" => crate::features::exclusions::handlers::index, Member(Viewer);
    POST "/settings/coupon-exclusions" => crate::features::exclusions::handlers::create, Member(Admin);
    GET  "/settings/coupon-exclusions.csv" => crate::features::exclusions::handlers::export, Member(Viewer);
    GET  "/settings/coupon-exclusions/new" => crate::features::exclusions::handlers::new, Member(Admin);
    GET  "/settings/coupon-exclusions/template.csv" => crate::features::exclusions::handlers::template, Member(Viewer);
    GET  "/settings/coupon-exclusions/uploads/new" => crate::features::exclusions::handlers::new_upload, Member(Admin);
    POST "/settings/coupon-exclusions/uploads" => crate::features::exclusions::handlers::upload, Member(Admin);
    GET  "/settings/coupon-exclusions/{exclusion_id}" => crate::features::exclusions::handlers::show, Member(Viewer);
    POST "/settings/coupon-exclusions/{exclusion_id}" => crate::features::exclusions::handlers::update, Member(Admin);
    POST "/settings/coupon-exclusions/{exclusion_id}/removal" => crate::features::exclusions::handlers::remove, Member(Admin);
    POST "/settings/coupon-exclusions/{exclusion_id}/restoration" => crate::features::exclusions::handlers::restore, Member(Admin);

    GET  "/settings/privacy" => crate::features::privacy::handlers::show, Member(Owner);
    POST "/settings/privacy/retention" => crate::features::privacy::handlers::set_retention, Member(Owner);
    POST "/settings/privacy/people" => crate::features::privacy::handlers::search, Member(Owner);
    POST "/settings/privacy/exports" => crate::features::privacy::handlers::export, Member(Owner);
    POST "/settings/privacy/erasures" => crate::features::privacy::handlers::erase, Member(Owner);
    POST "/settings/privacy/data-requests/{data_request_id}/completion" => crate::features::privacy::handlers::complete, Member(Owner);
    GET  "/settings/audit-log" => crate::features::settings::audit_log::show, Member(Viewer);
    GET  "/settings/audit-log.csv" => crate::features::settings::audit_log::export, Member(Viewer);

    // Store settings of a platform, after all fixed paths
    GET  "/settings/{platform}" => crate::features::settings::stores::show, Member(Viewer);
    POST "/settings/{platform}" => crate::features::settings::stores::connect, Member(Admin);
    GET  "/settings/{platform}/credentials" => crate::features::settings::stores::new_credentials, Member(Admin);
    POST "/settings/{platform}/credentials" => crate::features::settings::stores::connect_apart, Member(Admin);
    GET  "/settings/{platform}/{store_id}/credentials" => crate::features::settings::stores::credentials, Member(Admin);
    POST "/settings/{platform}/{store_id}/credentials" => crate::features::settings::stores::replace_credentials, Member(Admin);
    POST "/settings/{platform}/{store_id}/access" => crate::features::settings::stores::check_access, Member(Admin);
    GET  "/settings/{platform}/{store_id}/discounts" => crate::features::settings::stores::discounts, Member(Viewer);
    POST "/settings/{platform}/{store_id}/discounts" => crate::features::settings::stores::set_discounts, Member(Admin);
    GET  "/settings/{platform}/{store_id}/codes" => crate::features::settings::stores::moved_discounts, Member(Viewer);
    POST "/settings/{platform}/{store_id}/codes" => crate::features::settings::stores::set_discounts, Member(Admin);
    POST "/settings/{platform}/{store_id}/rules" => crate::features::settings::stores::set_discounts, Member(Admin);
    GET  "/settings/{platform}/{store_id}/secret" => crate::features::settings::stores::secret, Member(Admin);
    POST "/settings/{platform}/{store_id}/secret" => crate::features::settings::stores::replace_secret, Member(Admin);
    POST "/settings/{platform}/{store_id}/previous-secret/removal" => crate::features::settings::stores::remove_previous_secret, Member(Admin);
    GET  "/settings/{platform}/{store_id}/cancellations" => crate::features::settings::stores::cancellations, Member(Viewer);
    POST "/settings/{platform}/{store_id}/cancellations" => crate::features::settings::stores::set_cancellations, Member(Admin);
    POST "/settings/{platform}/{store_id}/disconnection" => crate::features::settings::stores::disconnect, Member(Admin);

    // Manage > Conversion Triggers
    GET  "/affiliates/{affiliate_id}/triggers" => crate::features::triggers::handlers::index_of_affiliate, Member(Viewer);
    POST "/affiliates/{affiliate_id}/triggers" => crate::features::triggers::handlers::create_of_affiliate, Member(Admin);
    GET  "/affiliates/{affiliate_id}/triggers/new" => crate::features::triggers::handlers::new_of_affiliate, Member(Admin);
    GET  "/triggers" => crate::features::triggers::handlers::index, Member(Viewer);
    POST "/triggers" => crate::features::triggers::handlers::create, Member(Admin);
    GET  "/triggers/new" => crate::features::triggers::handlers::new, Member(Admin);
    GET  "/triggers.csv" => crate::features::triggers::handlers::export, Member(Viewer);
    GET  "/triggers/imports" => crate::features::imports::handlers::index, Member(Viewer);
    POST "/triggers/imports" => crate::features::imports::handlers::create, Member(Admin);
    GET  "/triggers/imports/new" => crate::features::imports::handlers::new, Member(Admin);
    GET  "/triggers/imports/template.csv" => crate::features::imports::handlers::template, Member(Viewer);
    GET  "/triggers/imports/{import_id}" => crate::features::imports::handlers::show, Member(Viewer);
    GET  "/triggers/imports/{import_id}/refused.csv" => crate::features::imports::handlers::refused, Member(Viewer);
    POST "/triggers/imports/{import_id}/completion" => crate::features::imports::handlers::complete, Member(Admin);
    GET  "/triggers/pushes" => crate::features::pushes::handlers::updates, Member(Viewer);
    POST "/triggers/pushes/retries" => crate::features::pushes::handlers::retry_all, Member(Admin);
    POST "/triggers/{trigger_id}/pushes/{push_id}/retry" => crate::features::pushes::handlers::retry, Member(Admin);
    POST "/triggers/{trigger_id}/pushes/{push_id}/attachment" => crate::features::pushes::handlers::attach, Member(Admin);
    GET  "/triggers/{trigger_id}" => crate::features::triggers::handlers::show, Member(Viewer);
    GET  "/triggers/{trigger_id}/reassignment" => crate::features::triggers::handlers::reassignment, Member(Admin);
    POST "/triggers/{trigger_id}/reassignment" => crate::features::triggers::handlers::reassign, Member(Admin);
    POST "/triggers/{trigger_id}/reassignment/cancellation" => crate::features::triggers::handlers::cancel_reassignment, Member(Admin);
    POST "/triggers/{trigger_id}/retirement" => crate::features::triggers::handlers::retire, Member(Admin);
    POST "/triggers/{trigger_id}/reinstatement" => crate::features::triggers::handlers::reinstate, Member(Admin);

    // Manage > Offers
    GET  "/offers" => crate::features::offers::handlers::index, Member(Viewer);
    POST "/offers" => crate::features::offers::handlers::create, Member(Admin);
    GET  "/offers/new" => crate::features::offers::handlers::new, Member(Admin);
    GET  "/offers/{offer_id}" => crate::features::offers::handlers::show, Member(Viewer);
    POST "/offers/{offer_id}" => crate::features::offers::handlers::update, Member(Admin);
    POST "/offers/{offer_id}/archival" => crate::features::offers::handlers::archive, Member(Admin);
    POST "/offers/{offer_id}/restoration" => crate::features::offers::handlers::restore, Member(Admin);

    // Channels > Affiliate Registration
    GET  "/registration" => crate::features::registration::handlers::show, Member(Viewer);
    POST "/registration" => crate::features::registration::handlers::update, Member(Admin);

    // Dashboard
    GET  "/dashboard" => crate::features::dashboard::handlers::show, Member(Viewer);

    // Manage > Affiliates
    GET  "/affiliates" => crate::features::affiliates::handlers::index, Member(Viewer);
    POST "/affiliates" => crate::features::affiliates::handlers::create, Member(Admin);
    GET  "/affiliates.csv" => crate::features::affiliates::handlers::export, Member(Viewer);
    GET  "/affiliates/new" => crate::features::affiliates::handlers::new, Member(Admin);
    GET  "/affiliates/code-requests" => crate::features::code_requests::handlers::index, Member(Viewer);
    POST "/affiliates/code-requests/decisions" => crate::features::code_requests::handlers::decide, Member(Admin);
    POST "/affiliates/code-requests/reversals" => crate::features::code_requests::handlers::reverse, Member(Admin);
    GET  "/affiliates/choices" => crate::features::affiliates::handlers::choices, Member(Viewer);
    POST "/affiliates/status" => crate::features::registration::handlers::change_several, Member(Admin);
    POST "/affiliates/reversals" => crate::features::registration::handlers::reverse, Member(Admin);
    GET  "/affiliates/{affiliate_id}" => crate::features::affiliates::handlers::settings, Member(Viewer);
    POST "/affiliates/{affiliate_id}" => crate::features::affiliates::handlers::update, Member(Admin);
    POST "/affiliates/{affiliate_id}/invitation" => crate::features::registration::handlers::invite, Member(Admin);
    POST "/affiliates/{affiliate_id}/status" => crate::features::registration::handlers::change, Member(Admin);

    // Stores
    POST "/hooks/{platform}/{store_key}" => crate::features::hooks::receive, Credential;

    // Manage > Conversions
    GET  "/conversions" => crate::features::conversions::handlers::index, Member(Viewer);
    GET  "/conversions.csv" => crate::features::conversions::handlers::export, Member(Viewer);
    POST "/conversions/statuses" => crate::features::conversions::handlers::set_status, Member(Admin);
    POST "/conversions/changes/{change_id}/undo" => crate::features::conversions::handlers::undo, Member(Admin);
    GET  "/affiliates/{affiliate_id}/conversions" => crate::features::conversions::handlers::of_affiliate, Member(Viewer);
    GET  "/affiliates/{affiliate_id}/manual-credit" => crate::features::orders::handlers::manual_credit, Member(Viewer);
    POST "/affiliates/{affiliate_id}/manual-credit/orders" => crate::features::orders::handlers::credit_order, Member(Admin);
    POST "/affiliates/{affiliate_id}/manual-credit/amounts" => crate::features::orders::handlers::give_amount, Member(Admin);
    POST "/conversions/{conversion_id}/overruling" => crate::features::conversions::handlers::overrule, Member(Admin);

    // Manage > Orders
    GET  "/orders" => crate::features::orders::handlers::index, Member(Viewer);
    GET  "/orders/{order_id}" => crate::features::orders::handlers::show, Member(Viewer);
    POST "/orders/{order_id}/refund-reads" => crate::features::orders::handlers::read_refunds, Member(Admin);
    POST "/orders/{order_id}/manual-credit/removal" => crate::features::orders::handlers::remove_manual_credit, Member(Admin);
    GET  "/deliveries" => crate::features::orders::handlers::deliveries, Member(Viewer);
    POST "/deliveries/replay" => crate::features::orders::handlers::replay_all, Member(Admin);
    GET  "/deliveries/{delivery_id}" => crate::features::orders::handlers::delivery, Member(Admin);
    POST "/deliveries/{delivery_id}/replay" => crate::features::orders::handlers::replay, Member(Admin);

    // REST API
    POST "/api/v1/orders" => crate::features::api::handlers::report_order, Credential;
    GET  "/api/v1/triggers" => crate::features::api::triggers::handlers::list_triggers, Credential;
    POST "/api/v1/triggers" => crate::features::api::triggers::handlers::create_trigger, Credential;
    GET  "/api/v1/triggers/{trigger_id}" => crate::features::api::triggers::handlers::show_trigger, Credential;
    GET  "/api/openapi.json" => crate::features::api::openapi::openapi, Public;
}
