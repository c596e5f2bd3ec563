//! What an affiliate says of themselves, and their account.

use crate::harness::{PASSWORD, TestApp};
use crate::registration::emails_to;

#[test]
fn an_affiliate_says_who_they_are_and_where_they_are_paid() {
    let app = TestApp::start();
    let (ada, owner) = (app.affiliate(), app.owner());
    let page = ada.get("/portal/settings");
    assert!(page.says("ada@affiliates.example") && page.has("nav [aria-current=page]"));
    let form = "form[action='/portal/settings']";
    let own = [("name", "Ada’s Tea"), ("payout_details", "Bank of Tea\nDE00 1234")];
    let answer = ada.submit(&page, form, &own);
    assert_eq!((answer.status, answer.location()), (303, Some("/portal/settings")));
    let page = ada.follow(&answer);
    assert!(page.has("[role=status].tone-good"));
    assert!(page.one(".menu-name").contains("Ada’s Tea"));
    let seen = owner.get(&format!("/affiliates/{}", app.fixture.ada_id));
    assert_eq!(seen.one("h1"), "Ada’s Tea");
    assert!(seen.one("section[aria-labelledby=payment]").contains("Bank of Tea DE00 1234"));
    let file = owner.get("/affiliates.csv").csv();
    assert!(file.contains("Bank of Tea"), "{file}");
    let log = owner.get("/settings/audit-log?by=affiliate");
    assert!(log.says("Ada’s Tea"));
    let emails = emails_to(&app, "ada@affiliates.example");
    assert_eq!(emails.len(), 1);
    assert!(emails[0].1.contains("/login") && !emails[0].1.contains("DE00"));
    // The same once more is no change.
    ada.submit(&page, form, &[]);
    assert_eq!(emails_to(&app, "ada@affiliates.example").len(), 1);
    // Another program's affiliate with the same address stays as it was.
    assert!(!app.stranger().get("/affiliates.csv").text().contains("Bank of Tea"));

    let long = "x".repeat(501);
    let refused = ada.submit(&page, form, &[("name", " "), ("payout_details", &long)]);
    assert_eq!(refused.status, 422);
    assert!(refused.one("#f-name-error").contains("name"));
    assert!(refused.one("#f-payout_details-error").contains("500"));
    assert_eq!(refused.one("#f-payout_details"), long);
}

#[test]
fn a_page_from_before_an_upgrade_can_be_sent() {
    let app = TestApp::start();
    let (ada, own) =
        (app.affiliate(), [("name", "Ada Active"), ("payment_address", "Bank of Tea")]);
    assert_eq!(ada.post_signed("/portal/settings", &own).status, 303);
    let seen = app.owner().get(&format!("/affiliates/{}", app.fixture.ada_id));
    assert!(seen.one("section[aria-labelledby=payment]").contains("Bank of Tea"));
}

#[test]
fn a_new_password_ends_the_other_sessions_and_each_can_be_ended() {
    const NEW: &str = "copper meadow 4 lantern";
    let app = TestApp::start();
    let [here, there, third] = [app.affiliate(), app.affiliate(), app.affiliate()];
    let page = here.get("/portal/settings");
    assert_eq!(page.all(".devices li").len(), 3);
    let answer = here.submit(&page, ".devices form", &[]);
    assert_eq!(answer.location(), Some("/portal/settings"));
    let gone = [&there, &third].iter().filter(|one| one.get("/portal").status == 303).count();
    assert_eq!(gone, 1);
    assert_eq!(here.post_signed("/portal/settings/sessions/made-up/removal", &[]).status, 404);
    let answer = here.submit(&page, "form[action$='/others/removal']", &[]);
    assert!(here.follow(&answer).has("[role=status].tone-good"));
    assert_eq!([&there, &third].map(|one| one.get("/portal").status), [303, 303]);

    let there = app.affiliate();
    let form = "form[action='/portal/settings/password']";
    let refused = here.submit(&page, form, &[("current", "wrong"), ("new", "ada")]);
    assert_eq!(refused.status, 422);
    assert!(refused.has("#f-current-error") && refused.has("#f-new-error"));
    assert!(refused.has("a[href='/portal']"), "in the portal’s frame");
    let answer = here.submit(&page, form, &[("current", PASSWORD), ("new", NEW)]);
    assert_eq!(answer.location(), Some("/portal/settings"));
    assert!(here.follow(&answer).has("[role=status].tone-good"));
    assert_eq!(there.get("/portal").status, 303);
    let notice = &emails_to(&app, "ada@affiliates.example")[0].1;
    assert!(notice.contains("/password-resets/new"), "{notice}");
}

#[test]
fn support_staff_look_and_change_nothing() {
    let app = TestApp::start();
    super::further::allow(&app, true);
    let support = app.support();
    let views = format!("/support/merchants/{}/views", app.fixture.merchant_id);
    support.post_signed(&views, &[("affiliate", "ada@affiliates.example")]);
    let page = support.get("/portal/settings");
    assert!(page.has("fieldset[disabled] #f-name") && !page.has(".devices"));
    assert!(!support.get("/portal").has("form[action='/portal/code-requests']"));
    for path in ["/portal/settings", "/portal/settings/password", "/portal/code-requests"] {
        assert_eq!(support.post_signed(path, &[("name", "Mine"), ("code", "X")]).status, 403);
    }
}
