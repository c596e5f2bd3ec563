use std::sync::Barrier;

use diesel::RunQueryDsl as _;

use crate::harness::{Page, Person, TestApp};
use crate::triggers::{all, code};

fn add(person: &Person, affiliate_id: i64, fields: &[(&str, &str)]) -> Page {
    let form = person.get(&format!("/affiliates/{affiliate_id}/triggers/new"));
    assert_eq!(form.status, 200, "{}", form.text());
    person.submit(&form, "form.stack", fields)
}

#[test]
fn a_code_is_added_on_the_affiliates_page_and_appears_there() {
    let app = TestApp::start();
    let owner = app.owner();
    let list = owner.get(&format!("/affiliates/{}/triggers", app.fixture.ben_id));
    assert!(list.has(".empty a[data-dialog]"));
    assert_eq!(list.one(".actions a[data-dialog]"), "Add Trigger");
    let answer = add(&owner, app.fixture.ben_id, &[("coupon_code", " ben–5 ")]);
    assert_eq!(answer.status, 303, "{}", answer.text());
    let list = owner.follow(&answer);
    assert_eq!(list.all("tbody th code"), ["ben–5"]);
    let message = list.one("[role=status].tone-good");
    assert!(message.contains("ben–5") && message.contains("Ben Second"), "{message}");
    assert!(list.has("#create-in-store") && !list.has("#no-commission"));
    let last = all(&app).pop().unwrap();
    assert_eq!(last, ("coupon_code".into(), "ben–5".into(), "BEN–5".into(), app.fixture.ben_id));
}

#[test]
fn every_type_has_its_own_field_and_key() {
    let app = TestApp::start();
    let owner = app.owner();
    let form = owner.get(&format!("/affiliates/{}/triggers/new", app.fixture.ben_id));
    assert_eq!(form.all("select[name=type] option"), ["Coupon Code", "Customer Email", "SKU"]);
    for (kind, value, key) in [
        ("customer_email", "Sia@Customers.example", "sia@customers.example"),
        ("sku", "Green Leaves 100g", "GREEN LEAVES 100G"),
        ("coupon_code", "straße", "STRAßE"),
    ] {
        let answer = add(&owner, app.fixture.ben_id, &[("type", kind), (kind, value)]);
        assert_eq!(answer.status, 303, "{kind}: {}", answer.text());
        let (stored_kind, stored, stored_key, _) = all(&app).pop().unwrap();
        assert_eq!((stored_kind.as_str(), stored.as_str()), (kind, value));
        assert_eq!(stored_key, key);
    }
    let list = owner.get(&format!("/affiliates/{}/triggers", app.fixture.ben_id));
    assert_eq!(list.all("tbody th .sub"), ["Coupon Code", "SKU", "Customer Email"]);
}

#[test]
fn rubbish_comes_back_as_typed_with_the_rule_it_broke() {
    let app = TestApp::start();
    let owner = app.owner();
    let long = "A".repeat(51);
    for (kind, value) in [
        ("coupon_code", ""),
        ("coupon_code", "TWO WORDS"),
        ("coupon_code", "ZERO\u{200b}WIDTH"),
        ("coupon_code", long.as_str()),
        ("customer_email", "nobody"),
        ("sku", " "),
    ] {
        let page = add(&owner, app.fixture.ben_id, &[("type", kind), (kind, value)]);
        assert_eq!(page.status, 422, "{kind} {value}");
        assert_eq!(page.value_of(&format!("#f-{kind}")), value);
        assert_eq!(page.attribute("option[selected]", "value").as_deref(), Some(kind));
        assert_eq!(page.invalid_fields(), [kind], "{value}");
        assert!(page.has(&format!("#f-{kind}-error")) && !page.has("[data-unavailable]"));
    }
    let page = owner.post_signed(
        &format!("/affiliates/{}/triggers", app.fixture.ben_id),
        &[("type", "rubbish")],
    );
    assert_eq!(page.status, 422);
    assert_eq!(all(&app).len(), 1);
}

