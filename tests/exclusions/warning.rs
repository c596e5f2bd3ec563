//! A merchant's own form: a warning that can be overridden knowingly.

use vouch::kit::db::schema::{audit_log, triggers};

use super::*;
use crate::harness::Page;

fn type_code(app: &TestApp, person: &Person, code: &str) -> Page {
    let form = person.get(&format!("/affiliates/{}/triggers/new", app.fixture.ben_id));
    person.submit(&form, "form.stack", &[("coupon_code", code)])
}

fn press(person: &Person, page: &Page, name: &str) -> Page {
    let form = page.form("form.stack");
    let value = page.value_of(&format!("button[name={name}]"));
    let mut fields: Vec<(&str, &str)> =
        form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    fields.push((name, &value));
    person.post(&form.action, &fields)
}

fn codes(app: &TestApp) -> Vec<String> {
    app.within(|conn| triggers::table.order(triggers::id).select(triggers::value).load(conn))
}

#[test]
fn an_excluded_code_is_a_warning_that_can_be_overridden_and_is_recorded() {
    let app = TestApp::start();
    enable(&app);
    exclude(&app, &NewExclusion { note: "Our own sale".into(), ..new("BLACKFRIDAY*") });
    let owner = app.owner();
    let warned = type_code(&app, &owner, "BlackFriday-24");
    assert_eq!(warned.status, 422);
    let error = warned.one("#f-coupon_code-error");
    for named in ["BlackFriday-24", "BLACKFRIDAY*", "Our own sale"] {
        assert!(error.contains(named), "{error}");
    }
    assert!(warned.has("[data-unavailable=excluded]"));
    assert_eq!(codes(&app), ["ADA10"], "nothing yet");
    let done = press(&owner, &warned, "despite");
    assert_eq!(done.status, 303, "{}", done.text());
    assert_eq!(codes(&app), ["ADA10", "BlackFriday-24"]);
    type Recorded = (Option<i64>, Option<serde_json::Value>, Option<serde_json::Value>);
    let (id, params, after): Recorded = app.within(|conn| {
        audit_log::table
            .filter(audit_log::action.eq("trigger.created"))
            .order(audit_log::id.desc())
            .select((audit_log::subject_id, audit_log::params, audit_log::after))
            .first(conn)
    });
    assert_eq!(params.unwrap()["exclusion"], "BLACKFRIDAY*");
    assert_eq!(after.unwrap()["despite_exclusion"]["value"], "BLACKFRIDAY*");
    let shown = owner.get(&format!("/triggers/{}", id.unwrap()));
    assert!(shown.one("[aria-labelledby=history]").contains("BLACKFRIDAY*"));
    assert_eq!(shown.one("#excluded a"), "BLACKFRIDAY*");
}

#[test]
fn another_code_after_the_warning_is_looked_at_anew_and_the_dashboards_form_warns_too() {
    let app = TestApp::start();
    enable(&app);
    exclude(&app, &new("VIP*"));
    let owner = app.owner();
    let warned = type_code(&app, &owner, "VIP5");
    let again = owner.submit(&warned, "form.stack", &[("coupon_code", "VIP6")]);
    assert_eq!(again.status, 422);
    let free = owner.submit(&again, "form.stack", &[("coupon_code", "BEN6")]);
    assert_eq!(free.status, 303);
    let ben = app.fixture.ben_id.to_string();
    let fields = [("affiliate_id", ben.as_str()), ("coupon_code", "vip-7")];
    let warned = owner.post_signed("/triggers", &fields);
    assert_eq!(warned.status, 422);
    assert_eq!(press(&owner, &warned, "despite").status, 303);
    assert_eq!(codes(&app), ["ADA10", "BEN6", "vip-7"]);
}

#[test]
fn codes_that_are_offered_are_not_excluded() {
    let app = TestApp::start();
    enable(&app);
    exclude(&app, &new("ADA10-2"));
    exclude(&app, &new("THE*"));
    let owner = app.owner();
    let taken = type_code(&app, &owner, "ada10");
    let offered = taken.all("button[name=instead]");
    assert_eq!(offered.len(), 3, "{offered:?}");
    assert!(
        !offered.iter().any(|code| code.contains("ADA10-2") || code.contains("THE")),
        "{offered:?}"
    );
}

#[test]
fn without_the_feature_nobody_is_warned() {
    let app = TestApp::start();
    exclude(&app, &new("VIP*"));
    assert_eq!(type_code(&app, &app.owner(), "VIP5").status, 303);
    // Nor by another program's list.
    enable(&app);
    let stranger = app.stranger();
    let form =
        stranger.get(&format!("/affiliates/{}/triggers/new", app.fixture.stranger_affiliate_id));
    assert_eq!(stranger.submit(&form, "form.stack", &[("coupon_code", "VIP5")]).status, 303);
}
