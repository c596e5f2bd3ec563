//! An empty installation gets its first program, once.

use diesel::prelude::*;
use vouch::features::auth::{self, Merchant, NewUser};
use vouch::features::first_run::FirstRun;
use vouch::features::merchants::{CreatedMerchant, NewMerchant, Owner, create};
use vouch::kit::audit::ActorKind;
use vouch::kit::db::schema::{audit_log, calculation_rules, merchants, offer_terms, offers};
use vouch::kit::db::{Scope, in_scope};
use vouch_core::money::Currency;

use crate::harness::{PASSWORD, Page, Person, SECRET_KEY, TestApp, two_factor};

fn link() -> String {
    FirstRun::new(&Box::new(SECRET_KEY).into()).path()
}

const GOOD: [(&str, &str); 6] = [
    ("program", "Peggy's Tea & Söhne"),
    ("currency", "EUR"),
    ("time_zone", "Europe/Berlin"),
    ("name", "Peggy Owner"),
    ("email", "peggy@tea.example"),
    ("password", PASSWORD),
];

fn begin(person: &Person, changes: &[(&str, &str)]) -> Page {
    let page = person.get(&link());
    let mut fields = GOOD.to_vec();
    for (name, value) in changes {
        fields.retain(|(known, _)| known != name);
        fields.push((name, value));
    }
    person.submit(&page, "form", &fields)
}

fn in_installation<T, E>(
    app: &TestApp,
    work: impl FnOnce(&mut PgConnection) -> Result<T, E>,
) -> Result<T, E>
where
    E: From<diesel::result::Error>,
{
    let mut conn = PgConnection::establish(&app.database_url).unwrap();
    in_scope(&mut conn, Scope::Instance, work)
}

#[test]
fn an_empty_installation_says_where_to_begin_and_the_link_begins() {
    let app = TestApp::start_empty();
    let person = app.anonymous();
    assert_eq!(person.get("/").location(), Some("/login"));
    let login = person.get("/login");
    assert!(login.has("#no-program"), "{}", login.text());
    assert!(!login.has("input[type=password]"), "nobody can sign in");
    let page = person.get(&link());
    assert_eq!(page.value_of("select[name=currency] option[selected]"), "USD");
    assert_eq!(page.value_of("select[name=time_zone] option[selected]"), "UTC");
    let anonymous_cookie = person.cookie();
    let answer = begin(&person, &[]);
    assert_eq!((answer.status, answer.location()), (303, Some("/dashboard")), "{}", answer.text());
    assert_ne!(person.cookie(), anonymous_cookie);
    let general = person.get("/settings/general");
    let welcome = general.one("[role=status].tone-good");
    assert!(welcome.contains("Peggy's Tea & Söhne"), "{welcome}");
    assert!(general.has("[data-copy='peggys-tea-and-sohne']"));
    assert!(general.says("Peggy Owner Owner"));
    let again = app.anonymous();
    let login = again.get("/login");
    let fields = [("email", "peggy@tea.example"), ("password", PASSWORD)];
    assert_eq!(again.submit(&login, "form", &fields).location(), Some("/dashboard"));
}

#[test]
fn the_link_works_once() {
    let app = TestApp::start_empty();
    let late = app.anonymous();
    let opened = late.get(&link());
    assert_eq!(begin(&app.anonymous(), &[]).status, 303);
    assert_eq!(late.submit(&opened, "form", &GOOD).status, 404, "a page that was open before");
    assert_eq!(late.get(&link()).status, 404);
    assert_eq!(late.get("/first-run/0000").text(), late.get(&link()).text());
    let count: i64 =
        in_installation(&app, |conn| merchants::table.count().get_result(conn)).unwrap();
    assert_eq!(count, 1);
}

#[test]
fn of_two_first_runs_at_once_one_wins() {
    let app = TestApp::start_empty();
    let mut statuses: Vec<u16> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4)
            .map(|number| {
                let person = app.anonymous();
                scope.spawn(move || {
                    begin(&person, &[("email", &format!("owner-{number}@tea.example"))]).status
                })
            })
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 404, 404, 404]);
}

#[test]
fn without_its_token_the_page_does_not_exist() {
    let app = TestApp::start_empty();
    let person = app.anonymous();
    let token = person.get(&link()).value_of("input[name=csrf]");
    let mut fields = GOOD.to_vec();
    fields.push(("csrf", &token));
    let other_key = FirstRun::new(&Box::new([8; 32]).into()).path();
    for path in ["/first-run/x", &other_key, &format!("{}0", link())] {
        assert_eq!(person.get(path).status, 404, "{path}");
        assert_eq!(person.post(path, &fields).status, 404, "{path}");
    }
}

