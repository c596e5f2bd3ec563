//! Emails: posted with what they tell of, sent once, to a mail server that has its moods.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::{Value, json};
use vouch::features::emails::{
    EmailContent, EmailLink, EmailMessage, Mailer, newest_emails, post as post_email,
    reencrypt_links, reveal, sweep,
};
use vouch::kit::config::{Security, Smtp};
use vouch::kit::db::schema::{audit_log, emails, job_queues, jobs};
use vouch::kit::db::{Scope, in_scope};
use vouch::kit::email;
use vouch::kit::secrets::Encryptor;

use crate::harness::smtp::{MailServer, Trouble};
use crate::harness::{SECRET_KEY, TestApp, config};

fn encryptor() -> Encryptor {
    Encryptor::new(&Box::new(SECRET_KEY).into())
}

fn email_to(to: &str) -> EmailMessage<'_> {
    EmailMessage {
        to,
        program: Some("Acme Tea"),
        content: EmailContent::CodesDenied {
            name: "Ada".to_owned(),
            codes: vec!["GRUSS".to_owned()],
            reason: "Wörter & <b>Zeichen</b>.".to_owned(),
        },
        link: Some(EmailLink::secret(&encryptor(), "/invitations/secret-42")),
    }
}

/// As a merchant's transaction does it.
fn post(app: &TestApp, to: &str) {
    app.within(|conn| post_email(conn, &email_to(to)));
}

fn mailer(app: &TestApp, smtp: Option<Smtp>) -> Mailer {
    let mut config = config(&app.base);
    config.smtp = smtp;
    Mailer::new(&config, app.db.clone())
}

fn in_installation<T>(app: &TestApp, work: impl FnOnce(&mut PgConnection) -> QueryResult<T>) -> T {
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    in_scope(&mut conn, Scope::Instance, work).unwrap()
}

/// What the only email says, as it's stored, and its encrypted link.
fn stored(app: &TestApp) -> (String, Option<Vec<u8>>) {
    let (content, link): (Option<Value>, _) = in_installation(app, |conn| {
        emails::table.select((emails::content, emails::link_encrypted)).first(conn)
    });
    (content.unwrap().to_string(), link)
}

/// The subjects as support staff see them, the newest first.
fn listed(app: &TestApp) -> Vec<String> {
    let rows = in_installation(app, newest_emails);
    rows.into_iter().map(|row| row.subject).collect()
}

/// Attempts, problem, delivered, failed: of the only email.
type DeliveryRecord = (i32, Option<Value>, Option<DateTime<Utc>>, Option<DateTime<Utc>>);

fn fate(app: &TestApp) -> DeliveryRecord {
    in_installation(app, |conn| {
        let attempts = jobs::table
            .filter(jobs::kind.eq("emails"))
            .select(jobs::attempts)
            .first(conn)
            .optional()?;
        let (problem, delivered_at, failed_at) = emails::table
            .select((emails::problem, emails::delivered_at, emails::failed_at))
            .first(conn)?;
        Ok((attempts.unwrap_or(0), problem, delivered_at, failed_at))
    })
}

fn is_problem(problem: Option<&Value>, code: &str, detail: &str) -> bool {
    let problem = problem.expect("a problem");
    problem["code"] == code && problem["detail"].as_str().unwrap().contains(detail)
}

/// Lets the pause before the next try pass.
fn later(app: &TestApp) {
    in_installation(app, |conn| {
        let now = vouch::kit::clock::now();
        diesel::update(jobs::table).set(jobs::run_at.eq(now)).execute(conn)?;
        diesel::update(job_queues::table).set(job_queues::due_at.eq(now)).execute(conn)
    });
}

