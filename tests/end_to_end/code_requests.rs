use actix_web::rt::task::spawn_blocking;

use super::Scenario;
use crate::harness::{PASSWORD, TestApp};
use crate::portal::further::allow;

/// Somebody else takes the browser.
async fn change_person(scenario: &Scenario, email: &str) {
    let browser = &scenario.browser;
    browser.client().delete_all_cookies().await.unwrap();
    browser.goto("/login").await;
    browser.fill("#f-email", email).await;
    browser.fill("#f-password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.find(".menu-person").await;
}

async fn ask_for_a_code(scenario: &Scenario) {
    let browser = &scenario.browser;
    change_person(scenario, "ada@affiliates.example").await;
    browser.shows("h1", &["My Codes"]).await;
    browser.fill("#f-code", "ada10").await;
    if scenario.javascript {
        assert!(browser.text("#code-verdict .field-error").await.contains("ada10"));
        // A suggestion goes into the field: what else is typed stays.
        let offered = browser.attribute("[data-fill]", "value").await;
        browser.click("[data-fill]").await;
        browser.shows(".code-free .mono", &[&offered]).await;
        let typed = browser.find("#f-code").await.prop("value").await.unwrap();
        assert_eq!(typed, Some(offered));
        browser.fill("#f-code", "ada10").await;
        browser.find("#code-verdict .field-error").await;
    }
    browser.press("Request code").await;
    browser.find("#error-summary").await;
    assert_eq!(browser.path().await, "/portal/code-requests");
    if scenario.javascript {
        browser.check_page("portal-code-refused").await;
    }
    let offered = browser.find("[name=instead]").await;
    let code = offered.attr("value").await.unwrap().unwrap();
    offered.click().await.unwrap();
    browser.says("[role=status].tone-good", &code).await;
    browser.press("Withdraw request").await;
    browser.find("main:not(:has(#asked))").await;
    browser.says("[role=status].tone-good", &code).await;
    browser.fill("#f-code", "Oolong-Ada").await;
    if scenario.javascript {
        browser.shows(".code-free .mono", &["Oolong-Ada"]).await;
    }
    browser.press("Request code").await;
    browser.shows("section[aria-labelledby=asked] .badge-v", &["Pending"]).await;
}

/// Denied by mistake, and then approved.
async fn approve_it(scenario: &Scenario) {
    let browser = &scenario.browser;
    change_person(scenario, "owner@acme.example").await;
    browser.click("[data-task=code-requests] a").await;
    browser.shows("h1", &["Code requests"]).await;
    browser.click("[aria-label='Select Oolong-Ada']").await;
    browser.click(".denial summary").await;
    browser.click("button[value=deny]").await;
    browser.find(".empty").await;
    browser.says("[role=status].tone-good", "Oolong-Ada").await;
    browser.click("[role=status].tone-good form button").await;
    browser.click("[aria-label='Select Oolong-Ada']").await;
    browser.click("button[value=approve]").await;
    browser.find(".empty").await;
    let message = browser.text("[role=status].tone-good").await;
    assert!(message.contains("Oolong-Ada") && message.contains("Ada Active"), "{message}");
    browser.find("[role=status].tone-good form button").await;
}

async fn run(javascript: bool) {
    let scenario = Scenario::begin(javascript, |app: &TestApp| allow(app, true)).await;
    ask_for_a_code(&scenario).await;
    approve_it(&scenario).await;
    change_person(&scenario, "ada@affiliates.example").await;
    scenario.browser.shows("tbody code", &["Oolong-Ada", "ADA10"]).await;
    let app = scenario.app;
    spawn_blocking(move || {
        let emails = crate::registration::emails_to(&app, "ada@affiliates.example");
        assert!(emails[0].0.contains("Oolong-Ada"), "{}", emails[0].0);
    })
    .await
    .unwrap();
}

#[actix_web::test]
async fn a_further_code_is_asked_for_approved_and_stands_in_my_codes() {
    run(true).await;
}

#[actix_web::test]
async fn without_javascript_a_further_code_is_asked_for_approved_and_stands_in_my_codes() {
    run(false).await;
}
