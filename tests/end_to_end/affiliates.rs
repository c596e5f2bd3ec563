use super::Scenario;
use crate::harness::TestApp;

fn prepare(app: &TestApp) {
    let owner = app.owner();
    for (name, email) in [("Cleo Waits", "cleo@a.example"), ("Dora Waits", "dora@a.example")] {
        let offer = app.fixture.offer_id.to_string();
        let fields =
            [("name", name), ("email", email), ("offer_id", &offer), ("status", "pending")];
        assert_eq!(owner.post_signed("/affiliates", &fields).status, 303);
    }
}

const EVERYBODY: [&str; 4] = ["Ada Active", "Ben Second", "Cleo Waits", "Dora Waits"];

async fn search_filter_and_sort(scenario: &Scenario) {
    let browser = &scenario.browser;
    scenario.menu("Affiliates").await;
    browser.shows("tbody .name", &EVERYBODY).await;
    browser.fill("#q-q", "waits").await;
    scenario.apply().await;
    browser.shows("tbody .name", &["Cleo Waits", "Dora Waits"]).await;
    browser.sees("Search: waits").await;
    browser.fill("#q-q", "dora@").await;
    browser.select("#q-status", "pending").await;
    scenario.apply().await;
    browser.shows("tbody .name", &["Dora Waits"]).await;
    assert!(browser.path().await.contains("q=dora%40"), "{}", browser.path().await);
    let lines = scenario.download(".head a[download]").await;
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[1].contains("Dora Waits"), "{lines:?}");
    browser.click(".chip").await;
    browser.shows("tbody .name", &["Cleo Waits", "Dora Waits"]).await;
    browser.click("th:nth-child(2) .sort").await;
    browser.shows("tbody .name", &["Dora Waits", "Cleo Waits"]).await;
    browser.sees("Status: Pending").await;
    browser.fill("#q-q", "nobody at all").await;
    scenario.apply().await;
    browser.click(".empty a[href='/affiliates']").await;
    browser.find("tbody tr:nth-child(4)").await;
}

async fn decide_on_several(scenario: &Scenario) {
    let browser = &scenario.browser;
    let statuses = "tbody [data-label=Status]";
    browser.goto("/affiliates?sort=name&q=waits").await;
    for name in ["Cleo Waits", "Dora Waits"] {
        browser.click(&format!("[aria-label='Select {name}']")).await;
    }
    if scenario.javascript {
        browser.shows("[data-count]", &["2 selected"]).await;
    }
    browser.click("#bulk button[value=active]").await;
    browser.shows(statuses, &["Active", "Active"]).await;
    browser.click("[role=status].tone-good form button").await;
    browser.shows(statuses, &["Pending", "Pending"]).await;
    browser.click("[aria-label='Select Dora Waits']").await;
    browser.click(".denial summary").await;
    browser.click(".denial button[value=denied]").await;
    browser.shows(statuses, &["Pending", "Denied"]).await;
    browser.click("[role=status].tone-good form button").await;
    browser.shows(statuses, &["Pending", "Pending"]).await;
}

async fn add_and_edit(scenario: &Scenario) {
    let browser = &scenario.browser;
    browser.press("Add affiliate").await;
    browser.shows("h1", &["Add affiliate"]).await;
    browser.fill("#f-name", "Élodie Neuf").await;
    browser.press("Add affiliate").await;
    browser.find("#error-summary").await;
    assert_eq!(browser.find("#f-name").await.prop("value").await.unwrap().unwrap(), "Élodie Neuf");
    browser.fill("#f-email", "elodie@a.example").await;
    browser.press("Add affiliate").await;
    browser.says("[role=status].tone-good", "Élodie Neuf").await;
    browser.shows("h1", &["Élodie Neuf"]).await;
    scenario.left_menu(3, "Conversions").await;
    browser.find(".empty").await;
    scenario.left_menu(4, "Manual Credit").await;
    scenario.left_menu(2, "Conversion Triggers").await;
    scenario.left_menu(1, "Settings").await;
    browser.fill("#f-name", "Élodie Dix").await;
    browser.press("Save changes").await;
    browser.shows("h1", &["Élodie Dix"]).await;
    browser.click("#status button[value=disabled]").await;
    scenario.yes("Disable Élodie Dix?").await;
    browser.shows("#status .badge-v", &["Disabled"]).await;
    browser.click("[role=status].tone-good form button").await;
    browser.shows("#status .badge-v", &["Active"]).await;
}

async fn run(javascript: bool) {
    let scenario = Scenario::begin(javascript, prepare).await;
    search_filter_and_sort(&scenario).await;
    decide_on_several(&scenario).await;
    add_and_edit(&scenario).await;
}

#[actix_web::test]
async fn affiliates_are_found_decided_upon_added_and_changed() {
    run(true).await;
}

#[actix_web::test]
async fn without_javascript_affiliates_are_found_decided_upon_added_and_changed() {
    run(false).await;
}