#[test]
fn a_letter_arrives_as_text_and_html_with_its_link_and_is_forgotten_then() {
    let (app, server) = (TestApp::start(), MailServer::start());
    post(&app, "ada@example.com");
    assert_eq!(mailer(&app, Some(server.settings_with_login())).send_due().unwrap(), 1);
    let [email] = server.taken().try_into().unwrap();
    assert_eq!(email.to, "ada@example.com");
    assert_eq!(server.logins(), ["/vouch/geheim"]);
    assert_eq!(email.header("To"), "ada@example.com");
    assert_eq!(email.header("From"), "\"Acme Tea\" <vouch@vouch.example>");
    assert_eq!(email.header("Auto-Submitted"), "auto-generated");
    assert!(email.header("Message-ID").ends_with("@127.0.0.1>"), "{}", email.data);
    assert!(email.header("Content-Type").starts_with("multipart/alternative"));
    assert_eq!(email.link(&app.base), "/invitations/secret-42");
    let text = email.text();
    assert!(text.contains("Wörter & <b>Zeichen</b>."), "{text}");
    assert!(text.trim_end().lines().last().unwrap().contains("Acme Tea"), "{text}");
    assert!(email.data.contains("Content-Type: text/html"));

    let (content, link) = stored(&app);
    assert!(link.is_none() && !content.contains("Zeichen"), "its words were for the recipient");
    let [listed] = listed(&app).try_into().unwrap();
    assert!(listed.contains("GRUSS"), "the list still shows its subject");
    assert_eq!(mailer(&app, Some(server.settings())).send_due().unwrap(), 0, "it goes once");
}

#[test]
fn a_letter_of_a_transaction_that_failed_was_never_written() {
    let app = TestApp::start();
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    let undone: QueryResult<()> = in_scope(&mut conn, Scope::Unowned, |conn| {
        post_email(conn, &email_to("ada@example.com"))?;
        Err(diesel::result::Error::RollbackTransaction)
    });
    assert!(undone.is_err());
    assert_eq!(in_installation(&app, |conn| emails::table.count().get_result::<i64>(conn)), 0);
}

#[test]
fn a_merchant_can_post_and_nobody_but_the_workers_can_read() {
    let app = TestApp::start();
    post(&app, "ada@example.com");
    let seen = |scope| {
        let mut conn = PgConnection::establish(&app.database_url).unwrap();
        let count = |conn: &mut PgConnection| emails::table.count().get_result::<i64>(conn);
        in_scope(&mut conn, scope, count).unwrap()
    };
    for scope in [
        Scope::Unowned,
        Scope::Merchant(app.fixture.merchant_id),
        Scope::Person(app.fixture.owner_id),
    ] {
        assert_eq!(seen(scope), 0, "{scope:?}");
    }
    assert_eq!((seen(Scope::Instance), seen(Scope::Support)), (1, 1));
    let everything = in_installation(&app, |conn| {
        diesel::dsl::sql::<diesel::sql_types::Text>("select to_jsonb(l)::text from emails l")
            .get_result::<String>(conn)
    });
    assert!(everything.contains("Zeichen") && !everything.contains("secret-42"), "{everything}");
}

#[test]
fn not_now_is_tried_again_later_and_fails_after_many_attempts() {
    let (app, server) = (TestApp::start(), MailServer::start());
    post(&app, "ada@example.com");
    let mailer = mailer(&app, Some(server.settings()));
    server.expect(&[Trouble::Recipient("451 4.7.1 Greylisted, come back later")]);
    assert_eq!(mailer.send_due().unwrap(), 1);
    let (attempts, reason, delivered, failed) = fate(&app);
    assert_eq!((attempts, delivered, failed), (1, None, None));
    assert!(is_problem(reason.as_ref(), "not_accepted", "Greylisted, come back later"));
    assert_eq!(mailer.send_due().unwrap(), 0, "not before its pause is over");
    server.expect(&[Trouble::Message("452 Full"), Trouble::HangUp]);
    for _ in 0..2 {
        later(&app);
        assert_eq!(mailer.send_due().unwrap(), 1);
    }
    assert_eq!(server.taken().len(), 0);
    later(&app);
    mailer.send_due().unwrap();
    assert_eq!(server.taken().len(), 1, "the fourth try");

    in_installation(&app, |conn| diesel::delete(emails::table).execute(conn));
    post(&app, "ben@example.com");
    server.expect(&[Trouble::Message("451 Never mind"); 12]);
    for _ in 0..12 {
        later(&app);
        mailer.send_due().unwrap();
    }
    let (attempts, reason, _, failed) = fate(&app);
    assert!(failed.is_some() && is_problem(reason.as_ref(), "not_accepted", "Never mind"));
    assert_eq!(attempts, 12);
}

