//! What is created while access ends: it is ended with it, or refused. One of the two waits for the
//! other, whichever comes first.

use std::time::Duration;

use diesel::prelude::*;
use vouch::features::accounts::{self, AccessChange};
use vouch::features::api::keys::{self, ApiScope, NewKey};
use vouch::features::team;
use vouch::kit::db::schema::{affiliates, api_keys, invitations, links, merchants, users};
use vouch::kit::db::{Scope, in_scope};

use super::ends::{everything, list_triggers, user_id};
use crate::api::new_key;
use crate::harness::fixture::Fixture;
use crate::harness::{Page, Person, TestApp};
use crate::registration::{apply, encryptor, link_to, open};

const IVY: &str = "ivy@acme.example";
const NEW: &str = "umbrella quartz 7 meadow";
/// Long enough for a request to come to its lock.
const A_MOMENT: Duration = Duration::from_millis(400);

/// What ends access.
type Ending = fn(&Fixture, &mut PgConnection) -> QueryResult<()>;

fn by() -> AccessChange {
    AccessChange::command_line("", vouch::kit::clock::now())
}

/// Sends a request while `ending` has ended access and not yet committed.
fn beside(
    app: &TestApp,
    ending: impl FnOnce(&mut PgConnection) -> QueryResult<()>,
    request: impl FnOnce() -> Page + Send,
) -> Page {
    std::thread::scope(|scope| {
        let running = everything(app, |conn| {
            ending(conn)?;
            let running = scope.spawn(request);
            std::thread::sleep(A_MOMENT);
            Ok(running)
        });
        running.join().unwrap()
    })
}

fn close(known: &Fixture, conn: &mut PgConnection) -> QueryResult<()> {
    accounts::close(conn, &by(), known.merchant_id).map(drop)
}

fn disable_owner(known: &Fixture, conn: &mut PgConnection) -> QueryResult<()> {
    accounts::disable(conn, &by(), known.owner_id).map(drop)
}

fn reopen(app: &TestApp) {
    everything(app, |conn| {
        accounts::reopen(conn, &by(), app.fixture.merchant_id)?;
        accounts::enable(conn, &by(), app.fixture.owner_id)
    });
}

/// How many keys, links and invitations work.
fn alive(app: &TestApp) -> (i64, i64, i64) {
    everything(app, |conn| {
        let keys = api_keys::table.filter(api_keys::revoked_at.is_null());
        let links = links::table.filter(links::ended_at.is_null());
        let open = invitations::table
            .filter(invitations::accepted_at.is_null())
            .filter(invitations::withdrawn_at.is_null());
        Ok((
            keys.count().get_result(conn)?,
            links.count().get_result(conn)?,
            open.count().get_result(conn)?,
        ))
    })
}

fn make_key(owner: &Person, token: &str) -> Page {
    let fields = [("csrf", token), ("name", "Till"), ("scopes", "read"), ("expires_in", "")];
    owner.post("/settings/api/keys", &fields)
}

/// Another owner, so that the first can go.
fn second_owner(app: &TestApp) -> Person {
    let admin = user_id(app, "admin@acme.example");
    let path = format!("/settings/team/members/{admin}/role");
    assert_eq!(app.owner().post_signed(&path, &[("role", "owner")]).status, 303);
    app.admin()
}

#[test]
fn no_key_is_made_beside_a_close_or_a_disabling() {
    for ending in [close, disable_owner as Ending] {
        let app = TestApp::start();
        let owner = app.owner();
        let token = owner.token();
        let answer =
            beside(&app, |conn| ending(&app.fixture, conn), move || make_key(&owner, &token));
        assert_ne!(answer.status, 200, "{}", answer.text());
        reopen(&app);
        assert_eq!(alive(&app).0, 0);
    }
}

#[test]
fn a_key_that_is_being_made_is_revoked_by_what_ends_access_after_it() {
    for ending in [close, disable_owner as Ending] {
        let app = TestApp::start();
        let (actor, known, url) = (app.actor(), app.fixture.clone(), app.database_url.clone());
        let new = NewKey { name: "Till".into(), scopes: vec![ApiScope::Read], expires_at: None };
        std::thread::scope(|threads| {
            app.within(|conn| {
                keys::create(conn, &actor, &new)?;
                threads.spawn(|| {
                    let mut conn = PgConnection::establish(&url).unwrap();
                    in_scope(&mut conn, Scope::Instance, |conn| ending(&known, conn)).unwrap();
                });
                std::thread::sleep(A_MOMENT);
                Ok(())
            });
        });
        assert_eq!(alive(&app).0, 0);
    }
}

