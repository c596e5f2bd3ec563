//! A link works for the address it was sent to and for nothing else, whatever happens in between.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use proptest::prelude::*;
use proptest::test_runner::Config;
use vouch::features::affiliates::{self, AffiliateStatus, NewAffiliate};
use vouch::features::emails::reveal;
use vouch::features::registration::{CodeRequirement, Registration};
use vouch::kit::db::schema::{affiliates as affiliates_table, emails, links, users};
use vouch::kit::db::{Scope, in_scope};
use vouch::kit::email::email_key;

use crate::harness::{PASSWORD, Page, Person, TestApp};
use crate::registration::{encryptor, link_to, open, open_with, send};

const NEW: &str = "umbrella quartz 7 meadow";
const BASE: &str = "https://vouch.example";

fn address(who: usize) -> String {
    format!("person{who}@people.example")
}

/// One thing that someone does.
#[derive(Clone, Debug)]
enum Step {
    InviteMember(usize),
    InviteAffiliate(usize),
    ChangeEmail(usize, usize),
    AskForPassword(usize),
    Apply(usize),
    /// Opens one of the links that were sent so far and goes through with it.
    Open(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..4_usize;
    prop_oneof![
        1 => who.clone().prop_map(Step::InviteMember),
        2 => any::<usize>().prop_map(Step::InviteAffiliate),
        2 => (any::<usize>(), who.clone()).prop_map(|(of, to)| Step::ChangeEmail(of, to)),
        1 => who.clone().prop_map(Step::AskForPassword),
        1 => who.prop_map(Step::Apply),
        4 => any::<usize>().prop_map(Step::Open),
    ]
}

/// A link as it was sent.
#[derive(Debug)]
struct Sent {
    to: String,
    path: String,
    /// Links of one subject replace each other.
    subject: String,
    is_dead: bool,
}

/// Everyone who can sign in: the address, and the hash of the password.
type Users = BTreeMap<String, Option<String>>;

struct World {
    app: TestApp,
    owner: Person,
    sent: Vec<Sent>,
    read: i64,
}

impl World {
    fn new() -> Self {
        let app = TestApp::start();
        open_with(
            &app,
            Registration {
                is_open: true,
                approves_automatically: true,
                code_requirement: CodeRequirement::No,
                ..Registration::default()
            },
        );
        let (actor, offer_id) = (app.actor(), app.fixture.offer_id);
        app.within(|conn| {
            for who in 0..2 {
                let new = NewAffiliate {
                    name: format!("Partner {who}"),
                    email: address(who),
                    status: AffiliateStatus::Active,
                    offer_id,
                    note: String::new(),
                    user_id: None,
                };
                affiliates::create(conn, &actor, &new).unwrap();
            }
            Ok(())
        });
        let owner = app.owner();
        Self { app, owner, sent: Vec::new(), read: 0 }
    }

    fn instance<T>(&self, work: impl FnOnce(&mut PgConnection) -> QueryResult<T>) -> T {
        let mut conn = PgConnection::establish(&self.app.database_url).unwrap();
        in_scope(&mut conn, Scope::Instance, work).unwrap()
    }

    fn users(&self) -> Users {
        self.instance(|conn| {
            users::table.select((users::email_key, users::password_hash)).load(conn)
        })
        .into_iter()
        .collect()
    }

