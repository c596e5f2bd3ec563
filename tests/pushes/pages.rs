use chrono::Duration;
use vouch::features::stores;
use vouch::kit::clock;
use vouch_platforms::CallError;

use super::{Fault, code, creating, problem, push_id, status, store, work, work_at};
use crate::harness::TestApp;

#[test]
fn a_form_pushes_unless_the_code_is_left_out() {
    let (app, fake) = creating();
    let owner = app.owner();
    let form = format!("/affiliates/{}/triggers/new", app.fixture.ada_id);
    let page = owner.get(&form);
    assert!(page.says("Only in Vouch: the code exists in my store already"));
    assert!(page.says("Otherwise the code is created in acme-tea.myshopify.com."));
    let sent = owner.submit(&page, "form.stack", &[("coupon_code", "SPRING")]);
    let list = owner.follow(&sent);
    assert!(list.says("The code is on its way to acme-tea.myshopify.com."), "{}", list.text());
    let fields = [("coupon_code", "OLD"), ("only_in_vouch", "true")];
    let left_out =
        owner.post_signed(&format!("/affiliates/{}/triggers", app.fixture.ada_id), &fields);
    assert!(owner.follow(&left_out).says("Create the same discount code in your store"));
    work(&app, &fake);
    assert_eq!(fake.codes(), ["SPRING"]);
}

#[test]
fn without_a_store_that_creates_codes_no_page_speaks_of_pushes() {
    let app = TestApp::start();
    let owner = app.owner();
    let page = owner.get("/triggers/new");
    assert!(page.has("input[name=only_in_vouch]"), "a code with spaces is attached in any program");
    assert!(!page.says("Otherwise the code is created"));
    let list = owner.get("/triggers");
    assert!(!list.has(".pushes") && !list.has("select[name=push]"));
}

#[test]
fn every_status_stands_on_list_and_page() {
    let (app, fake) = creating();
    fake.hold("THEIRS");
    fake.poison("BAD", CallError::Refused("Shopify says: no.".into()));
    fake.poison("SLOW", CallError::Unanswered("The store did not answer in time.".into()));
    let ids = ["GOOD", "THEIRS", "BAD", "SLOW"].map(|value| code(&app, value));
    work(&app, &fake);
    let owner = app.owner();
    let list = owner.get("/triggers?sort=oldest");
    let badges = list.all(".push .badge-v");
    assert_eq!(badges, ["Pushed", "In store already", "Failed", "Queued"]);
    assert!(list.says("Shopify says: no."));
    let link = list.values(".push a", "href");
    assert_eq!(link[0], "https://admin.example/discounts/GOOD");
    let [good, theirs, bad, slow] = ids.map(|id| owner.get(&format!("/triggers/{id}")));
    assert_eq!(good.one(".push .badge-v"), "Pushed");
    assert!(!good.has(".push form"));
    assert!(theirs.says("The store has a code THEIRS that Vouch did not make"));
    assert_eq!(theirs.all(".push button"), ["Attach the existing code", "Try again"]);
    assert!(bad.says("Shopify says: no."));
    assert_eq!(bad.all(".push button"), ["Retry"]);
    assert!(slow.says("The store did not answer in time. Vouch tries again by itself."));
    // A viewer reads it all and changes nothing.
    let read = app.viewer().get(&format!("/triggers/{}", ids[2]));
    assert!(read.says("Shopify says: no.") && !read.has(".push form"));
}

#[test]
fn a_page_asks_only_for_codes_on_their_way() {
    let (app, fake) = creating();
    let id = code(&app, "SPRING");
    let owner = app.owner();
    for path in ["/triggers".to_owned(), format!("/triggers/{id}")] {
        let page = owner.get(&path);
        let url = page.attribute("[hx-trigger='every 2s']", "hx-get").unwrap();
        assert_eq!(url, format!("/triggers/pushes?ids={id}"));
        let part = owner.get_with(&url, &[("hx-request", "true")]);
        assert!(part.has("[hx-get]") && part.says("Queued"));
    }
    work(&app, &fake);
    let url = format!("/triggers/pushes?ids={id},x,-1,");
    let part = owner.get_with(&url, &[("hx-request", "true")]);
    assert!(!part.has("[hx-get]"), "it stands still");
    assert_eq!(part.attribute("[hx-swap-oob]", "id"), Some(format!("pushes-{id}")));
    assert!(part.says("Pushed"));
    assert!(!owner.get("/triggers").has("[hx-trigger='every 2s']"));
    // Somebody else's codes are nobody's.
    let part = app.stranger().get_with(&url, &[("hx-request", "true")]);
    assert!(!part.has(".pushes"));
}

