//! Many codes from one file: chosen, looked at row by row, created together.

use std::fs;
use std::path::PathBuf;

use super::Scenario;
use crate::imports::{FILE, prepare};

/// A file on this machine, for as long as the scenario takes.
struct UploadedFile(PathBuf);

impl UploadedFile {
    fn new(name: &str, text: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("vouch-import-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for UploadedFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

async fn upload(scenario: &Scenario, file: &UploadedFile) {
    let field = scenario.browser.find("#f-file").await;
    field.send_keys(file.0.to_str().unwrap()).await.unwrap();
    scenario.browser.press("Upload CSV").await;
}

/// Without a file, and with one of another kind.
async fn be_refused(scenario: &Scenario) {
    let browser = &scenario.browser;
    browser.press("Upload CSV").await;
    browser.find("#f-file-error").await;
    let orders = UploadedFile::new("orders.csv", "Order,Total\n1,2\n");
    upload(scenario, &orders).await;
    browser.sees("Order, Total").await;
    browser.find("#error-summary").await;
}

async fn look(scenario: &Scenario) {
    let browser = &scenario.browser;
    let codes = UploadedFile::new("codes.csv", FILE);
    upload(scenario, &codes).await;
    browser.shows("h1", &["codes.csv"]).await;
    browser.shows("#result + .facts dd", &["3", "1", "1", "1", "4"]).await;
    let excluded = browser.text("[data-result=excluded] .sub").await;
    assert!(excluded.contains("BLACKFRIDAY* (Ours)"), "{excluded}");
    browser.find("[data-result=refused]").await;
    browser.sees("ADA10 belongs to Ada Active.").await;
    if scenario.javascript {
        browser.check_page("import-looked-at").await;
        assert!(!has_own_scroll_bar(scenario).await, "the box of the rows fits the page");
    }
}

/// Whether some panel can be scrolled by itself.
async fn has_own_scroll_bar(scenario: &Scenario) -> bool {
    let found = scenario
        .browser
        .client()
        .execute(
            "return [...document.querySelectorAll('.panel')].some(panel =>
               panel.scrollWidth > panel.clientWidth || panel.scrollHeight > panel.clientHeight);",
            Vec::new(),
        )
        .await
        .unwrap();
    found.as_bool().unwrap()
}

async fn save(scenario: &Scenario) {
    let browser = &scenario.browser;
    browser.click("#f-override_exclusions").await;
    browser.press("Create conversion triggers").await;
    browser.find("[role=status].tone-good").await;
    browser.shows("#result + .facts dd", &["4", "1", "6"]).await;
    browser.shows("tbody [data-result=skipped] .badge-v", &["Skipped"; 6]).await;
    if scenario.javascript {
        browser.check_page("import-saved").await;
        assert!(!has_own_scroll_bar(scenario).await, "the box of the rows fits the page");
    }
    let refused = scenario.download("a[download][href*=refused]").await;
    assert_eq!(refused.len(), 7);
    browser.click(".crumbs a[href='/triggers/imports']").await;
    browser.shows("tbody .name", &["codes.csv"]).await;
    browser.shows("tbody [data-label=Created]", &["4"]).await;
    scenario.menu("Conversion Triggers").await;
    browser.sees("BlackFriday-24").await;
    browser.sees("BEN10").await;
}

async fn run(javascript: bool) {
    let scenario = Scenario::begin(javascript, prepare).await;
    scenario.menu("Conversion Triggers").await;
    scenario.browser.click(".actions a[href='/triggers/imports']").await;
    scenario.browser.click(".empty a[href='/triggers/imports/new']").await;
    be_refused(&scenario).await;
    look(&scenario).await;
    save(&scenario).await;
}

#[actix_web::test]
async fn many_codes_are_created_from_a_file_after_a_look_at_every_row() {
    run(true).await;
}

#[actix_web::test]
async fn without_javascript_many_codes_are_created_from_a_file_after_a_look_at_every_row() {
    run(false).await;
}