#[test]
fn what_is_refused_for_good_fails_at_once_and_keeps_the_reason() {
    let (app, server) = (TestApp::start(), MailServer::start());
    post(&app, "nobody@example.com");
    server.expect(&[Trouble::Recipient("550 5.1.1 No such person here")]);
    let mailer = mailer(&app, Some(server.settings()));
    assert_eq!(mailer.send_due().unwrap(), 1);
    let (attempts, reason, _, failed) = fate(&app);
    assert!(attempts == 0 && failed.is_some(), "no further attempt comes");
    assert!(is_problem(reason.as_ref(), "rejected", "No such person here"));

    let support = app.support();
    let page = support.get("/support/emails");
    assert_eq!(page.values("tbody [data-status]", "data-status"), ["failed"]);
    assert!(page.says("No such person here"), "{}", page.text());
    assert!(!page.text().contains("secret-42"), "what failed is not shown");
    let answer = support.submit(&page, "form[action$='/retry']", &[]);
    assert_eq!(answer.status, 303);
    assert_eq!(mailer.send_due().unwrap(), 1);
    assert_eq!(server.taken_for("nobody@example.com").len(), 1);
    let noted: i64 = app.within(|conn| {
        audit_log::table.filter(audit_log::action.eq("email.retried")).count().get_result(conn)
    });
    assert_eq!(noted, 1, "the program can see it");
    assert!(support.get("/support/emails").has("tbody [data-status=sent]"));
    let gone = support.post_signed("/support/emails/999999999/retry", &[]);
    assert_eq!(gone.status, 404);
}

#[test]
fn a_server_that_lets_nobody_in_counts_against_no_letter_and_is_left_in_peace_for_a_while() {
    let (app, server) = (TestApp::start(), MailServer::start());
    post(&app, "ada@example.com");
    server.refuse_logins(true);
    let mailer = mailer(&app, Some(server.settings_with_login()));
    assert_eq!(mailer.send_due().unwrap(), 1);
    let (attempts, reason, _, failed) = fate(&app);
    assert_eq!((attempts, failed), (0, None), "it is not the email’s fault");
    assert!(is_problem(reason.as_ref(), "unreachable", "Wrong password"));
    assert_eq!(mailer.send_due().unwrap(), 0, "it pauses");
    server.refuse_logins(false);
    // The process starts again, with other settings.
    let mailer = self::mailer(&app, Some(server.settings()));
    assert_eq!(mailer.resume().unwrap(), 0, "it has its job");
    assert_eq!(mailer.send_due().unwrap(), 1);
    assert_eq!(server.taken().len(), 1);
}

#[test]
fn a_server_without_starttls_hears_neither_the_password_nor_the_letter() {
    let (app, server) = (TestApp::start(), MailServer::start());
    post(&app, "ada@example.com");
    let smtp = Smtp { security: Security::StartTls, ..server.settings_with_login() };
    mailer(&app, Some(smtp.clone())).send_due().unwrap();
    assert!(is_problem(fate(&app).1.as_ref(), "unreachable", "STARTTLS"));
    let heard = server.heard();
    assert!(
        heard.iter().all(|line| !line.starts_with("AUTH") && !line.starts_with("MAIL")),
        "{heard:?}"
    );
    assert!(email::check(&smtp, &app.base).is_err());
    assert!(email::check(&server.settings_with_login(), &app.base).is_ok());
}

#[test]
fn tls_and_starttls_carry_letters_to_a_server_that_can_prove_itself() {
    let app = TestApp::start();
    for security in [Security::Tls, Security::StartTls] {
        let server = MailServer::start_with(security, "127.0.0.1");
        post(&app, "ada@example.com");
        assert_eq!(mailer(&app, Some(server.settings_with_trust())).send_due().unwrap(), 1);
        assert_eq!(server.taken_for("ada@example.com").len(), 1, "{security:?}");
        assert_eq!(server.logins(), ["/vouch/geheim"]);
        assert!(email::check(&server.settings_with_trust(), &app.base).is_ok());
    }
}