#[test]
fn a_key_asks_for_its_merchant_and_its_creator_with_every_request() {
    let app = TestApp::start();
    let key = new_key(&app);
    assert_eq!(list_triggers(&app, &key), 200);
    let now = vouch::kit::clock::now();
    everything(&app, |conn| {
        diesel::update(merchants::table.find(app.fixture.merchant_id))
            .set(merchants::closed_at.eq(now))
            .execute(conn)
    });
    assert_eq!(list_triggers(&app, &key), 401, "closed, however the key was missed");
    everything(&app, |conn| {
        diesel::update(merchants::table)
            .set(merchants::closed_at.eq(None::<chrono::DateTime<chrono::Utc>>))
            .execute(conn)?;
        diesel::update(users::table.find(app.fixture.owner_id))
            .set(users::disabled_at.eq(now))
            .execute(conn)
    });
    assert_eq!(list_triggers(&app, &key), 401, "its creator is disabled");
}

#[test]
fn no_invitation_is_sent_beside_a_close_a_disabling_or_a_removal() {
    let invite = |owner: Person, token: String| {
        move || {
            let fields = [("csrf", token.as_str()), ("email", IVY), ("role", "owner")];
            owner.post("/settings/team/invitations", &fields)
        }
    };
    for ending in 0..3 {
        let app = TestApp::start();
        let second = second_owner(&app);
        let owner = app.owner();
        let token = owner.token();
        let actor = vouch::kit::audit::Actor {
            user_id: Some(user_id(&app, "admin@acme.example")),
            ..app.actor()
        };
        let end = |conn: &mut PgConnection| match ending {
            0 => close(&app.fixture, conn),
            1 => disable_owner(&app.fixture, conn),
            _ => team::remove(conn, &actor, app.fixture.owner_id).map(drop).map_err(|error| {
                panic!("{error}");
            }),
        };
        let answer = beside(&app, end, invite(owner, token));
        assert_ne!(answer.location(), Some("/settings/team"), "{ending}: {}", answer.text());
        reopen(&app);
        let (_, links, open) = alive(&app);
        assert_eq!((links, open), (0, 0), "{ending}");
        drop(second);
    }
}

#[test]
fn no_portal_link_account_or_application_slips_past_a_close() {
    let app = TestApp::start();
    open(&app);
    let (admin, ben) = (app.admin(), app.fixture.ben_id);
    let (path, token) = (format!("/affiliates/{ben}/invitation"), admin.token());
    let answer = beside(
        &app,
        |conn| close(&app.fixture, conn),
        move || admin.post(&path, &[("csrf", &token)]),
    );
    assert_ne!(answer.status, 200);
    reopen(&app);
    assert_eq!(alive(&app).1, 0, "no link was sent");

    // Links that work, used while the program closes.
    for is_portal in [true, false] {
        let (link, fields) = if is_portal {
            app.admin().post_signed(&format!("/affiliates/{ben}/invitation"), &[]);
            (link_to(&app, "ben@affiliates.example"), vec![("password", NEW)])
        } else {
            assert_eq!(apply(&app, "Cleo", "cleo@people.example", "CLEO10").status, 303);
            (link_to(&app, "cleo@people.example"), vec![])
        };
        let person = app.anonymous();
        assert_eq!(person.get(&link).status, 200, "{link}");
        let token = person.token();
        let request = move || {
            let mut all = vec![("csrf", token.as_str())];
            all.extend(fields);
            person.post(&link, &all)
        };
        let answer = beside(&app, |conn| close(&app.fixture, conn), request);
        assert_ne!(answer.status, 303, "{}", answer.text());
        reopen(&app);
    }
    let account: Option<i64> = app.within(|conn| {
        affiliates::table.filter(affiliates::id.eq(ben)).select(affiliates::user_id).first(conn)
    });
    assert_eq!(account, None);
    let cleo: i64 = app.within(|conn| {
        affiliates::table
            .filter(affiliates::email_key.eq("cleo@people.example"))
            .count()
            .get_result(conn)
    });
    assert_eq!(cleo, 0);
}

#[test]
fn an_invitation_ends_with_its_senders_rights_and_for_good() {
    for ending in ["disabled", "removed", "demoted", "left"] {
        let app = TestApp::start();
        let (second, owner, id) = (second_owner(&app), app.owner(), app.fixture.owner_id);
        let fields = [("email", IVY), ("role", "owner")];
        assert_eq!(owner.post_signed("/settings/team/invitations", &fields).status, 303);
        let link = link_to(&app, IVY);
        assert_eq!(app.anonymous().get(&link).status, 200);
        let member = format!("/settings/team/members/{id}");
        match ending {
            "disabled" => everything(&app, |conn| disable_owner(&app.fixture, conn)),
            "removed" => drop(second.post_signed(&format!("{member}/removal"), &[])),
            "demoted" => {
                drop(second.post_signed(&format!("{member}/role"), &[("role", "admin")]));
            }
            _ => drop(owner.post_signed("/settings/team/departure", &[])),
        }
        let ivy = app.anonymous();
        assert_eq!(ivy.get(&link).status, 404, "{ending}");
        let joined = ivy.post_signed(&link, &[("name", "Ivy"), ("password", NEW)]);
        assert_eq!(joined.status, 404, "{ending}");
        assert_eq!(alive(&app).2, 0, "{ending}: withdrawn");
        assert!(!second.get("/settings/team").has("form[action$='/sending']"), "{ending}");
        // It doesn't come back with the rights.
        everything(&app, |conn| {
            accounts::enable(conn, &by(), id)?;
            diesel::sql_query(format!(
                "insert into members (merchant_id, user_id, role) values ({}, {id}, 'owner') \
                 on conflict (merchant_id, user_id) do update set role = 'owner'",
                app.fixture.merchant_id
            ))
            .execute(conn)
        });
        assert_eq!(app.anonymous().get(&link).status, 404, "{ending}");
    }
}

