use chrono::Duration;

use super::{Scenario, credited, noon};
use crate::harness::TestApp;

fn prepare(app: &TestApp) {
    for id in 1001..=1003 {
        credited(app, id, noon() + Duration::hours(i64::try_from(id).unwrap()));
    }
}

async fn run(javascript: bool) {
    let scenario = Scenario::begin(javascript, prepare).await;
    let browser = &scenario.browser;
    let statuses = "tbody [data-label=Status]";
    scenario.menu("Conversions").await;
    browser.shows("tbody .name", &["#1003", "#1002", "#1001"]).await;
    for order in ["#1003", "#1001"] {
        browser.click(&format!("tr:has(.name[data-order='{order}']) input[name=ids]")).await;
    }
    // The Enter key decides nothing.
    browser.fill("#f-note", "Looked at it").await;
    browser.find("#f-note").await.send_keys("\u{e007}").await.unwrap();
    browser.click("button[name=status][value=approved]").await;
    browser.says("[role=status].tone-good", "2").await;
    browser.shows(statuses, &["Approved", "Pending", "Approved"]).await;
    browser.select("#q-status", "approved").await;
    scenario.apply().await;
    browser.shows("tbody .name", &["#1003", "#1001"]).await;
    browser.fill("#q-q", "1001").await;
    scenario.apply().await;
    browser.shows("tbody .name", &["#1001"]).await;
    let lines = scenario.download(".head a[download]").await;
    assert_eq!(lines.len(), 2, "{lines:?}");
    browser.click("tbody input[name=ids]").await;
    browser.click("button[name=status][value=denied]").await;
    browser.says("[role=status].tone-good", "1").await;
    browser.find(".empty").await;
    browser.click("[role=status] form button").await;
    browser.shows("tbody .name", &["#1001"]).await;
    browser.click(".chip").await;
    browser.shows("tbody .name", &["#1003", "#1001"]).await;
    browser.press("Ada Active").await;
    browser.shows(".local [aria-current=page]", &["Conversions"]).await;
    browser.shows(statuses, &["Approved", "Pending", "Approved"]).await;
}

#[actix_web::test]
async fn conversions_are_filtered_and_decided_upon_together() {
    run(true).await;
}

#[actix_web::test]
async fn without_javascript_conversions_are_filtered_and_decided_upon_together() {
    run(false).await;
}