#[test]
fn a_code_that_is_taken_names_its_holder_and_offers_three_free_ones() {
    let app = TestApp::start();
    let owner = app.owner();
    code(&app, app.fixture.ada_id, "ADA10-2", &app.actor());
    let page = add(&owner, app.fixture.ben_id, &[("coupon_code", "ada10")]);
    assert_eq!(page.status, 422);
    assert!(page.one("#f-coupon_code-error").contains("Ada Active"));
    assert!(page.has("[data-unavailable=held]"));
    let holder = format!(".notice a[href='/affiliates/{}/triggers']", app.fixture.ada_id);
    assert_eq!(page.one(&holder), "Ada Active");
    let offered = page.all("button[name=instead]");
    assert_eq!(offered.len(), 3);
    assert!(!offered.iter().any(|code| code.ends_with("ADA10-2")), "{offered:?}");
    let free = page.value_of("button[name=instead]");
    let form = page.form("form.stack");
    let mut fields: Vec<(&str, &str)> =
        form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    fields.push(("instead", &free));
    assert_eq!(owner.post(&form.action, &fields).status, 303);
    assert_eq!(all(&app).pop().unwrap().1, free);
}

#[test]
fn another_programs_code_is_free_here_and_says_nothing_of_its_holder() {
    let app = TestApp::start();
    let stranger = app.stranger();
    let page = add(&stranger, app.fixture.stranger_affiliate_id, &[("coupon_code", "BEN5")]);
    assert_eq!(page.status, 303);
    let page = add(&app.owner(), app.fixture.ben_id, &[("coupon_code", "BEN5")]);
    assert_eq!(page.status, 303);
}

#[test]
fn a_dialog_gets_the_form_alone_and_is_told_where_to_go() {
    let app = TestApp::start();
    let owner = app.owner();
    let path = format!("/affiliates/{}/triggers", app.fixture.ben_id);
    let by_script = [("hx-request", "true")];
    let form = owner.get_with(&format!("{path}/new"), &by_script);
    assert!(form.has("form.stack") && !form.has("nav"));
    let token = form.value_of("input[name=csrf]");
    let fields = [("csrf", token.as_str()), ("type", "coupon_code"), ("coupon_code", "ADA10")];
    let refused = owner.post_with(&path, &fields, &by_script);
    assert_eq!(refused.status, 422);
    assert!(refused.has("#f-coupon_code-error") && !refused.has("nav"));
    let fields = [("csrf", token.as_str()), ("type", "coupon_code"), ("coupon_code", "BEN5")];
    let taken = owner.post_with(&path, &fields, &by_script);
    assert_eq!((taken.status, taken.header("hx-redirect")), (204, Some(path.as_str())));
}

#[test]
fn from_the_dashboards_form_an_affiliate_is_found_without_javascript() {
    let app = TestApp::start();
    let owner = app.owner();
    let form = owner.get("/triggers/new");
    let labels = form.all("form.stack > .field label, form.stack .of-coupon-code label");
    assert_eq!(labels[..3], ["Affiliate", "Type", "Coupon Code"]);
    assert!(form.has("label[for=f-only_in_vouch]"));
    assert_eq!(form.one("form.stack .submit button"), "Add Trigger");
    let nobody = owner.submit(&form, "form.stack", &[("coupon_code", "BEN5")]);
    assert_eq!(nobody.status, 422);
    assert_eq!(nobody.invalid_fields(), ["affiliate_id"]);
    assert_eq!(nobody.value_of("#f-coupon_code"), "BEN5");
    let none = owner.submit(&nobody, "form.stack", &[("affiliate_id_q", "nobody at all")]);
    assert!(none.one("#f-affiliate_id-error").contains("nobody at all"));

    let page = nobody.form("form.stack").with(&[("affiliate_id_q", "second")]);
    let mut fields: Vec<(&str, &str)> =
        page.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    fields.push(("find", "affiliate_id"));
    let found = owner.post("/triggers", &fields);
    assert_eq!(found.status, 200, "looking is no mistake");
    assert!(!found.has("#error-summary"));
    let ben = app.fixture.ben_id.to_string();
    assert_eq!(found.value_of("input[type=radio]"), ben);
    fields.pop();
    fields.push(("affiliate_id", &ben));
    let done = owner.post("/triggers", &fields);
    assert_eq!(done.location(), Some(format!("/affiliates/{ben}/triggers").as_str()));
    assert_eq!(all(&app).pop().unwrap().3, app.fixture.ben_id);
}

