//! Jobs that failed for good, as support staff see and retry them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use vouch::features::emails::{EmailContent, EmailMessage, Mailer, post};
use vouch::kit::clock;
use vouch::kit::db::schema::{audit_log, jobs, orders, pushes};
use vouch::kit::db::{Scope, in_scope};
use vouch::kit::jobs::{self as queue, JobKind, Queue};

use super::{code, creating, status, work};
use crate::harness::shopify::ShopifyOrder;
use crate::harness::smtp::{MailServer, Trouble};
use crate::harness::{TestApp, config};

const HERE: &str = "/support/jobs";

fn kind(name: &'static str) -> JobKind {
    let wait = chrono::Duration::seconds(1);
    JobKind { name, first_wait: wait, max_wait: wait, max_attempts: 1, is_of_instance: false }
}

fn fail_all(app: &TestApp, reason: &str) {
    app.within(|conn| {
        // Periodic jobs have no key, and never fail for good.
        diesel::update(jobs::table.filter(jobs::key.ne("")))
            .set((jobs::dead_at.eq(clock::now()), jobs::reason.eq(reason)))
            .execute(conn)
    });
}

fn dead(app: &TestApp) -> i64 {
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    let count = |conn: &mut PgConnection| {
        jobs::table.filter(jobs::dead_at.is_not_null()).count().get_result(conn)
    };
    in_scope::<i64, diesel::result::Error>(&mut conn, Scope::Instance, count).unwrap()
}

#[test]
fn a_push_that_failed_is_listed_and_retried_and_the_merchant_can_see_by_whom() {
    let (app, fake) = creating();
    let id = code(&app, "SPRING");
    fail_all(&app, "no_answer");
    app.within(|conn| diesel::update(pushes::table).set(pushes::status.eq("failed")).execute(conn));
    let support = app.support();
    let page = support.get(HERE);
    assert_eq!(page.all("tbody tr").len(), 1);
    assert!(page.one("tbody tr").contains("SPRING"));
    assert!(page.has(&format!("a[href='/support/merchants/{}']", app.fixture.merchant_id)));
    assert_eq!(support.submit(&page, "form[action$='/retry']", &[]).status, 303);
    assert!(support.get(HERE).has(".empty"));
    work(&app, &fake);
    assert_eq!(status(&app, id).0, "pushed");
    let noted: (String, String) = app.within(|conn| {
        audit_log::table
            .filter(audit_log::action.eq("push.retried"))
            .select((audit_log::actor_kind, audit_log::actor_name))
            .first(conn)
    });
    assert_eq!(noted.0, "support");
}

#[test]
fn all_of_a_kind_are_retried_at_once_and_no_other() {
    let (app, fake) = creating();
    for number in 0..3 {
        code(&app, &format!("CODE{number}"));
    }
    app.within(|conn| diesel::update(pushes::table).set(pushes::status.eq("failed")).execute(conn));
    let order = ShopifyOrder::new(1, clock::now()).code("ADA10", "10.00");
    assert_eq!(app.shopify("orders/create", &order.0).status, 200);
    let order_id: i64 = app.within(|conn| orders::table.select(orders::id).first(conn));
    let refunds = Queue::of_store(app.fixture.merchant_id, app.fixture.store_id, kind("refunds"));
    app.within(|conn| queue::enqueue(conn, &refunds, &[order_id.to_string()], clock::now()));
    fail_all(&app, "no_answer");
    let support = app.support();
    assert_eq!(support.get(HERE).all("tbody tr").len(), 4);
    assert!(!support.get(HERE).has("form[action$='/retries']"), "of which kind?");
    let page = support.get("/support/jobs?kind=push");
    assert_eq!(page.all("tbody tr").len(), 3);
    assert_eq!(support.submit(&page, "form[action$='/retries']", &[]).status, 303);
    assert_eq!(dead(&app), 1);
    work(&app, &fake);
    assert_eq!(fake.codes().len(), 3);
    let page = support.get("/support/jobs?kind=refunds");
    assert_eq!(support.submit(&page, "form[action$='/retry']", &[]).status, 303);
    let due: (Option<DateTime<Utc>>, i32) = app.within(|conn| {
        jobs::table
            .filter(jobs::kind.eq("refunds"))
            .select((jobs::dead_at, jobs::attempts))
            .first(conn)
    });
    assert_eq!(due, (None, 0));
}