#[test]
fn accepting_asks_whether_the_sender_may_still_invite() {
    let app = TestApp::start();
    let fields = [("email", IVY), ("role", "owner")];
    assert_eq!(app.owner().post_signed("/settings/team/invitations", &fields).status, 303);
    let link = link_to(&app, IVY);
    // As a change that missed the invitation would leave it.
    everything(&app, |conn| {
        diesel::sql_query(format!(
            "update members set role = 'admin' where user_id = {}",
            app.fixture.owner_id
        ))
        .execute(conn)
    });
    let ivy = app.anonymous();
    assert_eq!(ivy.get(&link).status, 404);
    let joined = ivy.post_signed(&link, &[("name", "Ivy"), ("password", NEW)]);
    assert_eq!(joined.status, 404);
    let accepted = everything(&app, |conn| {
        let token = link.rsplit('/').next().unwrap();
        let joining = team::Joining::New { name: "Ivy", password_hash: "x" };
        let now = vouch::kit::clock::now();
        Ok(team::accept(conn, app.fixture.merchant_id, token, &joining, None, now).unwrap())
    });
    assert_eq!(accepted, None);
}

#[test]
fn links_that_a_close_ended_stay_dead_after_reopening() {
    let app = TestApp::start();
    open(&app);
    let fields = [("email", IVY), ("role", "viewer")];
    assert_eq!(app.owner().post_signed("/settings/team/invitations", &fields).status, 303);
    let ben = format!("/affiliates/{}/invitation", app.fixture.ben_id);
    assert_eq!(app.owner().post_signed(&ben, &[]).status, 303);
    assert_eq!(apply(&app, "Cleo", "cleo@people.example", "CLEO10").status, 303);
    let paths =
        [IVY, "ben@affiliates.example", "cleo@people.example"].map(|email| link_to(&app, email));
    for path in &paths {
        assert_eq!(app.anonymous().get(path).status, 200, "{path}");
    }
    everything(&app, |conn| close(&app.fixture, conn));
    reopen(&app);
    for path in &paths {
        let status = app.anonymous().get(path).status;
        assert!(status == 404 || status == 410, "{path}: {status}");
    }
    assert_eq!(alive(&app), (0, 0, 1), "the invitation can be sent again");
}

#[test]
fn a_portal_link_stays_dead_when_a_denied_affiliate_is_active_again() {
    let app = TestApp::start();
    let owner = app.owner();
    let path = format!("/affiliates/{}", app.fixture.ben_id);
    assert_eq!(owner.post_signed(&format!("{path}/invitation"), &[]).status, 303);
    let link = link_to(&app, "ben@affiliates.example");
    for status in ["denied", "active"] {
        let answer = owner.post_signed(&format!("{path}/status"), &[("status", status)]);
        assert_eq!(answer.status, 303);
        assert_eq!(app.anonymous().get(&link).status, 410, "{status}");
    }
}

#[test]
fn support_sends_no_link_of_a_closed_merchant() {
    let app = TestApp::start();
    let fields = [("email", IVY), ("role", "viewer")];
    assert_eq!(app.owner().post_signed("/settings/team/invitations", &fields).status, 303);
    let id: i64 = app.within(|conn| invitations::table.select(invitations::id).first(conn));
    everything(&app, |conn| close(&app.fixture, conn));
    let (support, path) =
        (app.support(), format!("/support/merchants/{}", app.fixture.merchant_id));
    assert!(!support.get(&path).has("form[action$='/sending']"), "nothing to press");
    let sent: i64 = everything(&app, |conn| links::table.count().get_result(conn));
    let answer = support.post_signed(&format!("{path}/invitations/{id}/sending"), &[]);
    assert_eq!(answer.status, 422);
    assert!(answer.has("#error-summary"));
    assert_eq!(everything(&app, |conn| links::table.count().get_result::<i64>(conn)), sent);
    // Nor does the function that every sender uses.
    let refused: QueryResult<String> = {
        let mut conn = PgConnection::establish(&app.database_url).unwrap();
        in_scope(&mut conn, Scope::Merchant(app.fixture.merchant_id), |conn| {
            team::resend(conn, &app.actor(), &encryptor(), id)
        })
    };
    assert_eq!(refused, Err(diesel::result::Error::NotFound));
}
