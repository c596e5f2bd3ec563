//! The same form again: by a double click, by going back, or side by side.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use vouch::kit::db::schema::{affiliates, api_keys, form_responses, offers, triggers};

use crate::harness::{Page, Person, TestApp};

/// What is on a page, sent as often as wanted.
struct Filled {
    action: String,
    fields: Vec<(String, String)>,
}

impl Filled {
    fn on(page: &Page, selector: &str, fields: &[(&str, &str)]) -> Self {
        let form = page.form(selector).with(fields);
        Self { action: form.action, fields: form.fields }
    }

    fn send(&self, person: &Person) -> Page {
        let fields: Vec<(&str, &str)> =
            self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        person.post(&self.action, &fields)
    }
}

fn count(app: &TestApp, what: &str) -> i64 {
    app.within(|conn| match what {
        "offers" => offers::table.count().get_result(conn),
        "triggers" => triggers::table.count().get_result(conn),
        "affiliates" => affiliates::table.count().get_result(conn),
        _ => api_keys::table.count().get_result(conn),
    })
}

#[test]
fn a_form_that_is_sent_again_creates_nothing_more_and_is_answered_alike() {
    let app = TestApp::start();
    let owner = app.owner();
    for (what, path, selector, fields) in [
        ("offers", "/offers/new", "main form", &[("name", "Gold"), ("percent", "12")][..]),
        (
            "affiliates",
            "/affiliates/new",
            "main form",
            &[("name", "Cleo"), ("email", "cleo@affiliates.example")],
        ),
    ] {
        let filled = Filled::on(&owner.get(path), selector, fields);
        let before = count(&app, what);
        let first = filled.send(&owner);
        assert_eq!(first.status, 303, "{what}: {}", first.text());
        let again = filled.send(&owner);
        assert_eq!((again.status, again.location()), (303, first.location()), "{what}");
        assert_eq!(count(&app, what), before + 1, "{what}");
        // With something else in it, it's another form.
        let mut other = filled;
        for (name, value) in &mut other.fields {
            match name.as_str() {
                "name" => *value = "Other".to_owned(),
                "email" => *value = "dora@affiliates.example".to_owned(),
                _ => {}
            }
        }
        assert_eq!(other.send(&owner).status, 303, "{what}");
        assert_eq!(count(&app, what), before + 2, "{what}");
    }
}

#[test]
fn of_forms_that_arrive_together_one_is_carried_out() {
    let app = TestApp::start();
    let owner = app.owner();
    let page = owner.get(&format!("/affiliates/{}/triggers/new", app.fixture.ben_id));
    let filled = Filled::on(&page, "form.stack", &[("coupon_code", "TWICE10")]);
    let before = count(&app, "triggers");
    let people: Vec<Person> = (0..6).map(|_| owner.clone()).collect();
    let answers: Vec<(u16, Option<String>)> = std::thread::scope(|scope| {
        let all: Vec<_> = people
            .into_iter()
            .map(|person| {
                let filled = &filled;
                scope.spawn(move || {
                    let page = filled.send(&person);
                    (page.status, page.location().map(str::to_owned))
                })
            })
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(answers[0].0, 303);
    assert_eq!(count(&app, "triggers"), before + 1);
}

#[test]
fn a_key_that_is_shown_once_is_made_once() {
    let app = TestApp::start();
    let owner = app.owner();
    let page = owner.get("/settings/api");
    let filled = Filled::on(&page, "form[action='/settings/api/keys']", &[("name", "Till")]);
    assert_eq!(filled.send(&owner).status, 200);
    assert_eq!(filled.send(&owner).location(), Some("/settings/api"));
    assert_eq!(count(&app, "keys"), 1);
}

#[test]
fn what_was_refused_can_be_sent_again_and_answers_are_deleted_after_a_day() {
    let app = TestApp::start();
    let owner = app.owner();
    let refused = Filled::on(&owner.get("/offers/new"), "main form", &[("name", "")]);
    assert_eq!(refused.send(&owner).status, 422);
    assert_eq!(refused.send(&owner).status, 422);
    let kept = || -> i64 {
        let mut conn = PgConnection::establish(&app.database_url).unwrap();
        form_responses::table.count().get_result(&mut conn).unwrap()
    };
    assert_eq!(kept(), 0);
    let saved =
        Filled::on(&owner.get("/offers/new"), "main form", &[("name", "Gold"), ("percent", "5")]);
    assert_eq!(saved.send(&owner).status, 303);
    assert_eq!(kept(), 1);
    // Somebody else's repetition is no repetition.
    assert_eq!(saved.send(&app.admin()).status, 403);
    let later = vouch::kit::clock::now() + chrono::Duration::hours(25);
    vouch::kit::web::idempotency::sweep(&app.db, later).unwrap();
    assert_eq!(kept(), 0);
}

#[test]
fn a_form_that_is_cut_off_during_its_commit_is_not_said_to_have_changed_nothing() {
    let app = TestApp::start();
    let owner = app.owner();
    let filled =
        Filled::on(&owner.get("/offers/new"), "main form", &[("name", "Gold"), ("percent", "5")]);
    app.as_owner()
        .batch_execute(
            "CREATE FUNCTION public.end_it() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$; \
             CREATE CONSTRAINT TRIGGER end_it AFTER INSERT ON offers \
                 DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION end_it()",
        )
        .unwrap();
    let answer = filled.send(&owner);
    assert_eq!(answer.status, 503);
    assert!(answer.has("main[data-refused-by='cut-off']"), "{}", answer.text());
    // It may have been carried out, so it isn't carried out again at once.
    let kept: i64 = {
        let mut conn = PgConnection::establish(&app.database_url).unwrap();
        form_responses::table.count().get_result(&mut conn).unwrap()
    };
    assert_eq!(kept, 1);
}
