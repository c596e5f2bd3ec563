//! A new password by a link: told to nobody but the mailbox, good once and for an hour.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use vouch::features::emails::Mailer;
use vouch::kit::db::schema::{emails, links, users};
use vouch::kit::db::{Scope, in_scope};

use crate::harness::smtp::MailServer;
use crate::harness::{PASSWORD, Page, Person, TestApp, config, on_this_machine};

const OWNER: &str = "owner@acme.example";
const NEW: &str = "umbrella quartz 7 meadow";

fn ask(person: &Person, email: &str) -> Page {
    let page = person.get("/password-resets/new");
    person.submit(&page, "form", &[("email", email)])
}

fn unowned<T>(app: &TestApp, work: impl FnOnce(&mut PgConnection) -> QueryResult<T>) -> T {
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    in_scope(&mut conn, Scope::Unowned, work).unwrap()
}

fn count_links(app: &TestApp) -> i64 {
    unowned(app, |conn| links::table.count().get_result(conn))
}

fn two_minutes_pass(app: &TestApp) {
    unowned(app, |conn| {
        diesel::sql_query(
            "UPDATE links SET created_at = created_at - interval '2 minutes', \
             expires_at = expires_at - interval '2 minutes'",
        )
        .execute(conn)
    });
}

/// Sends what was posted to a mail server, and reads it there.
fn deliver(app: &TestApp) -> MailServer {
    let server = MailServer::start();
    let mut config = config(&app.base);
    config.smtp = Some(server.settings());
    Mailer::new(&config, app.db.clone()).send_due().unwrap();
    server
}

/// The path of the link that was sent to the owner.
fn link(app: &TestApp) -> String {
    let mails = deliver(app).taken_for(OWNER);
    assert_eq!(mails.len(), 1, "{mails:?}");
    mails[0].link(&app.base)
}

#[test]
fn a_link_arrives_works_once_and_ends_every_session() {
    let app = TestApp::start();
    let elsewhere = app.owner();
    let person = app.anonymous();
    let login = person.get("/login");
    assert!(login.has("a[href='/password-resets/new']"));
    let answer = ask(&person, " Owner@ACME.example ");
    assert_eq!((answer.status, answer.location()), (303, Some("/login")));
    let told = person.follow(&answer).one(".notice[role=status]");
    assert!(told.contains("Owner@ACME.example"), "{told}");
    let path = link(&app);
    assert!(path.starts_with("/password-resets/"), "{path}");

    let page = person.get(&path);
    assert_eq!(page.status, 200);
    assert!(page.says(OWNER));
    assert_eq!(person.get(&path).status, 200, "looking uses nothing up");
    let answer = person.submit(&page, "form", &[("new", NEW)]);
    assert_eq!((answer.status, answer.location()), (303, Some("/login")), "{}", answer.text());
    let login = person.follow(&answer);
    assert!(login.has("[role=status].tone-good"));
    assert!(elsewhere.get("/settings/general").location().unwrap().starts_with("/login"));
    let signed_in = person.submit(&login, "form", &[("email", OWNER), ("password", NEW)]);
    assert_eq!(signed_in.status, 303);
    let old = app.anonymous();
    let answer =
        old.submit(&old.get("/login"), "form", &[("email", OWNER), ("password", PASSWORD)]);
    assert_eq!(answer.status, 422);

    let again = old.get(&path);
    assert_eq!(again.status, 404);
    assert!(again.has("main a[href='/password-resets/new']"));
    assert_eq!(old.post_signed(&path, &[("new", "another 9 anvil harbour")]).status, 404);
    let notices = deliver(&app).taken_for(OWNER);
    let links: Vec<String> = notices.iter().map(|notice| notice.link(&app.base)).collect();
    assert_eq!(links, ["/password-resets/new"], "it tells the owner");
}

#[test]
fn nothing_tells_whether_an_address_is_known() {
    let app = TestApp::start();
    unowned(&app, |conn| {
        diesel::update(users::table.filter(users::email_key.eq("viewer@acme.example")))
            .set(users::disabled_at.eq(diesel::dsl::now))
            .execute(conn)
    });
    let person = app.anonymous();
    let token = person.token();
    let time = |email: &str, from: &str| -> (Duration, String) {
        let began = Instant::now();
        let headers = [("x-forwarded-for", from)];
        let answer =
            person.post_with("/password-resets", &[("csrf", &token), ("email", email)], &headers);
        let took = began.elapsed();
        assert_eq!((answer.status, answer.location()), (303, Some("/login")), "{email}");
        let page = person.follow(&answer).text();
        (took, page.replace(email, "ADDRESS"))
    };
    let (known, said) = time(OWNER, "192.0.2.1");
    for email in ["nobody@acme.example", "viewer@acme.example"] {
        let (unknown, said_too) = time(email, "192.0.2.2");
        assert_eq!(said, said_too);
        let apart = known.abs_diff(unknown);
        let limit = on_this_machine(Duration::from_millis(150));
        assert!(apart < limit, "{known:?} and {unknown:?}");
    }
    assert_eq!(count_links(&app), 1);
    assert_eq!(deliver(&app).taken().len(), 1);
}