#[test]
fn the_dashboards_form_takes_one_affiliate_of_this_program() {
    let app = TestApp::start();
    let owner = app.owner();
    let (ada, ben) = (app.fixture.ada_id.to_string(), app.fixture.ben_id.to_string());
    let foreign = app.fixture.stranger_affiliate_id.to_string();
    let value = ("coupon_code", "NEW1");
    let two =
        owner.post_signed("/triggers", &[("affiliate_id", &ada), ("affiliate_id", &ben), value]);
    assert_eq!(two.status, 422);
    assert_eq!(two.invalid_fields(), ["affiliate_id"]);
    for id in [foreign.as_str(), "rubbish", "99999999999999999999"] {
        let page = owner.post_signed("/triggers", &[("affiliate_id", id), value]);
        assert_eq!(page.status, 422, "{id}");
    }
    let taken = owner.post_signed("/triggers", &[("affiliate_id", &ben), ("coupon_code", "ADA10")]);
    assert_eq!(taken.status, 422);
    assert_eq!(taken.value_of("input[type=hidden][name=affiliate_id]"), ben);
    assert_eq!(taken.value_of("#f-affiliate_id"), "Ben Second");
    assert_eq!(all(&app).len(), 1);
}

#[test]
fn who_may_not_change_adds_nothing() {
    let app = TestApp::start();
    let path = format!("/affiliates/{}/triggers", app.fixture.ben_id);
    let value = [("coupon_code", "BEN5")];
    let viewer = app.viewer();
    let list = viewer.get(&path);
    assert_eq!(list.status, 200);
    assert!(!list.has("a[data-dialog]"));
    assert_eq!(viewer.get(&format!("{path}/new")).status, 403);
    assert_eq!(viewer.post_signed(&path, &value).status, 403);
    assert_eq!(viewer.post_signed("/triggers", &value).status, 403);
    let stranger = app.stranger();
    for missing in [path.clone(), "/affiliates/424242/triggers".to_owned()] {
        assert_eq!(stranger.get(&missing).status, 404);
        assert_eq!(stranger.post_signed(&missing, &value).status, 404);
    }
    assert_eq!(app.owner().post(&path, &value).status, 403, "without its token");
    assert_eq!(app.anonymous().get(&path).status, 303);
    assert_eq!(all(&app).len(), 1);
}

#[test]
fn of_fifty_at_once_one_wins_and_the_others_read_why_not() {
    let app = TestApp::start();
    let owner = app.owner();
    let token = owner.token();
    let path = format!("/affiliates/{}/triggers", app.fixture.ben_id);
    let start = Barrier::new(50);
    let answers: Vec<Page> = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..50)
            .map(|n| {
                let (person, token, path, start) = (owner.clone(), &token, &path, &start);
                scope.spawn(move || {
                    // Not one of them is spelled as another.
                    let value: String = "rushhour"
                        .char_indices()
                        .map(|(at, c)| if n >> at & 1 == 1 { c.to_ascii_uppercase() } else { c })
                        .collect();
                    start.wait();
                    person.post(
                        path,
                        &[("csrf", token), ("type", "coupon_code"), ("coupon_code", &value)],
                    )
                })
            })
            .collect();
        tries.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let (won, lost): (Vec<&Page>, Vec<&Page>) = answers.iter().partition(|page| page.status == 303);
    assert_eq!(won.len(), 1);
    for page in lost {
        assert_eq!(page.status, 422, "{}", page.text());
        assert!(page.one("#f-coupon_code-error").contains("Ben Second"));
        assert_eq!(page.all("button[name=instead]").len(), 3);
    }
    assert_eq!(all(&app).len(), 2);
}

#[test]
fn a_code_of_an_affiliate_who_is_not_active_is_added_with_a_warning() {
    let app = TestApp::start();
    let (owner, ben) = (app.owner(), app.fixture.ben_id);
    let set = |status: &str| {
        let sql = format!("update affiliates set status = '{status}' where id = {ben}");
        assert_eq!(app.within(|conn| diesel::sql_query(sql).execute(conn)), 1);
    };
    for status in ["disabled", "denied", "pending"] {
        set(status);
        let answer = add(&owner, ben, &[("coupon_code", &format!("BEN-{status}"))]);
        assert_eq!(answer.status, 303, "{}", answer.text());
        let list = owner.follow(&answer);
        assert!(list.has(&format!("#no-commission[data-status={status}]")));
        // The holder of the code, and why it earns nothing.
        let message = list.one("[role=status].tone-good");
        assert_eq!(message.matches("Ben Second").count(), 2, "{message}");
        let trigger = owner.get(&list.attribute("tbody th a", "href").unwrap());
        assert!(trigger.has(&format!("#no-commission[data-status={status}]")));
    }
    set("active");
    let answer = add(&owner, ben, &[("coupon_code", "BEN-active")]);
    assert!(!owner.follow(&answer).has("#no-commission"));
}