#[test]
fn what_is_wrong_is_said_beside_its_field_and_the_rest_is_kept() {
    let app = TestApp::start_empty();
    let person = app.anonymous();
    let cases = [
        ("program", " "),
        ("program", &"x".repeat(201)),
        ("currency", "???"),
        ("time_zone", "Mars/Olympus"),
        ("name", ""),
        ("email", "not an address"),
        ("password", "short"),
        ("password", "peggypeggy"),
    ];
    for (field, value) in cases {
        let answer = begin(&person, &[(field, value)]);
        assert_eq!(answer.status, 422, "{field} {value}");
        assert!(answer.has(&format!("#f-{field}-error")), "{field} {value}: {}", answer.text());
        assert_eq!(answer.all(".field-error").len(), 1, "{field} {value}");
        if field != "name" {
            assert_eq!(answer.value_of("input[name=name]"), "Peggy Owner");
        }
        assert!(!answer.text().contains(PASSWORD), "a password is never echoed");
    }
    let all = begin(&person, &cases.map(|(field, _)| (field, "")));
    assert_eq!(all.all("#error-summary li").len(), 6, "all at once");
    let count: i64 =
        in_installation(&app, |conn| merchants::table.count().get_result(conn)).unwrap();
    assert_eq!(count, 0);
}

#[test]
fn support_staff_can_sign_in_before_there_is_a_program() {
    let app = TestApp::start_empty();
    let hash = auth::hash(PASSWORD).unwrap();
    in_installation(&app, |conn| {
        let user = NewUser {
            email: "support@vouch.example",
            name: "Sam Support",
            password_hash: Some(&hash),
            is_support: true,
        };
        auth::create_user(conn, &user)?;
        two_factor::give(conn, user.email)?;
        Ok::<_, auth::NewUserError>(())
    })
    .unwrap();
    let support = app.sign_in("support@vouch.example");
    let page = support.get("/support/merchants");
    assert!(page.has(".empty") && !page.has(".empty a"), "{}", page.text());
    assert_eq!(begin(&app.anonymous(), &[]).status, 303, "the link still works");
}

fn new_merchant<'a>(name: &'a str, owner: Owner<'a>) -> NewMerchant<'a> {
    let time_zone = chrono_tz::Tz::UTC;
    NewMerchant { name, currency: Currency::JPY, time_zone, owner }
}

#[test]
fn a_merchant_begins_with_owner_offer_rules_and_a_trace() {
    let app = TestApp::start_empty();
    let now = vouch::kit::clock::now();
    let made: Vec<CreatedMerchant> = in_installation(&app, |conn| {
        let user =
            NewUser { email: "a@b.example", name: "A", password_hash: None, is_support: false };
        let first = create(conn, &new_merchant("Tea House", Owner::New(user)), now).unwrap();
        let owner = || Owner::Existing(first.owner_id);
        let second = create(conn, &new_merchant(" Tea  House ", owner()), now).unwrap();
        let third = create(conn, &new_merchant("Téa-house!", owner()), now).unwrap();
        QueryResult::Ok(vec![first, second, third])
    })
    .unwrap();
    let slugs: Vec<&str> = made.iter().map(|created| created.slug.as_str()).collect();
    assert_eq!(slugs, ["tea-house", "tea-house-2", "tea-house-3"]);
    let first = &made[0];
    app.within_merchant(first.merchant_id, |conn| {
        let merchant = Merchant::find(conn, first.merchant_id)?;
        assert_eq!((merchant.name.as_str(), merchant.currency), ("Tea House", Currency::JPY));
        let offer: (String, bool, Option<i32>, chrono::DateTime<chrono::Utc>) = offers::table
            .inner_join(offer_terms::table.on(offer_terms::offer_id.eq(offers::id)))
            .select((
                offers::name,
                offers::is_default,
                offer_terms::basis_points,
                offer_terms::valid_from,
            ))
            .first(conn)?;
        let epoch = chrono::DateTime::UNIX_EPOCH;
        assert_eq!(offer, ("Standard".to_owned(), true, Some(1000), epoch));
        let since: Vec<chrono::DateTime<chrono::Utc>> =
            calculation_rules::table.select(calculation_rules::valid_from).load(conn)?;
        assert_eq!(since, [epoch]);
        let acts: Vec<(ActorKind, String)> = audit_log::table
            .order(audit_log::id)
            .select((audit_log::actor_kind, audit_log::action))
            .load(conn)?;
        let system = |action: &str| (ActorKind::System, action.to_owned());
        assert_eq!(acts, [system("merchant.created"), system("member.added")]);
        Ok(())
    });
}

#[test]
fn a_taken_address_makes_nothing() {
    let app = TestApp::start();
    let refused = in_installation(&app, |conn| {
        let user = NewUser {
            email: " OWNER@acme.example",
            name: "Again",
            password_hash: None,
            is_support: false,
        };
        let new = new_merchant("Second", Owner::New(user));
        create(conn, &new, vouch::kit::clock::now())
            .map_err(|_| diesel::result::Error::RollbackTransaction)
    });
    assert!(refused.is_err());
    let count: i64 =
        in_installation(&app, |conn| merchants::table.count().get_result(conn)).unwrap();
    assert_eq!(count, 2);
}