#[test]
fn a_mailbox_cannot_be_flooded_and_a_stranger_locks_nobody_out() {
    let app = TestApp::start();
    let person = app.anonymous();
    let token = person.token();
    for number in 0..6 {
        let from = format!("192.0.2.{number}");
        let fields = [("csrf", token.as_str()), ("email", OWNER)];
        let headers = [("x-forwarded-for", from.as_str())];
        assert_eq!(person.post_with("/password-resets", &fields, &headers).status, 303);
        two_minutes_pass(&app);
    }
    let mails = deliver(&app).taken_for(OWNER);
    assert_eq!(mails.len(), 3);
    let statuses = mails.iter().map(|email| person.get(&email.link(&app.base)).status);
    assert_eq!(statuses.collect::<Vec<_>>(), [404, 404, 200], "the newest works");
    app.owner();

    let refused = (0..40)
        .map(|_| {
            let fields = [("csrf", token.as_str()), ("email", "else@acme.example")];
            person.post_with("/password-resets", &fields, &[("x-forwarded-for", "203.0.113.9")])
        })
        .find(|answer| answer.status != 303);
    assert_eq!(refused.unwrap().status, 429);
}

#[test]
fn a_form_sent_several_times_at_once_brings_one_email() {
    let app = TestApp::start();
    let sent_at_once = |email: &str| {
        let barrier = Barrier::new(4);
        std::thread::scope(|scope| {
            let sending: Vec<_> = (0..4)
                .map(|_| {
                    let (person, barrier) = (app.anonymous(), &barrier);
                    scope.spawn(move || {
                        let page = person.get("/password-resets/new");
                        barrier.wait();
                        let answer = person.submit(&page, "form", &[("email", email)]);
                        let told = person.follow(&answer).one(".notice[role=status]");
                        (answer.status, told.replace(email, ""))
                    })
                })
                .collect();
            sending.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        })
    };
    let (known, unknown) = (sent_at_once(OWNER), sent_at_once("nobody@acme.example"));
    assert_eq!(known, unknown);
    assert!(known.iter().all(|answer| answer.0 == 303 && *answer == known[0]), "{known:?}");
    assert_eq!(count_links(&app), 1);
    assert_eq!(deliver(&app).taken().len(), 1);
    // Shortly after, the link that was sent still works. Later there's another one.
    ask(&app.anonymous(), OWNER);
    assert!(deliver(&app).taken().is_empty());
    two_minutes_pass(&app);
    ask(&app.anonymous(), OWNER);
    assert_eq!(deliver(&app).taken_for(OWNER).len(), 1);
}

#[test]
fn an_old_or_made_up_link_does_not_work() {
    let app = TestApp::start();
    let person = app.anonymous();
    ask(&person, OWNER);
    let path = link(&app);
    unowned(&app, |conn| {
        let past = vouch::kit::clock::now() - chrono::Duration::seconds(1);
        let made = past - chrono::Duration::hours(1);
        diesel::update(links::table)
            .set((links::created_at.eq(made), links::expires_at.eq(past)))
            .execute(conn)
    });
    for path in [path.as_str(), "/password-resets/made-up"] {
        assert_eq!(person.get(path).status, 404);
        assert_eq!(person.post_signed(path, &[("new", NEW)]).status, 404);
    }
    app.owner();
    vouch::features::auth::links::sweep(&app.db, vouch::kit::clock::now()).unwrap();
    assert_eq!(count_links(&app), 0);
}

#[test]
fn a_new_password_is_judged_by_what_is_known_of_the_person() {
    let app = TestApp::start();
    let person = app.anonymous();
    let refused = ask(&person, "no address");
    assert_eq!(refused.status, 422);
    assert_eq!(refused.value_of("#f-email"), "no address");
    ask(&person, OWNER);
    let path = link(&app);
    let page = person.get(&path);
    for weak in ["short", "password123", "acmetea1", "olgaowner"] {
        let answer = person.submit(&page, "form", &[("new", weak)]);
        assert_eq!(answer.status, 422, "{weak}");
        assert!(answer.has("#f-new-error") && !answer.text().contains(weak), "{weak}");
    }
    assert_eq!(person.submit(&page, "form", &[("new", NEW)]).status, 303, "the link still works");
}

#[test]
fn of_two_uses_at_once_one_counts() {
    let app = TestApp::start();
    let person = app.anonymous();
    ask(&person, OWNER);
    let token = link(&app).replace("/password-resets/", "");
    let hash = vouch::features::auth::hash(NEW).unwrap();
    let taken = std::thread::scope(|scope| {
        let uses: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let now = vouch::kit::clock::now();
                    unowned(&app, |conn| {
                        vouch::features::auth::resets::take(conn, &token, &hash, now)
                    })
                })
            })
            .collect();
        uses.into_iter().map(|thread| thread.join().unwrap()).filter(|t| *t).count()
    });
    assert_eq!(taken, 1);
    let kept = app.db.run_blocking::<i64, diesel::result::Error>(Scope::Instance, |conn| {
        emails::table
            .filter(sql::<Bool>("content ->> 'code' = 'password_changed'"))
            .count()
            .get_result(conn)
    });
    assert_eq!(kept.unwrap(), 1, "and is told once");
}
