//! Two tabs on one record.

use diesel::prelude::*;
use vouch::kit::db::schema::affiliates;

use crate::harness::{Page, TestApp};

fn note(app: &TestApp) -> String {
    let id = app.fixture.ben_id;
    let ben = affiliates::table.filter(affiliates::id.eq(id)).select(affiliates::note);
    app.within(|conn| ben.first(conn))
}

fn cells(page: &Page) -> Vec<String> {
    page.all("#versions tbody td")
}

#[test]
fn an_edit_of_an_older_version_shows_both_and_saves_the_one_that_is_chosen() {
    let app = TestApp::start();
    let (owner, admin) = (app.owner(), app.admin());
    let path = format!("/affiliates/{}", app.fixture.ben_id);
    let form = format!("form[action='{path}']");
    let (first, second) = (owner.get(&path), admin.get(&path));
    assert_eq!(admin.submit(&second, &form, &[("note", "Likes tea")]).status, 303);
    let conflict = owner.submit(&first, &form, &[("note", "Likes coffee")]);
    assert_eq!(conflict.status, 409);
    assert_eq!(cells(&conflict), ["Likes tea", "Likes coffee"]);
    assert!(conflict.text().contains("Adam Admin"));
    assert!(conflict.has("time[datetime]"));
    assert_eq!(note(&app), "Likes tea");
    // A third version in between is shown as well.
    let page = admin.get(&path);
    assert_eq!(admin.submit(&page, &form, &[("note", "Likes cocoa")]).status, 303);
    let again = owner.submit(&conflict, "main form", &[]);
    assert_eq!(again.status, 409);
    assert_eq!(cells(&again), ["Likes cocoa", "Likes coffee"]);
    assert_eq!(owner.submit(&again, "main form", &[]).status, 303);
    assert_eq!(note(&app), "Likes coffee");
}

#[test]
fn what_is_no_change_of_the_form_is_no_conflict() {
    let app = TestApp::start();
    let owner = app.owner();
    let path = format!("/affiliates/{}", app.fixture.ben_id);
    let form = format!("form[action='{path}']");
    let page = owner.get(&path);
    let other = app.admin();
    let disabled = other.post_signed(&format!("{path}/status"), &[("status", "disabled")]);
    assert_eq!(disabled.status, 303, "{}", disabled.text());
    assert_eq!(owner.submit(&page, &form, &[("note", "Still here")]).status, 303);
    // A form that is wrong comes back with the version that it had.
    let page = owner.get(&path);
    let other = app.admin();
    assert_eq!(other.submit(&other.get(&path), &form, &[("note", "Theirs")]).status, 303);
    assert!(matches!(owner.submit(&page, &form, &[("name", "")]).status, 409 | 422));
    assert_eq!(owner.submit(&page, &form, &[("note", "Mine")]).status, 409);
    assert_eq!(note(&app), "Theirs");
}

/// Every form that edits, by its page and the field that both change.
#[test]
fn every_form_that_edits_keeps_the_other_version() {
    let app = TestApp::start();
    app.enable_exclusions(app.fixture.merchant_id);
    let owner = app.owner();
    let added = owner.get("/settings/coupon-exclusions/new");
    owner.submit(&added, "main form", &[("code", "BLACK*")]);
    let exclusion = owner.get("/settings/coupon-exclusions").values("tbody a", "href");
    let offer = format!("/offers/{}", app.fixture.offer_id);
    let store = app.fixture.store_id;
    let cancellations = format!("/settings/shopify/{store}/cancellations");
    for (path, theirs, mine) in [
        (offer.as_str(), ("name", "Theirs"), ("name", "Mine")),
        (exclusion[0].as_str(), ("note", "Theirs"), ("note", "Mine")),
        ("/settings/general", ("name", "Theirs"), ("name", "Mine")),
        ("/settings/calculation", ("negative_fees", "discount"), ("orders_count_when", "paid")),
        ("/registration", ("intro", "Theirs"), ("intro", "Mine")),
        (&cancellations, ("refunded", "keep"), ("cancelled", "keep")),
    ] {
        let (first, second) = (owner.get(path), owner.get(path));
        let form = format!("form[action='{path}']");
        let saved = owner.submit(&second, &form, &[theirs]);
        assert_eq!(saved.status, 303, "{path}: {}", saved.text());
        let conflict = owner.submit(&first, &form, &[mine]);
        assert_eq!(conflict.status, 409, "{path}");
        assert!(!cells(&conflict).is_empty(), "{path}");
        let kept = owner.submit(&conflict, "main form", &[]);
        assert_eq!(kept.status, 303, "{path}: {}", kept.text());
    }
}