#[test]
fn a_server_that_cannot_prove_itself_hears_neither_the_password_nor_the_letter() {
    let app = TestApp::start();
    for security in [Security::Tls, Security::StartTls] {
        // Nobody vouches for the one; the other has somebody else's certificate.
        let unknown = MailServer::start_with(security, "127.0.0.1");
        let other = MailServer::start_with(security, "mail.example.com");
        for (server, smtp) in
            [(&unknown, unknown.settings_with_login()), (&other, other.settings_with_trust())]
        {
            post(&app, "ada@example.com");
            let mailer = mailer(&app, Some(smtp.clone()));
            mailer.resume().unwrap();
            mailer.send_due().unwrap();
            let (attempts, reason, delivered, _) = fate(&app);
            assert!(attempts == 0 && delivered.is_none(), "it is not the email’s fault");
            assert!(is_problem(reason.as_ref(), "unreachable", "certificate"), "{reason:?}");
            assert!(email::check(&smtp, &app.base).unwrap_err().contains("certificate"));
            assert!(server.taken().is_empty() && server.logins().is_empty());
            let heard = server.heard();
            assert!(
                heard
                    .iter()
                    .all(|line| line.starts_with("EHLO") || line == "STARTTLS" || line.is_empty()),
                "{heard:?}"
            );
            in_installation(&app, |conn| diesel::delete(emails::table).execute(conn));
            in_installation(&app, |conn| diesel::delete(jobs::table).execute(conn));
        }
    }
}

#[test]
fn several_workers_send_each_letter_once() {
    let (app, server) = (TestApp::start(), MailServer::start());
    for number in 0..20 {
        post(&app, &format!("person{number}@example.com"));
    }
    server.expect(&[Trouble::Slow(Duration::from_millis(300)); 4]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| mailer(&app, Some(server.settings())).send_due().unwrap());
        }
    });
    let mut recipients: Vec<String> = server.taken().into_iter().map(|email| email.to).collect();
    recipients.sort();
    recipients.dedup();
    assert_eq!((recipients.len(), server.taken().len()), (20, 20));
}

#[test]
fn an_answer_that_was_lost_brings_the_same_message_again() {
    let (app, server) = (TestApp::start(), MailServer::start());
    post(&app, "ada@example.com");
    server.expect(&[Trouble::Taken]);
    let mailer = mailer(&app, Some(server.settings()));
    mailer.send_due().unwrap();
    later(&app);
    mailer.send_due().unwrap();
    let [first, second] = server.taken().try_into().unwrap();
    assert_eq!(first.header("Message-ID"), second.header("Message-ID"));
}

#[test]
fn who_waits_for_a_letter_gets_it_before_a_crowd_that_is_told_something() {
    let (app, server) = (TestApp::start(), MailServer::start());
    for number in 0..3 {
        let to = format!("crowd{number}@example.com");
        app.within(|conn| post_email(conn, &EmailMessage { link: None, ..email_to(&to) }));
    }
    post(&app, "ada@example.com");
    mailer(&app, Some(server.settings())).send_due().unwrap();
    assert_eq!(server.taken()[0].to, "ada@example.com");
}

#[test]
fn without_a_mail_server_emails_wait_and_no_page_shows_a_link_unasked() {
    let app = TestApp::start();
    let support = app.support();
    assert!(support.get("/support/emails").has(".empty"));
    post(&app, "ada@example.com");
    let without = mailer(&app, None);
    assert_eq!(without.send_due().unwrap(), 1, "it goes to the log");
    assert_eq!(without.send_due().unwrap(), 0, "once");
    let page = support.get("/support/emails");
    assert!(page.has("#not-set-up"));
    assert_eq!(page.values("tbody [data-status]", "data-status"), ["waiting"]);
    assert!(page.says("GRUSS") && !page.says("Zeichen"));
    assert!(!page.text().contains("secret-42"), "{}", page.text());
    let shown = support.submit(&page, "form[action$='/disclosure']", &[]);
    assert_eq!(shown.status, 200);
    let link = format!("{}/invitations/secret-42", app.base);
    assert!(shown.one("#email").contains(&link), "{}", shown.text());

    // A mail server comes after all.
    let server = MailServer::start();
    let mailer = mailer(&app, Some(server.settings()));
    assert_eq!(mailer.resume().unwrap(), 1);
    assert_eq!(mailer.send_due().unwrap(), 1);
    assert_eq!(server.taken().len(), 1);
    let page = support.get("/support/emails");
    assert!(!page.text().contains("secret-42") && !page.has("form[action$='/disclosure']"));
}

