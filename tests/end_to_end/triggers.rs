use chrono::Duration;

use super::{Scenario, credited, noon};
use crate::harness::TestApp;

fn prepare(app: &TestApp) {
    credited(app, 1001, noon());
    credited(app, 1002, noon() + Duration::days(60));
    let path = format!("/affiliates/{}/triggers", app.fixture.ben_id);
    for (kind, value) in [("customer_email", "regular@customers.example"), ("sku", "MUG")] {
        let answer = app.owner().post_signed(&path, &[("type", kind), (kind, value)]);
        assert_eq!(answer.status, 303);
    }
}

async fn find(scenario: &Scenario) {
    let browser = &scenario.browser;
    scenario.menu("Conversion Triggers").await;
    browser.shows("tbody .name", &["MUG", "regular@customers.example", "ADA10"]).await;
    browser.select("#q-type", "sku").await;
    scenario.apply().await;
    browser.shows("tbody .name", &["MUG"]).await;
    assert_eq!(scenario.download(".head a[download]").await.len(), 2);
    browser.click(".chip").await;
    browser.fill("#q-q", "ada").await;
    scenario.apply().await;
    browser.shows("tbody .name", &["ADA10"]).await;
    browser.click("tbody .name").await;
    browser.shows(".figure-value", &["2", "$180.00", "$20.00", "$18.00", "$0.00"]).await;
}

async fn retire_and_take_it_back(scenario: &Scenario) {
    let browser = &scenario.browser;
    browser.press("Retire trigger").await;
    scenario.yes("Retire ADA10?").await;
    browser.find("#retired").await;
    browser.click("[role=status] form[action$=reinstatement] button").await;
    browser.shows("h1 + p .badge-v", &["Active"]).await;
}

/// The first order stays Ada's, the second goes over.
async fn reassign(scenario: &Scenario) {
    let (browser, ben) = (&scenario.browser, scenario.app.fixture.ben_id);
    browser.press("Reassign trigger").await;
    // Dates are typed as the browser's language has them; this one reads the same either way.
    browser.find("#f-from").await.send_keys("07072026").await.unwrap();
    browser.fill("#f-affiliate_id", "nobody of that name").await;
    if scenario.javascript {
        browser.click("dialog .submit .btn-primary").await;
    } else {
        browser.click(".submit .btn-primary").await;
    }
    browser.find("#error-summary").await;
    browser.fill("#f-affiliate_id", "ben").await;
    if scenario.javascript {
        browser.choose(&format!("#f-affiliate_id-list [data-value='{ben}']")).await;
        browser.click("dialog .submit .btn-primary").await;
    } else {
        browser.press("Find").await;
        browser.click(&format!("#choice-{ben}")).await;
        browser.click(".submit .btn-primary").await;
    }
    browser.shows("[aria-labelledby=owners] li a", &["Ben Second", "Ada Active"]).await;
    browser.says("[role=status].tone-good", "Ben Second").await;
    scenario.app.work();
    scenario.menu("Conversions").await;
    let holders = "tbody [data-label=Affiliate] a";
    browser.goto("/conversions?status=credited").await;
    browser.shows(holders, &["Ben Second", "Ada Active"]).await;
}

async fn run(javascript: bool) {
    let scenario = Scenario::begin(javascript, prepare).await;
    find(&scenario).await;
    retire_and_take_it_back(&scenario).await;
    reassign(&scenario).await;
}

#[actix_web::test]
async fn a_code_is_found_retired_and_given_to_another() {
    run(true).await;
}

#[actix_web::test]
async fn without_javascript_a_code_is_found_retired_and_given_to_another() {
    run(false).await;
}