    /// The affiliates of Acme Tea: key and address.
    fn affiliates(&self) -> Vec<(i64, String)> {
        self.app.within(|conn| {
            affiliates_table::table
                .order(affiliates_table::id)
                .select((affiliates_table::id, affiliates_table::email_key))
                .load(conn)
        })
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::InviteMember(who) => {
                let fields = [("email", address(*who)), ("role", "viewer".to_owned())];
                self.owner.post_signed("/settings/team/invitations", &refs(&fields));
            }
            Step::InviteAffiliate(which) => {
                let (id, _) = self.one_affiliate(*which);
                self.owner.post_signed(&format!("/affiliates/{id}/invitation"), &[]);
            }
            Step::ChangeEmail(which, to) => {
                let (id, before) = self.one_affiliate(*which);
                let path = format!("/affiliates/{id}");
                let page = self.owner.get(&path);
                let form = format!("form[action='{path}']");
                let answer = self.owner.submit(&page, &form, &[("email", &address(*to))]);
                if answer.status == 303 && before != address(*to) {
                    self.end(&format!("affiliate {id}"));
                }
            }
            Step::AskForPassword(who) => {
                let person = self.app.anonymous();
                let page = person.get("/password-resets/new");
                send(&person, &page, &[("email", &address(*who))]);
            }
            Step::Apply(who) => {
                let person = self.app.anonymous();
                let page = person.get("/join/acme-tea");
                send(&person, &page, &[("name", "Pat"), ("email", &address(*who))]);
            }
            Step::Open(_) => unreachable!("opened below"),
        }
        self.read_emails();
    }

    fn one_affiliate(&self, which: usize) -> (i64, String) {
        let all = self.affiliates();
        all[which % all.len()].clone()
    }

    fn end(&mut self, subject: &str) {
        self.sent.iter_mut().filter(|sent| sent.subject == subject).for_each(|s| s.is_dead = true);
    }

    fn read_emails(&mut self) {
        let read = self.read;
        let emails = self.instance(|conn| {
            let ids: Vec<i64> = emails::table
                .filter(emails::id.gt(read))
                .order(emails::id)
                .select(emails::id)
                .load(conn)?;
            ids.into_iter()
                .map(|id| Ok(reveal(conn, id, &encryptor(), BASE)?.unwrap()))
                .collect::<QueryResult<Vec<_>>>()
        });
        for email in emails {
            self.read = email.id;
            let Some(at) = email.text.find(&format!("{BASE}/")) else { continue };
            let path = email.text[at + BASE.len()..].split_whitespace().next().unwrap();
            let to = email_key(&email.recipient);
            let subject = if path.starts_with("/join/acme-tea/accounts/") {
                let all = self.affiliates();
                let (id, _) = all.iter().find(|(_, of)| *of == to).unwrap();
                format!("affiliate {id}")
            } else if path.starts_with("/join/acme-tea/confirmations/") {
                path.to_owned()
            } else if path.starts_with("/invitations/") {
                format!("invitation {to}")
            } else if path.starts_with("/password-resets/") && !path.ends_with("/new") {
                format!("password {to}")
            } else {
                continue; // A page that anyone may know of.
            };
            self.end(&subject);
            self.sent.push(Sent { to, path: path.to_owned(), subject, is_dead: false });
        }
    }

    /// Opens a link as a stranger who chooses a password of their own; who was changed by it.
    fn open(&mut self, which: usize) -> Result<(), TestCaseError> {
        if self.sent.is_empty() {
            return Ok(());
        }
        let which = which % self.sent.len();
        let (path, to) = (self.sent[which].path.clone(), self.sent[which].to.clone());
        let before = self.users();
        let person = self.app.anonymous();
        let page = person.get(&path);
        if page.status == 200 && page.has("form[method=post]") {
            let answer = go_on(&person, &page);
            let done = answer.status == 303;
            prop_assert!(!(done && self.sent[which].is_dead), "a dead link did something: {path}");
        }
        let after = self.users();
        for key in before.keys().chain(after.keys()) {
            if before.get(key) != after.get(key) {
                prop_assert_eq!(key, &to, "the link was sent elsewhere");
                prop_assert!(!self.sent[which].is_dead);
            }
        }
        if before != after {
            self.sent[which].is_dead = true;
        }
        self.read_emails();
        Ok(())
    }
}