#[test]
fn a_letter_that_is_too_old_is_not_sent_and_its_words_are_forgotten() {
    let (app, server) = (TestApp::start(), MailServer::start());
    let days_ago = |days: i64| {
        let then = vouch::kit::clock::now() - chrono::Duration::days(days);
        in_installation(&app, |conn| {
            diesel::update(emails::table).set(emails::created_at.eq(then)).execute(conn)
        });
    };
    post(&app, "ada@example.com");
    days_ago(3);
    mailer(&app, Some(server.settings())).send_due().unwrap();
    assert!(server.taken().is_empty());
    assert!(fate(&app).3.is_some());
    sweep(&app.db, vouch::kit::clock::now()).unwrap();
    let (content, link) = stored(&app);
    assert!(link.is_none() && !content.contains("Zeichen"), "{content}");
    days_ago(31);
    let keep = vouch::kit::config::InstanceRetention::default();
    let (now, stop) = (vouch::kit::clock::now(), vouch::kit::supervise::Stop::default());
    vouch::features::privacy::retention::sweep(&app.db, keep, now, &stop).unwrap();
    let left: i64 = in_installation(&app, |conn| emails::table.count().get_result(conn));
    assert_eq!(left, 0);
}

#[test]
fn a_new_key_opens_the_links_that_wait() {
    let (app, server) = (TestApp::start(), MailServer::start());
    post(&app, "ada@example.com");
    let new = Encryptor::new(&Box::new([9; 32]).into());
    in_installation(&app, |conn| reencrypt_links(conn, &encryptor(), &new));
    let mut config = config(&app.base);
    config.smtp = Some(server.settings());
    config.secret_key = Box::new([9; 32]).into();
    Mailer::new(&config, app.db.clone()).send_due().unwrap();
    assert_eq!(server.taken()[0].link(&app.base), "/invitations/secret-42");
}

#[test]
fn an_email_of_any_transaction_goes_out() {
    let (app, server) = (TestApp::start(), MailServer::start());
    let scopes = [
        Scope::Unowned,
        Scope::Person(app.fixture.owner_id),
        Scope::Merchant(app.fixture.merchant_id),
        Scope::Instance,
    ];
    for (number, scope) in scopes.into_iter().enumerate() {
        let mut conn = PgConnection::establish(&app.database_url).unwrap();
        let to = format!("person{number}@example.com");
        in_scope(&mut conn, scope, |conn| post_email(conn, &email_to(&to))).unwrap();
    }
    mailer(&app, Some(server.settings())).send_due().unwrap();
    assert_eq!(server.taken().len(), 4);
}

#[test]
fn the_crowd_of_one_program_holds_up_no_other() {
    let (app, server) = (TestApp::start(), MailServer::start());
    for number in 0..3 {
        post(&app, &format!("crowd{number}@example.com"));
    }
    server.expect(&[Trouble::Slow(Duration::from_secs(2)); 3]);
    let mailer = mailer(&app, Some(server.settings()));
    std::thread::scope(|scope| {
        scope.spawn(|| mailer.send_due().unwrap());
        std::thread::sleep(Duration::from_millis(200));
        in_installation(&app, |conn| post_email(conn, &email_to("ada@example.com")));
        mailer.send_due().unwrap();
        assert!(server.taken_for("ada@example.com").len() == 1 && server.taken().len() < 4);
    });
}