#[test]
fn an_email_that_was_never_accepted_is_retried() {
    let (app, server) = (TestApp::start(), MailServer::start());
    app.within(|conn| {
        let message = EmailMessage {
            to: "ada@example.com",
            program: None,
            content: EmailContent::MemberRemoved { name: "Nia".to_owned() },
            link: None,
        };
        post(conn, &message)
    });
    app.within(|conn| diesel::update(jobs::table).set(jobs::attempts.eq(11)).execute(conn));
    let mut config = config(&app.base);
    config.smtp = Some(server.settings());
    let mailer = Mailer::new(&config, app.db.clone());
    server.expect(&[Trouble::Message("451 Not now")]);
    mailer.send_due().unwrap();
    let support = app.support();
    let page = support.get("/support/jobs?kind=emails");
    assert!(page.one("tbody tr").contains("ada@example.com"));
    support.submit(&page, "form[action$='/retry']", &[]);
    mailer.send_due().unwrap();
    assert_eq!(server.taken_for("ada@example.com").len(), 1);
    assert_eq!(dead(&app), 0);
    let noted: String = app.within(|conn| {
        audit_log::table
            .filter(audit_log::action.eq("email.retried"))
            .select(audit_log::subject_kind)
            .first(conn)
    });
    assert_eq!(noted, "email");
}

#[test]
fn a_job_of_a_newer_version_is_listed_and_left_alone() {
    let app = TestApp::start();
    let kind = kind("novelty");
    let newer = Queue { merchant_id: app.fixture.merchant_id, kind, store_id: None };
    app.within(|conn| queue::enqueue(conn, &newer, &["1"], clock::now()));
    fail_all(&app, "strange");
    let support = app.support();
    let page = support.get(HERE);
    assert!(page.one("tbody tr").contains("novelty") && page.one("tbody tr").contains("strange"));
    assert!(!page.has("form[action$='/retry']"));
    let id: i64 = app.within(|conn| jobs::table.select(jobs::id).first(conn));
    let path = format!("/support/jobs/{}/{id}/retry", app.fixture.merchant_id);
    assert_eq!(support.post_signed(&path, &[]).status, 404);
    assert_eq!(support.post_signed("/support/jobs/retries", &[("kind", "novelty")]).status, 404);
    assert_eq!(dead(&app), 1);
}

#[test]
fn only_support_staff_get_there() {
    let app = TestApp::start();
    let owner = app.owner();
    assert_eq!(owner.get(HERE).status, 403);
    assert_eq!(owner.post_signed("/support/jobs/1/1/retry", &[]).status, 403);
}

#[test]
fn of_two_who_retry_a_push_at_once_both_are_answered() {
    let (app, _) = creating();
    let trigger_id = code(&app, "SPRING");
    let push_id = super::push_id(&app, trigger_id);
    let (owner, support) = (app.owner(), app.support());
    let on_its_page = format!("/triggers/{trigger_id}/pushes/{push_id}/retry");
    for round in 0..10 {
        fail_all(&app, "no_answer");
        app.within(|conn| {
            diesel::update(pushes::table).set(pushes::status.eq("failed")).execute(conn)
        });
        let job_id: i64 = app
            .within(|conn| jobs::table.filter(jobs::kind.eq("push")).select(jobs::id).first(conn));
        let in_list = format!("{HERE}/{}/{job_id}/retry", app.fixture.merchant_id);
        std::thread::scope(|scope| {
            let (owner, path) = (owner.clone(), &on_its_page);
            let first = scope.spawn(move || owner.post_signed(path, &[]).status);
            let second = support.post_signed(&in_list, &[]).status;
            assert_eq!((first.join().unwrap(), second), (303, 303), "round {round}");
        });
        assert_eq!(dead(&app), 0);
    }
}

#[test]
fn a_job_whose_subject_is_gone_is_deleted_and_nothing_is_said_to_run() {
    let app = TestApp::start();
    for (kind, key) in [(kind("refunds"), "9000001"), (kind("refunds"), "no number")] {
        let refunds = Queue::of_store(app.fixture.merchant_id, app.fixture.store_id, kind);
        app.within(|conn| queue::enqueue(conn, &refunds, &[key], clock::now()));
    }
    fail_all(&app, "no_answer");
    let support = app.support();
    let page = support.get("/support/jobs?kind=refunds");
    assert_eq!(page.all("tbody tr").len(), 2);
    assert_eq!(support.submit(&page, "form[action$='/retries']", &[]).status, 303);
    assert_eq!(dead(&app), 0);
    let noted: i64 = app.within(|conn| {
        audit_log::table.filter(audit_log::action.eq("job.retried")).count().get_result(conn)
    });
    assert_eq!(noted, 0);
}