fn refs<'a>(fields: &'a [(&'a str, String)]) -> Vec<(&'a str, &'a str)> {
    fields.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// Sends the form behind a link, whatever it asks for.
fn go_on(person: &Person, page: &Page) -> Page {
    let mut fields = Vec::new();
    for (css, name, value) in [
        ("input[name=name]", "name", "Someone"),
        ("input[name=password]", "password", NEW),
        ("input[name=new]", "new", NEW),
    ] {
        if page.has(css) {
            fields.push((name, value));
        }
    }
    send(person, page, &fields)
}

proptest! {
    #![proptest_config(Config { cases: 16, max_shrink_iters: 64, ..Config::default() })]

    /// No user row appears for an address that didn't receive the token, and no password changes by a
    /// link that was sent elsewhere.
    #[test]
    fn an_account_is_only_ever_made_for_the_address_that_received_the_link(
        steps in prop::collection::vec(step(), 6..24),
    ) {
        let mut world = World::new();
        for step in &steps {
            if let Step::Open(which) = step {
                world.open(*which)?;
                continue;
            }
            let before = world.users();
            world.take(step);
            prop_assert_eq!(before, world.users(), "only a link makes or changes a user: {:?}", step);
        }
    }
}

fn invite_ben(app: &TestApp) -> String {
    let path = format!("/affiliates/{}/invitation", app.fixture.ben_id);
    assert_eq!(app.owner().post_signed(&path, &[]).status, 303);
    link_to(app, "ben@affiliates.example")
}

fn change_ben(app: &TestApp, email: &str) {
    let owner = app.owner();
    let path = format!("/affiliates/{}", app.fixture.ben_id);
    let form = format!("form[action='{path}']");
    assert_eq!(owner.submit(&owner.get(&path), &form, &[("email", email)]).status, 303);
}

fn accounts_of(app: &TestApp, email: &str) -> i64 {
    app.within(|conn| users::table.filter(users::email_key.eq(email)).count().get_result(conn))
}

#[test]
fn a_portal_invitation_takes_over_nobody_elses_account() {
    let app = TestApp::start();
    let old = invite_ben(&app);
    let thief = app.anonymous();
    let opened = thief.get(&old);
    assert_eq!(opened.status, 200);
    change_ben(&app, "victim@elsewhere.example");
    assert_eq!(thief.get(&old).status, 410);
    // The page was open before.
    assert_eq!(send(&thief, &opened, &[("password", NEW)]).status, 410);
    assert_eq!(accounts_of(&app, "victim@elsewhere.example"), 0);
    // Not even once the address is what it was.
    change_ben(&app, "ben@affiliates.example");
    assert_eq!(thief.get(&old).status, 410);
    assert_eq!(send(&thief, &opened, &[("password", NEW)]).status, 410);
    assert_eq!(accounts_of(&app, "ben@affiliates.example"), 0);
    let fresh = invite_ben(&app);
    let ben = app.anonymous();
    assert_eq!(send(&ben, &ben.get(&fresh), &[("password", NEW)]).status, 303);
    assert_eq!(accounts_of(&app, "ben@affiliates.example"), 1);
}

#[test]
fn a_portal_invitation_adds_no_place_to_an_account_it_was_not_sent_to() {
    let app = TestApp::start();
    let old = invite_ben(&app);
    change_ben(&app, "viewer@acme.example");
    let thief = app.anonymous();
    assert_eq!(thief.get(&old).status, 410);
    let user_id: Option<i64> = app.within(|conn| {
        affiliates_table::table
            .filter(affiliates_table::id.eq(app.fixture.ben_id))
            .select(affiliates_table::user_id)
            .first(conn)
    });
    assert_eq!(user_id, None);
    app.sign_in("viewer@acme.example");
}

#[test]
fn a_link_of_a_user_whose_address_changed_is_dead() {
    let app = TestApp::start();
    let person = app.anonymous();
    let page = person.get("/password-resets/new");
    send(&person, &page, &[("email", "viewer@acme.example")]);
    let path = link_to(&app, "viewer@acme.example");
    app.within(|conn| {
        diesel::update(users::table.filter(users::email_key.eq("viewer@acme.example")))
            .set((users::email.eq("vera@new.example"), users::email_key.eq("vera@new.example")))
            .execute(conn)
    });
    assert_eq!(person.get(&path).status, 404);
    assert_eq!(person.post_signed(&path, &[("new", NEW)]).status, 404);
    let signed_in = app.anonymous();
    let fields = [("email", "vera@new.example"), ("password", PASSWORD)];
    assert_eq!(signed_in.submit(&signed_in.get("/login"), "form", &fields).status, 303);
}

#[test]
fn a_changed_password_ends_the_link_in_the_mailbox() {
    let app = TestApp::start();
    let viewer = app.viewer();
    let person = app.anonymous();
    let page = person.get("/password-resets/new");
    send(&person, &page, &[("email", "viewer@acme.example")]);
    let path = link_to(&app, "viewer@acme.example");
    let page = viewer.get("/account/password");
    let fields = [("current", PASSWORD), ("new", NEW)];
    assert_eq!(viewer.submit(&page, "form[action$=password]", &fields).status, 303);
    assert_eq!(person.get(&path).status, 404);
}

#[test]
fn an_invitation_link_is_for_its_own_merchant_and_purpose() {
    let app = TestApp::start();
    open(&app);
    let path = invite_ben(&app);
    let token = path.rsplit('/').next().unwrap();
    let person = app.anonymous();
    assert_eq!(person.get(&format!("/join/borealis-books/accounts/{token}")).status, 410);
    assert_eq!(person.get(&format!("/join/acme-tea/confirmations/{token}")).status, 410);
    assert_eq!(person.get(&format!("/invitations/{token}")).status, 404);
    assert_eq!(person.get(&format!("/password-resets/{token}")).status, 404);
    assert_eq!(person.get(&path).status, 200);
}

#[test]
fn only_hashes_of_links_are_stored_and_each_lives_as_short_as_its_purpose() {
    let app = TestApp::start();
    let path = invite_ben(&app);
    let token = path.rsplit('/').next().unwrap().to_owned();
    let (hash, lifetime): (Vec<u8>, chrono::Duration) = app.within(|conn| {
        let (hash, made, ends): (Vec<u8>, DateTime<Utc>, DateTime<Utc>) = links::table
            .select((links::token_hash, links::created_at, links::expires_at))
            .first(conn)?;
        Ok((hash, ends - made))
    });
    assert_ne!(hash, token.as_bytes());
    assert_eq!(lifetime, chrono::Duration::days(7));
    let dump: String = app.within(|conn| {
        diesel::dsl::sql::<diesel::sql_types::Text>(
            "select string_agg(to_jsonb(l)::text, ' ') from links l",
        )
        .get_result(conn)
    });
    assert!(!dump.contains(&token), "{dump}");
    // A link that is past its time is dead.
    app.within(|conn| {
        let sent = vouch::kit::clock::now() - chrono::Duration::days(8);
        diesel::update(links::table)
            .set((
                links::created_at.eq(sent),
                links::expires_at.eq(sent + chrono::Duration::days(7)),
            ))
            .execute(conn)
    });
    assert_eq!(app.anonymous().get(&path).status, 410);
}

#[test]
fn an_application_from_a_known_address_takes_the_same_steps_and_leaves_nothing() {
    let app = TestApp::start();
    open(&app);
    let numbered = || {
        let last = "(select coalesce(last_value, 0) from pg_sequences \
                    where sequencename = 'applications_id_seq')";
        diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(last))
            .get_result::<i64>(&mut app.as_owner())
            .unwrap()
    };
    let (before, known) = (numbered(), "ada@affiliates.example");
    assert_eq!(crate::registration::apply(&app, "Ada", known, "ADA77").status, 303);
    assert!(numbered() > before, "it was stored, and taken back");
    let left: i64 = app.within(|conn| {
        use vouch::kit::db::schema::applications;
        applications::table.count().get_result(conn)
    });
    let sent: i64 = app.within(|conn| links::table.count().get_result(conn));
    assert_eq!((left, sent), (0, 0));
    assert!(!crate::registration::emails_to(&app, known).is_empty());
}