/// An email that a version before stored as text, and one that a version after stored.
#[test]
fn emails_of_other_versions_are_shown_and_only_known_ones_sent() {
    let (app, server) = (TestApp::start(), MailServer::start());
    in_installation(&app, |conn| {
        let earlier = (
            emails::message_id.eq("earlier"),
            emails::recipient.eq("earlier@example.com"),
            emails::subject.eq("Of old"),
            emails::program.eq("Acme Tea"),
            emails::paragraphs.eq(json!(["Good day", "As it was."])),
            emails::link_label.eq("Look here"),
            emails::link_path.eq("/portal"),
            emails::last_error.eq("It was busy"),
        );
        diesel::insert_into(emails::table).values(earlier).execute(conn)?;
        let later = (
            emails::message_id.eq("later"),
            emails::recipient.eq("later@example.com"),
            emails::content.eq(json!({ "code": "not_known_yet", "name": "Nia" })),
            emails::program.eq("Acme Tea"),
        );
        diesel::insert_into(emails::table).values(later).execute(conn)
    });
    let shown = listed(&app);
    assert!(shown[0].contains("not_known_yet") && shown[1] == "Of old", "{shown:?}");
    let page = app.support().get("/support/emails");
    assert!(page.says("It was busy") && page.says("not_known_yet"), "{}", page.text());
    let texts = in_installation(&app, |conn| {
        let ids: Vec<i64> = emails::table.order(emails::id).select(emails::id).load(conn)?;
        ids.into_iter().map(|id| reveal(conn, id, &encryptor(), "")).collect::<Result<Vec<_>, _>>()
    });
    let texts: Vec<Option<String>> = texts.into_iter().map(|found| Some(found?.text)).collect();
    let text = texts[0].as_ref().unwrap();
    assert!(text.starts_with("Good day\n\nAs it was.\n\nLook here:\n/portal\n"), "{text}");
    assert_eq!(texts[1], None);
    let mailer = mailer(&app, Some(server.settings()));
    assert_eq!(mailer.resume().unwrap(), 2);
    mailer.send_due().unwrap();
    let [sent] = server.taken().try_into().unwrap();
    assert_eq!(
        (sent.to.as_str(), sent.header("Subject")),
        ("earlier@example.com", "Of old".into())
    );
    let problems: Vec<Option<Value>> = in_installation(&app, |conn| {
        emails::table.order(emails::id).select(emails::problem).load(conn)
    });
    assert_eq!(problems, [None, Some(json!({ "code": "unknown_content" }))]);
}

#[test]
fn replies_go_to_the_merchant_where_the_text_invites_them() {
    let (app, server) = (TestApp::start(), MailServer::start());
    let invites = |to: &str, invites: bool| {
        let name = "Ada".to_owned();
        let content = match invites {
            true => EmailContent::PayoutDetailsChanged { name },
            false => EmailContent::CodesApproved { name, codes: vec!["TEA".to_owned()] },
        };
        app.within(|conn| post_email(conn, &EmailMessage { link: None, content, ..email_to(to) }));
    };
    let (owner, here) = (app.owner(), "/settings/general");
    invites("before@example.com", true);
    let page = owner.get(here);
    let refused = owner.submit(&page, "form.stack", &[("contact_email", "no address")]);
    assert_eq!((refused.status, refused.value_of("#f-contact_email")), (422, "no address".into()));
    let answer = owner.submit(&page, "form.stack", &[("contact_email", " help@acme.example ")]);
    assert_eq!((answer.status, answer.location()), (303, Some(here)));
    // As a page of an earlier version sends it.
    let version = owner.get(here).value_of("[name=version]");
    let earlier =
        [("name", "Acme, \"Tea\""), ("time_zone", "Europe/Berlin"), ("version", &version)];
    assert_eq!(owner.post_signed(here, &earlier).status, 303);
    assert_eq!(owner.get(here).value_of("#f-contact_email"), "help@acme.example");
    invites("after@example.com", true);
    invites("other@example.com", false);
    mailer(&app, Some(server.settings())).send_due().unwrap();
    let sent = |to: &str| server.taken_for(to).remove(0);
    assert_eq!(sent("after@example.com").header("Reply-To"), "\"Acme Tea\" <help@acme.example>");
    for to in ["before@example.com", "other@example.com"] {
        assert!(!sent(to).data.contains("Reply-To"), "{to}");
    }
    assert_ne!(sent("before@example.com").text(), sent("after@example.com").text());
    let fields = [("contact_email", "")];
    assert_eq!(owner.submit(&owner.get(here), "form.stack", &fields).status, 303);
    assert_eq!(owner.get(here).value_of("#f-contact_email"), "");
}
