//! Who works for a program comes, gets another role and goes; and sign-in by two factors.

use diesel::prelude::*;
use vouch::kit::db::schema::users;
use vouch::kit::db::{Scope, in_scope};

use super::Scenario;
use crate::harness::browser::Browser;
use crate::harness::two_factor::{code_of, forget_codes};
use crate::harness::{PASSWORD, TestApp};
use crate::registration::link_to;

const OWNER: &str = "owner@acme.example";
const IVY: &str = "ivy@acme.example";
const NEW: &str = "umbrella quartz 7 meadow";

async fn sign_in(browser: &Browser, email: &str, password: &str) {
    browser.client().delete_all_cookies().await.unwrap();
    browser.goto("/login").await;
    browser.fill("#f-email", email).await;
    browser.fill("#f-password", password).await;
    browser.press("Sign in").await;
}

async fn team(scenario: &Scenario) {
    scenario.browser.menu("Settings").await;
    scenario.browser.press("Team").await;
    scenario.browser.shows("h1", &["Team"]).await;
}

async fn come_rise_and_go(scenario: &Scenario) {
    let browser = &scenario.browser;
    team(scenario).await;
    browser.press("Leave program").await;
    scenario.yes("Leave Acme Tea?").await;
    browser.find("#error-summary").await;
    browser.fill("#f-email", IVY).await;
    browser.select("#f-role", "viewer").await;
    browser.press("Send invitation").await;
    browser.says("[role=status].tone-good", IVY).await;

    browser.client().delete_all_cookies().await.unwrap();
    browser.goto(&link_to(&scenario.app, IVY)).await;
    browser.fill("#f-name", "Ivy Invited").await;
    browser.fill("#f-password", NEW).await;
    browser.press("Join program").await;
    browser.find("[role=status].tone-good").await;
    team(scenario).await;
    browser.find("#content:not(:has(#invite))").await;

    sign_in(browser, OWNER, PASSWORD).await;
    browser.shows("h1", &["Dashboard"]).await;
    team(scenario).await;
    let row = "tr:has([aria-label*='Ivy Invited'])";
    browser.select(&format!("{row} select"), "owner").await;
    browser.click(&format!("{row} [data-label=Role] button")).await;
    browser.says("[role=status].tone-good", "Ivy Invited").await;
    browser.press("Leave program").await;
    scenario.yes("Leave Acme Tea?").await;
    browser.shows("h1", &["No open programs"]).await;
}

#[actix_web::test]
async fn members_are_invited_rise_and_leave_but_for_the_last_owner() {
    come_rise_and_go(&Scenario::begin(true, |_| {}).await).await;
}

/// Scans the picture: the key stands beside it.
async fn secret(browser: &Browser) -> Vec<u8> {
    let shown: String = browser.text(".code code").await.split_whitespace().collect();
    totp_rs::Secret::try_from_base32(shown).unwrap().as_bytes().to_vec()
}

/// Sets it up on the page that is open; answers the first recovery code.
async fn set_up(browser: &Browser, app: &TestApp, password: &str) -> (Vec<u8>, String) {
    browser.shows("h1", &["Two-factor sign-in"]).await;
    browser.fill("#f-current", password).await;
    browser.click("form[action='/account/two-factor'] .submit button").await;
    let secret = secret(browser).await;
    browser.fill("#f-code", &code_of(&secret, 0)).await;
    browser.click("form[action$='/confirmation'] .submit button").await;
    browser.find(".recovery-codes").await;
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    forget_codes(&mut conn).unwrap();
    (secret, browser.text(".recovery-codes code").await)
}

async fn two_factors(scenario: &Scenario) {
    let (browser, app) = (&scenario.browser, &scenario.app);
    browser.goto("/account/two-factor").await;
    let (secret, recovery_code) = set_up(browser, app, PASSWORD).await;
    sign_in(browser, OWNER, PASSWORD).await;
    browser.fill("#f-code", &code_of(&secret, 0)).await;
    browser.press("Sign in").await;
    browser.shows("h1", &["Dashboard"]).await;
    team(scenario).await;
    browser.click("#f-required").await;
    browser.click("form:has(#f-required) .btn-primary").await;
    browser.find("[role=status].tone-good").await;

    sign_in(browser, "viewer@acme.example", PASSWORD).await;
    set_up(browser, app, PASSWORD).await;
    browser.click(".notice:has(.recovery-codes) a").await;
    browser.shows("h1", &["Dashboard"]).await;

    sign_in(browser, OWNER, PASSWORD).await;
    browser.click("a[href$='with=recovery']").await;
    browser.fill("#f-code", &recovery_code).await;
    browser.press("Sign in").await;
    browser.says("[role=status].tone-wait", " 9 ").await;
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    let with: i64 = in_scope(&mut conn, Scope::Unowned, |conn| {
        users::table.filter(users::two_factor_at.is_not_null()).count().get_result(conn)
    })
    .unwrap();
    assert_eq!(with, 3, "the owner, the viewer, and support");
}

#[actix_web::test]
async fn without_javascript_two_factors_are_set_up_asked_for_demanded_and_recovered() {
    two_factors(&Scenario::begin(false, |_| {}).await).await;
}
