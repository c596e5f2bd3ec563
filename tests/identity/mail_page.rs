//! Without a mail server: no link is logged, and support staff read one email at a time, if at all.

use std::io::Write;
use std::sync::{Arc, Mutex};

use diesel::prelude::*;
use vouch::features::auth;
use vouch::features::emails::Mailer;
use vouch::features::team;
use vouch::kit::db::schema::{audit_log, emails, instance_log, users};
use vouch::kit::db::{Scope, in_scope};
use vouch::kit::session::Role;

use crate::harness::{PASSWORD, Page, Person, TestApp, config};
use crate::registration::{emails_to, encryptor, link_to, send};

fn ask_for_password(app: &TestApp, email: &str) {
    let person = app.anonymous();
    let page = person.get("/password-resets/new");
    assert_eq!(send(&person, &page, &[("email", email)]).status, 303);
}

fn invite(app: &TestApp, email: &str) {
    app.within(|conn| {
        team::invite(conn, &app.actor(), &encryptor(), email, Role::Viewer).unwrap();
        Ok(())
    });
}

fn email_id(app: &TestApp, to: &str) -> i64 {
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    in_scope(&mut conn, Scope::Instance, |conn| {
        emails::table
            .filter(emails::recipient.eq(to))
            .order(emails::id.desc())
            .select(emails::id)
            .first(conn)
    })
    .unwrap()
}

fn disclose(support: &Person, id: i64) -> Page {
    support.post_signed(&format!("/support/emails/{id}/disclosure"), &[])
}

fn revealed(app: &TestApp) -> Vec<String> {
    app.within(|conn| {
        audit_log::table
            .filter(audit_log::action.eq("email.revealed"))
            .select(audit_log::actor_kind)
            .load(conn)
    })
}

#[test]
fn support_shows_one_email_of_a_merchant_which_reads_of_it() {
    let app = TestApp::start();
    invite(&app, "ivy@acme.example");
    invite(&app, "jo@acme.example");
    let support = app.support();
    let page = support.get("/support/emails");
    let tokens = ["ivy@acme.example", "jo@acme.example"].map(|to| link_to(&app, to));
    assert!(tokens.iter().all(|token| !page.text().contains(token)), "{}", page.text());
    assert_eq!(page.all("form[action$='/disclosure']").len(), 2);
    let id = email_id(&app, "ivy@acme.example");
    let read = support.get(&format!("/support/emails/{id}/disclosure"));
    assert_eq!((read.status, read.location()), (303, Some("/support/emails")));
    let shown = disclose(&support, id);
    assert_eq!(shown.status, 200);
    assert!(shown.text().contains(&tokens[0]) && !shown.text().contains(&tokens[1]));
    assert!(shown.header("cache-control").unwrap_or_default().contains("no-store"));
    assert_eq!(revealed(&app), ["support"]);
    let log = app.owner().get("/settings/audit-log?by=support");
    assert!(log.says("ivy@acme.example"), "{}", log.text());
    assert!(!log.text().contains(&tokens[0]));
    assert_eq!(disclose(&support, 999_999_999).status, 404);
    assert_eq!(disclose(&app.owner(), id).status, 403);
}

#[test]
fn nobody_else_is_opened_up_to_support() {
    let app = TestApp::start();
    // A member of another merchant, other support staff, and whoever asks for a new password.
    invite(&app, "owner@borealis.example");
    invite(&app, "second@vouch.example");
    let hash = auth::hash(PASSWORD).unwrap();
    app.within(|conn| {
        let new = auth::NewUser {
            email: "second@vouch.example",
            name: "Second",
            password_hash: Some(&hash),
            is_support: true,
        };
        auth::create_user(conn, &new).unwrap();
        Ok(())
    });
    for email in ["viewer@acme.example", "ada@affiliates.example", "support@vouch.example"] {
        ask_for_password(&app, email);
    }
    let support = app.support();
    let page = support.get("/support/emails");
    assert!(!page.has("form[action$='/disclosure']"), "{}", page.text());
    for email in [
        "owner@borealis.example",
        "second@vouch.example",
        "viewer@acme.example",
        "ada@affiliates.example",
        "support@vouch.example",
    ] {
        let path = link_to(&app, email);
        assert!(!page.text().contains(&path), "{email}");
        let refused = disclose(&support, email_id(&app, email));
        assert_eq!(refused.status, 403, "{email}");
        assert!(!refused.text().contains(&path), "{email}");
    }
    assert_eq!(revealed(&app).len(), 0);
    // A member of this merchant alone can be helped.
    invite_affiliate_with_address_of_viewer(&app);
    let id = email_id(&app, "viewer@acme.example");
    assert_eq!(disclose(&support, id).status, 200);
}

fn invite_affiliate_with_address_of_viewer(app: &TestApp) {
    use vouch::kit::db::schema::affiliates;
    let ben = app.fixture.ben_id;
    app.within(|conn| {
        diesel::update(affiliates::table.filter(affiliates::id.eq(ben)))
            .set((
                affiliates::email.eq("viewer@acme.example"),
                affiliates::email_key.eq("viewer@acme.example"),
            ))
            .execute(conn)
    });
    assert_eq!(app.owner().post_signed(&format!("/affiliates/{ben}/invitation"), &[]).status, 303);
}

#[derive(Clone, Default)]
struct LogBuffer(Arc<Mutex<Vec<u8>>>);

impl Write for LogBuffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn no_link_and_no_recipient_is_logged() {
    let app = TestApp::start();
    invite(&app, "ivy@acme.example");
    ask_for_password(&app, "viewer@acme.example");
    let kept = LogBuffer::default();
    let writer = kept.clone();
    let log =
        tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let announced = tracing::subscriber::with_default(log, || {
        Mailer::new(&config(&app.base), app.db.clone()).send_due().unwrap()
    });
    assert_eq!(announced, 2);
    let said = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    assert_eq!(said.matches("email_held").count(), 2, "{said}");
    for email in ["ivy@acme.example", "viewer@acme.example"] {
        let path = link_to(&app, email);
        let token = path.rsplit('/').next().unwrap();
        assert!(!said.contains(token) && !said.contains(email), "{said}");
    }
}

#[test]
fn what_the_server_shows_is_in_the_log_of_the_instance() {
    let app = TestApp::start();
    ask_for_password(&app, "viewer@acme.example");
    assert_eq!(emails_to(&app, "viewer@acme.example").len(), 1);
    let id = email_id(&app, "viewer@acme.example");
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    in_scope(&mut conn, Scope::Instance, |conn| {
        let email = vouch::features::emails::reveal(conn, id, &encryptor(), &app.base)?.unwrap();
        let by =
            vouch::features::accounts::AccessChange::command_line("", vouch::kit::clock::now());
        vouch::features::accounts::note_revealed(conn, &by, &email)?;
        let rows: Vec<(String, Option<i64>)> = instance_log::table
            .select((instance_log::action, instance_log::subject_id))
            .load(conn)?;
        assert_eq!(rows, [("email.revealed".to_owned(), Some(id))]);
        QueryResult::Ok(())
    })
    .unwrap();
    let disabled: i64 = app.within(|conn| {
        users::table.filter(users::disabled_at.is_not_null()).count().get_result(conn)
    });
    assert_eq!(disabled, 0);
}