#[test]
fn failed_codes_are_counted_filtered_and_retried_together() {
    let (app, fake) = creating();
    let ids = ["BAD1", "BAD2", "GOOD"].map(|value| {
        fake.poison(value, CallError::Refused("Shopify says: no.".into()));
        code(&app, value)
    });
    fake.0.lock().unwrap().poison.pop();
    work(&app, &fake);
    let owner = app.owner();
    let board = owner.get("/dashboard");
    assert!(board.says("2 codes could not be created in your store"));
    let list = owner.get("/triggers?push=failed&sort=oldest");
    assert_eq!(list.all("tbody th code"), ["BAD1", "BAD2"]);
    assert!(list.says("Store status: Failed"));
    let csv = owner.get("/triggers.csv?push=failed&sort=oldest").csv();
    assert!(csv.contains("acme-tea.myshopify.com: Failed"), "{csv}");
    fake.heal();
    let form = "form[action='/triggers/pushes/retries']";
    let answer = owner.submit(&list, form, &[]);
    assert!(owner.follow(&answer).says("2 codes are on their way to the stores again."));
    work(&app, &fake);
    assert!(ids.iter().all(|id| status(&app, *id).0 == "pushed"));
    let again = owner.post_signed("/triggers/pushes/retries", &[]);
    assert!(owner.follow(&again).says("No code had failed any more."));
    assert!(!owner.get("/dashboard").says("could not be created in your store"));
}

#[test]
fn retry_and_attach_work_by_their_forms_and_only_on_the_triggers_own() {
    let (app, fake) = creating();
    fake.hold("THEIRS");
    let (id, other) = (code(&app, "THEIRS"), code(&app, "OTHER"));
    work(&app, &fake);
    let owner = app.owner();
    let push = push_id(&app, id);
    let foreign = format!("/triggers/{other}/pushes/{push}/attachment");
    assert_eq!(owner.post_signed(&foreign, &[]).status, 404);
    let page = owner.get(&format!("/triggers/{id}"));
    let answer = owner.submit(&page, "form[action$='/attachment']", &[]);
    let page = owner.follow(&answer);
    assert_eq!(page.one(".push .badge-v"), "Pushed");
    assert!(page.says("Attached the code THEIRS that acme-tea.myshopify.com had already."));
    // A code that was deleted in the store meanwhile can be made after all.
    assert_eq!(owner.post_signed(&format!("/triggers/{id}/pushes/{push}/retry"), &[]).status, 303);
    assert_eq!(status(&app, id).0, "pushed", "an attached code is not retried");
}

#[test]
fn a_store_that_lets_nobody_in_stands_on_every_page() {
    let (app, fake) = creating();
    let id = code(&app, "SPRING");
    let owner = app.owner();
    assert!(!owner.get("/dashboard").says("does not let Vouch in"));
    fake.next_look(Fault::Answers(CallError::Denied("Shopify says: invalid token.".into())));
    work(&app, &fake);
    assert!(problem(&app).is_some());
    for path in ["/dashboard", "/triggers", "/orders", "/settings/general"] {
        let page = owner.get(path);
        assert!(page.says("acme-tea.myshopify.com does not let Vouch in"), "{path}");
        assert!(page.says("Shopify says: invalid token."), "{path}");
        assert!(page.has(".notice a[href='/settings/shopify']"), "{path}");
    }
    let page = owner.get("/settings/shopify");
    assert!(page.says("Vouch cannot call this store") && page.says("No access"));
    assert_eq!(page.text().matches("Shopify says: invalid token.").count(), 1, "said once");
    assert!(!app.stranger().get("/dashboard").says("does not let Vouch in"));
    let page = owner.get(&format!("/triggers/{id}"));
    assert!(page.says("Waits until Vouch is let into acme-tea.myshopify.com again."));
    assert!(!page.has("[hx-trigger='every 2s']"), "it stands still");
    app.within(|conn| stores::disconnect(conn, &app.actor(), &store(&app)));
    assert!(!owner.get("/dashboard").says("does not let Vouch in"));
}

#[test]
fn what_remains_to_be_done_in_the_store_is_said_and_linked() {
    let (app, fake) = creating();
    let id = code(&app, "SPRING");
    work(&app, &fake);
    let owner = app.owner();
    let link = "a[href='https://admin.example/discounts/SPRING']";
    assert!(owner.get(&format!("/triggers/{id}/reassignment")).has(&format!("form {link}")));
    assert_eq!(owner.post_signed(&format!("/triggers/{id}/retirement"), &[]).status, 303);
    let page = owner.get(&format!("/triggers/{id}"));
    assert!(page.has(&format!(".notice {link}")));
    // Reinstating it makes nothing anew.
    assert_eq!(owner.post_signed(&format!("/triggers/{id}/reinstatement"), &[]).status, 303);
    work_at(&app, &fake, clock::now() + Duration::hours(1));
    assert_eq!(fake.codes(), ["SPRING"]);
}
