//! Account > Settings > Audit log.

use crate::harness::{Person, TestApp};

const LOG: &str = "/settings/audit-log";

fn act(app: &TestApp, owner: &Person) {
    let path = format!("/triggers/{}/retirement", app.fixture.ada10_id);
    assert_eq!(owner.post_signed(&path, &[]).status, 303);
}

#[test]
fn every_act_says_who_what_when_from_where_and_what_changed() {
    let app = TestApp::start();
    let owner = app.owner();
    act(&app, &owner);
    let form = [("name", "Acme Teas"), ("time_zone", "Europe/Berlin")];
    assert_eq!(owner.post_signed("/settings/general", &form).status, 303);
    let log = app.viewer().get(LOG);
    let newest = log.all("tbody tr").into_iter().next().unwrap();
    for part in ["Changed the general settings.", "Olga Owner", "Member · 127.0.0.1"] {
        assert!(newest.contains(part), "{newest}");
    }
    assert_eq!(log.all("tbody tr:first-child del"), ["Acme Tea", "America/New_York"]);
    assert_eq!(log.all("tbody tr:first-child ins"), ["Acme Teas", "Europe/Berlin"]);
    assert!(log.says("Retired Coupon Code ADA10"), "{}", log.text());
    assert!(log.says("Made the program Acme Tea. Before and after"));
}

#[test]
fn the_log_is_filtered_paged_and_exported() {
    let app = TestApp::start();
    let owner = app.owner();
    act(&app, &owner);
    for (query, some, none) in [
        ("about=trigger", "ADA10", "Made the program"),
        ("by=system", "Made the program", "ADA10"),
        ("until=2026-01-02", "Made the program", "Retired"),
        ("from=2026-01-03", "Retired", "Made the program"),
    ] {
        let page = owner.get(&format!("{LOG}?{query}"));
        assert!(page.says(some) && !page.says(none), "{query}: {}", page.text());
        let file = owner.get(&format!("{LOG}.csv?{query}")).csv();
        assert!(file.starts_with("Time,Who,As,Action,What,From where,Before,After\n"));
        assert!(file.contains(some) && !file.contains(none), "{query}: {file}");
    }
    assert!(owner.get(&format!("{LOG}?about=delivery")).says("Nothing fits"));
    for _ in 0..30 {
        act(&app, &owner);
        let path = format!("/triggers/{}/reinstatement", app.fixture.ada10_id);
        assert_eq!(owner.post_signed(&path, &[]).status, 303);
    }
    let first = owner.get(LOG);
    assert_eq!(first.all("tbody tr").len(), 50);
    let next = owner.get(&first.attribute("a[rel=next]", "href").unwrap());
    let back = owner.get(&next.attribute("a[rel=prev]", "href").unwrap());
    assert_eq!(back.all("tbody tr"), first.all("tbody tr"));
}

#[test]
fn a_log_is_its_own_programs_alone() {
    let app = TestApp::start();
    act(&app, &app.owner());
    let stranger = app.stranger();
    for path in [LOG.to_owned(), format!("{LOG}.csv")] {
        let text = stranger.get(&path).text();
        assert!(!text.contains("Retired") && !text.contains("Acme Tea"), "{path}");
    }
}
