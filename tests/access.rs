//! Who may reach what: every route of the application, with every test_role.

use std::collections::BTreeMap;

use chrono::{TimeZone, Utc};
use diesel::prelude::*;
use vouch::app::routes::TABLE;
use vouch::features::auth::{self, Access, NewUser, Route};
use vouch::features::exclusions::{self, Dates, ExclusionScope, NewExclusion, Pattern};
use vouch::features::first_run::FirstRun;
use vouch::kit::db::schema::{
    api_keys, audit_log, conversions, data_requests, deliveries, emails, invitations, jobs, orders,
    pushes,
};
use vouch::kit::jobs::{JobKind, Queue, enqueue};
use vouch::kit::session::Role;
use vouch_core::platform::Platform;
use vouch_platforms::PROVIDERS;

use crate::harness::shopify::ShopifyOrder;
use crate::harness::{Page, Person, SECRET_KEY, TestApp};

/// Rows that answer 404 to a form without fields, to those who may send it: what it names does not
/// exist.
const NEED_FIELDS: &[(&str, &str)] = &[
    ("POST", "/programs"),
    ("POST", "/places"),
    ("POST", "/account/sessions/{session_id}/removal"),
    ("POST", "/portal/settings/sessions/{session_id}/removal"),
    // Only emails that wait are shown.
    ("POST", "/support/emails/{email_id}/disclosure"),
    ("POST", "/support/mail/{email_id}/disclosure"),
    // Only jobs of a kind that failed are retried.
    ("POST", "/support/jobs/retries"),
    ("POST", "/affiliates/reversals"),
    ("POST", "/affiliates/code-requests/reversals"),
    ("POST", "/affiliates/{affiliate_id}/manual-credit/orders"),
    ("POST", "/orders/{order_id}/manual-credit/removal"),
];

/// What a form has to say before it is asked whose thing it is about.
const FIELDS: &[(&str, (&str, &str))] = &[
    ("/affiliates/{affiliate_id}/status", ("status", "active")),
    ("/settings/team/members/{member_id}/role", ("role", "admin")),
];

/// What ends something that other rows need, from the first to the last.
pub(crate) const ENDS: &[&str] = &[
    "/settings/{platform}/{store_id}/disconnection",
    "/settings/team/members/{member_id}/removal",
    "/settings/team/departure",
];

/// The form that only BigCommerce has on a page of its own.
const OF_BIGCOMMERCE: &str = "/settings/{platform}/credentials";

/// What only Shopify's stores have.
const OF_SHOPIFY: &[&str] = &["/secret", "/previous-secret/removal", "/cancellations"];

/// A path of the table for each platform that has it, where it's for any.
pub(crate) fn patterns(path: &str) -> Vec<String> {
    if !path.contains("{platform}") {
        return vec![path.to_owned()];
    }
    let is_of_shopify = OF_SHOPIFY.iter().any(|end| path.ends_with(end));
    PROVIDERS
        .iter()
        .map(|provider| provider.platform())
        .filter(|platform| *platform == Platform::Shopify || !is_of_shopify)
        .filter(|platform| *platform == Platform::Bigcommerce || path != OF_BIGCOMMERCE)
        .map(|platform| path.replace("{platform}", platform.as_str()))
        .collect()
}

/// A parameter of a path: what exists with Acme Tea, and what exists nowhere.
pub(crate) struct Example {
    pub exists: String,
    pub missing: String,
}

fn example(exists: impl ToString, missing: impl ToString) -> Example {
    Example { exists: exists.to_string(), missing: missing.to_string() }
}

/// One example for every parameter that stands in a path of the table, or for the one parameter of
/// all paths with that beginning. Acme Tea has them all.
pub(crate) fn examples(app: &TestApp) -> BTreeMap<&'static str, Example> {
    const NOWHERE: i64 = 999_999_999;
    let known = &app.fixture;
    let placed_at = Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap();
    let order = ShopifyOrder::new(4711, placed_at).code("ADA10", "10.00");
    assert_eq!(app.shopify("orders/create", &order.0).status, 200);
    let unreadable = serde_json::json!({ "id": "no order at all" });
    assert_eq!(app.shopify("orders/create", &unreadable).status, 200);
    let (order_id, conversion_id, delivery_id): (i64, i64, i64) = app.within(|conn| {
        Ok((
            orders::table.select(orders::id).first(conn)?,
            conversions::table.select(conversions::id).first(conn)?,
            deliveries::table
                .filter(deliveries::outcome.eq("failed"))
                .select(deliveries::id)
                .first(conn)?,
        ))
    });
    let ids = conversion_id.to_string();
    let change = [("ids", ids.as_str()), ("status", "approved")];
    assert_eq!(app.owner().post_signed("/conversions/statuses", &change).status, 303);
    let change_id: i64 = app.within(|conn| {
        audit_log::table
            .filter(audit_log::action.like("conversion.%"))
            .order(audit_log::id.desc())
            .select(audit_log::id)
            .first(conn)
    });
    let key_id: i64 = app.within(|conn| {
        let scopes = vouch::features::api::keys::ApiScope::ALL.to_vec();
        let new = vouch::features::api::keys::NewKey {
            name: "Tests".to_owned(),
            scopes,
            expires_at: None,
        };
        vouch::features::api::keys::create(conn, &app.actor(), &new)?;
        api_keys::table.select(api_keys::id).first(conn)
    });
    let push_id: i64 = app.within(|conn| {
        diesel::insert_into(pushes::table)
            .values((
                pushes::merchant_id.eq(known.merchant_id),
                pushes::trigger_id.eq(known.ada10_id),
                pushes::store_id.eq(known.store_id),
                pushes::status.eq("failed"),
                pushes::created_at.eq(placed_at),
            ))
            .returning(pushes::id)
            .get_result(conn)
    });
    let first_run = FirstRun::new(&Box::new(SECRET_KEY).into());
    let token = first_run.path().trim_start_matches("/first-run/").to_owned();
    let missing_key = format!("{}-{}", known.merchant_id, "a".repeat(24));
    for merchant_id in [known.merchant_id, known.stranger_merchant_id] {
        app.enable_exclusions(merchant_id);
    }
    let (exclusion_id, user_id) = app.within(|conn| {
        let new = NewExclusion {
            pattern: Pattern::parse("SAVE*").unwrap(),
            note: String::new(),
            scope: ExclusionScope::Claims,
            dates: Dates::default(),
        };
        let user = NewUser {
            email: "quiet@acme.example",
            name: "Quinn Quiet",
            password_hash: None,
            is_support: false,
        };
        let user_id = auth::create_user(conn, &user).unwrap();
        auth::join(conn, &app.actor(), user_id, Role::Viewer)?;
        Ok((exclusions::add(conn, &app.actor(), &new).unwrap().id, user_id))
    });
    let woocommerce = app.connect_woocommerce("shop.acme.example");
    // Nobody answers there.
    let bigcommerce = crate::bigcommerce::connect(app, "http://127.0.0.1:9");
    BTreeMap::from([
        ("/hooks/bigcommerce/", example(&bigcommerce.store_key, &missing_key)),
        ("/settings/bigcommerce/", example(bigcommerce.id, NOWHERE)),
        ("/hooks/woocommerce/", example(&woocommerce.store_key, &missing_key)),
        ("/settings/woocommerce/", example(woocommerce.id, NOWHERE)),
        ("invitation_id", example(invitation_id(app), NOWHERE)),
        ("invitation_token", example("1-made-up", "2-made-up")),
        ("request_id", example(request_id(app), NOWHERE)),
        ("data_request_id", example(data_request_id(app), NOWHERE)),
        ("member_id", example(member_id(app), NOWHERE)),
        ("session_id", example("made-up", "made-up")),
        ("email_id", example(email_id(app), NOWHERE)),
        // The former path, whose email was not retried by the other one.
        ("/support/mail/", example(email_id(app), NOWHERE)),
        ("job_id", example(job_id(app), NOWHERE)),
        ("affiliate_id", example(known.ada_id, NOWHERE)),
        ("trigger_id", example(known.ada10_id, NOWHERE)),
        ("offer_id", example(known.offer_id, NOWHERE)),
        ("store_id", example(known.store_id, NOWHERE)),
        ("platform", example("shopify", "nowhere")),
        ("order_id", example(order_id, NOWHERE)),
        ("conversion_id", example(conversion_id, NOWHERE)),
        ("delivery_id", example(delivery_id, NOWHERE)),
        ("change_id", example(change_id, NOWHERE)),
        ("key_id", example(key_id, NOWHERE)),
        ("push_id", example(push_id, NOWHERE)),
        ("exclusion_id", example(exclusion_id, NOWHERE)),
        ("import_id", example(import_id(app), NOWHERE)),
        ("merchant_id", example(known.merchant_id, NOWHERE)),
        ("user_id", example(user_id, NOWHERE)),
        ("store_key", example(&known.store_key, missing_key)),
        ("token", example(token, "0000")),
        ("program", example("acme-tea", "nobody")),
        ("path:.*", example("nothing.css", "nothing.js")),
    ])
}

/// An open invitation.
fn invitation_id(app: &TestApp) -> i64 {
    let encryptor = vouch::kit::secrets::Encryptor::new(&Box::new(SECRET_KEY).into());
    app.within(|conn| {
        vouch::features::team::invite(
            conn,
            &app.actor(),
            &encryptor,
            "new@acme.example",
            Role::Viewer,
        )
        .unwrap();
        invitations::table.select(invitations::id).first(conn)
    })
}

/// A further code that Ada asks for.
fn request_id(app: &TestApp) -> i64 {
    let actor = app.actor();
    let asked = app.within(|conn| {
        vouch::features::code_requests::ask(conn, &actor, app.fixture.ada_id, "ADA-FURTHER")
    });
    match asked {
        vouch::features::code_requests::RequestOutcome::Waits(request) => request.id,
        other => panic!("{other:?}"),
    }
}

/// A customer who asks their store for their data.
fn data_request_id(app: &TestApp) -> i64 {
    let body =
        serde_json::json!({ "data_request": { "id": 1 }, "customer": { "email": "c@x.example" } });
    assert_eq!(app.shopify("customers/data_request", &body).status, 200);
    app.within(|conn| data_requests::table.select(data_requests::id).first(conn))
}

/// A file that waits to be looked at.
fn import_id(app: &TestApp) -> i64 {
    let file =
        vouch::features::imports::read(b"Affiliate,Code\nben@affiliates.example,BEN10\n").unwrap();
    app.within(|conn| vouch::features::imports::open(conn, &app.actor(), "codes.csv", &file))
}

/// A member who does nothing else here.
fn member_id(app: &TestApp) -> i64 {
    app.within(|conn| {
        let new = vouch::features::auth::NewUser {
            email: "extra@acme.example",
            name: "Eve Extra",
            password_hash: None,
            is_support: false,
        };
        let id = vouch::features::auth::create_user(conn, &new).unwrap();
        vouch::features::auth::join(conn, &app.actor(), id, Role::Viewer).map(|()| id)
    })
}

/// A job that failed for good.
fn job_id(app: &TestApp) -> i64 {
    let wait = chrono::Duration::hours(1);
    let kind = JobKind {
        name: "refunds",
        first_wait: wait,
        max_wait: wait,
        max_attempts: 1,
        is_of_instance: false,
    };
    let queue = Queue::of_store(app.fixture.merchant_id, app.fixture.store_id, kind);
    app.within(|conn| {
        enqueue(conn, &queue, &["0"], vouch::kit::clock::now())?;
        diesel::update(jobs::table.filter(jobs::key.eq("0")))
            .set((jobs::dead_at.eq(vouch::kit::clock::now()), jobs::reason.eq("no_answer")))
            .returning(jobs::id)
            .get_result(conn)
    })
}

/// A failed email.
fn email_id(app: &TestApp) -> i64 {
    let email = vouch::features::emails::EmailMessage {
        to: "nobody@example.com",
        program: None,
        content: vouch::features::emails::EmailContent::MemberRemoved { name: "Nia".to_owned() },
        link: None,
    };
    let id: Result<i64, vouch::kit::error::AppError> =
        app.db.run_blocking(vouch::kit::db::Scope::Instance, |conn| {
            vouch::features::emails::post(conn, &email)?;
            let newest = emails::table.select(emails::id).order(emails::id.desc());
            let id: i64 = newest.first(conn)?;
            diesel::update(emails::table.filter(emails::id.eq(id)))
                .set(emails::failed_at.eq(vouch::kit::clock::now()))
                .execute(conn)?;
            QueryResult::Ok(id)
        });
    id.unwrap()
}

/// The parameters of a path, in their order.
pub(crate) fn parameters(path: &str) -> Vec<&str> {
    path.split('{').skip(1).filter_map(|part| part.split('}').next()).collect()
}

/// The path with its parameters filled in.
pub(crate) fn fill(
    path: &str,
    examples: &BTreeMap<&str, Example>,
    value: impl Fn(&Example) -> &String,
) -> String {
    // What is of a kind of its own has a beginning of a path in place of the parameter's name.
    let of_path = examples.iter().find(|(key, _)| key.starts_with('/') && path.starts_with(**key));
    parameters(path).into_iter().fold(path.to_owned(), |filled, name| {
        let example = of_path.map_or_else(|| &examples[name], |(_, example)| example);
        filled.replace(&format!("{{{name}}}"), value(example))
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TestRole {
    Anonymous,
    Affiliate,
    Support,
    Stranger,
    Viewer,
    Admin,
    Owner,
}

use TestRole::{Admin, Affiliate, Anonymous, Owner, Stranger, Support, Viewer};

/// Whom a row refuses comes first: whoever is let in may change what the row is about.
const EVERYBODY: [TestRole; 7] = [Anonymous, Affiliate, Support, Stranger, Viewer, Admin, Owner];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Allowed,
    Forbidden,
    SignIn,
    /// As what does not exist.
    Missing,
    /// The credential is missing.
    Unauthorized,
}

pub(crate) fn expected(row: &Route, test_role: TestRole) -> Expected {
    let role = match test_role {
        Viewer => Some(Role::Viewer),
        Admin => Some(Role::Admin),
        Owner | Stranger => Some(Role::Owner),
        Anonymous | Affiliate | Support => None,
    };
    match (row.access, test_role) {
        (Access::Public, _) => Expected::Allowed,
        (Access::Credential, _) => Expected::Unauthorized,
        (Access::Monitoring, _) => Expected::Missing,
        (_, Anonymous) => Expected::SignIn,
        (Access::SignedIn, _) | (Access::Affiliate, Affiliate) | (Access::Support, Support) => {
            Expected::Allowed
        }
        (Access::Affiliate | Access::Support, _) => Expected::Forbidden,
        (Access::Member(needed), _) => match role {
            Some(role) if !role.covers(needed) => Expected::Forbidden,
            Some(_) if test_role == Stranger && names_a_thing(row.path) => Expected::Missing,
            Some(_) => Expected::Allowed,
            None => Expected::Forbidden,
        },
    }
}

/// Whether it names something that another program doesn't have.
fn names_a_thing(path: &str) -> bool {
    parameters(path).iter().any(|name| *name != "platform")
}

struct Visitor {
    test_role: TestRole,
    person: Person,
    token: String,
}

impl Visitor {
    fn new(app: &TestApp, test_role: TestRole) -> Self {
        let person = match test_role {
            Anonymous => app.anonymous(),
            Affiliate => app.affiliate(),
            Support => app.support(),
            Stranger => app.stranger(),
            Viewer => app.viewer(),
            Admin => app.admin(),
            Owner => app.owner(),
        };
        let token = person.token();
        Self { test_role, person, token }
    }

    fn ask(&self, row: &Route, path: &str) -> Page {
        if row.method == "GET" {
            return self.person.get(path);
        }
        let mut fields = vec![("csrf", self.token.as_str())];
        fields.extend(FIELDS.iter().filter(|(of, _)| *of == row.path).map(|(_, field)| *field));
        self.person.post(path, &fields)
    }
}

fn is_sign_in(page: &Page) -> bool {
    page.status == 303 && page.location().is_some_and(|to| to.starts_with("/login"))
}

/// What went otherwise than expected, in words.
fn fault(row: &Route, expected: Expected, answer: &Page, first: bool) -> Option<String> {
    let may_be_missing = row.access == Access::Public
        || NEED_FIELDS.contains(&(row.method, row.path))
        // Somebody before them did it, and there is nothing left to do.
        || (row.method == "POST" && !first);
    let fine = match expected {
        Expected::Allowed => {
            let refused = matches!(answer.status, 401 | 403 | 405) || answer.status >= 500;
            let to_sign_in = is_sign_in(answer) && row.access != Access::Public;
            !refused && !to_sign_in && (answer.status != 404 || may_be_missing)
        }
        Expected::Forbidden => answer.status == 403 && answer.has("main[data-refused-by=role]"),
        Expected::SignIn => is_sign_in(answer),
        Expected::Missing => answer.status == 404,
        Expected::Unauthorized => answer.status == 401,
    };
    (!fine).then(|| format!("expected {expected:?}, got {} {:?}", answer.status, answer.location()))
}

/// Status, headers (but for the clock) and body.
fn bytes(page: &Page) -> (u16, Vec<String>, String) {
    let mut headers: Vec<String> = page
        .headers
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "date" | "set-cookie"))
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    headers.sort();
    (page.status, headers, page.text())
}

#[test]
fn every_route_answers_every_test_role_as_its_row_says() {
    let app = TestApp::start();
    let examples = examples(&app);
    let unknown: Vec<&str> = TABLE
        .iter()
        .flat_map(|row| parameters(row.path))
        .filter(|name| !examples.contains_key(name))
        .collect();
    assert!(unknown.is_empty(), "give an example of each of these in tests/access.rs: {unknown:?}");
    let visitors = EVERYBODY.map(|test_role| Visitor::new(&app, test_role));
    // Looks first, changes afterwards, ends last. Who signs out is gone for the rest of the table.
    let mut rows: Vec<&Route> = TABLE.iter().filter(|row| row.path != "/logout").collect();
    rows.sort_by_key(|row| (row.method != "GET", ENDS.iter().position(|path| *path == row.path)));
    let mut faults = Vec::new();
    for (row, pattern) in
        rows.into_iter().flat_map(|row| patterns(row.path).into_iter().map(move |path| (row, path)))
    {
        let path = fill(&pattern, &examples, |example| &example.exists);
        let mut first = true;
        for visitor in &visitors {
            let answer = visitor.ask(row, &path);
            let expected = expected(row, visitor.test_role);
            let mut fault = fault(row, expected, &answer, first);
            if expected == Expected::Missing {
                let nowhere = fill(&pattern, &examples, |example| &example.missing);
                if bytes(&answer) != bytes(&visitor.ask(row, &nowhere)) {
                    fault = Some("differs from what does not exist".to_owned());
                }
            }
            first &= expected != Expected::Allowed;
            let who = visitor.test_role;
            faults.extend(fault.map(|words| format!("{} {path} as {who:?}: {words}", row.method)));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn everybody_can_sign_out() {
    let app = TestApp::start();
    for test_role in EVERYBODY {
        let visitor = Visitor::new(&app, test_role);
        let answer = visitor.person.post("/logout", &[("csrf", &visitor.token)]);
        assert_eq!((answer.status, answer.location()), (303, Some("/login")), "{test_role:?}");
    }
}

#[test]
fn no_form_is_taken_without_its_token() {
    let app = TestApp::start();
    let examples = examples(&app);
    let (owner, affiliate, support) = (app.owner(), app.affiliate(), app.support());
    let other_session = app.owner().token();
    let rows = TABLE.iter().filter(|row| row.method == "POST");
    for (row, pattern) in
        rows.flat_map(|row| patterns(row.path).into_iter().map(move |path| (row, path)))
    {
        let person = match row.access {
            Access::Credential => continue,
            Access::Affiliate => affiliate.clone(),
            Access::Support => support.clone(),
            _ => owner.clone(),
        };
        let path = fill(&pattern, &examples, |example| &example.exists);
        for token in [None, Some(""), Some("wrong"), Some(other_session.as_str())] {
            let fields: Vec<(&str, &str)> =
                token.map(|token| ("csrf", token)).into_iter().collect();
            let answer = person.post(&path, &fields);
            assert_eq!(answer.status, 403, "{path} with {token:?}: {}", answer.text());
            assert!(answer.has("main[data-refused-by=form]"), "{path}");
        }
    }
}

#[test]
fn an_address_without_a_row_does_not_exist_and_a_method_without_one_is_refused() {
    let app = TestApp::start();
    for person in [app.anonymous(), app.owner()] {
        assert_eq!(person.get("/nothing/here").status, 404);
        assert_eq!(person.post("/nothing/here", &[]).status, 404);
        assert_eq!(person.post("/static/app.css", &[]).status, 405);
        assert_eq!(person.get("/logout").status, 405);
        assert_eq!(
            person.get("/affiliates/not-a-number").status.min(400),
            if person.cookie().is_some() { 400 } else { 303 }
        );
    }
}

#[test]
fn every_row_stands_once_and_a_fixed_path_before_one_with_a_parameter() {
    for (at, row) in TABLE.iter().enumerate() {
        for later in &TABLE[at + 1..] {
            assert!(
                (row.method, row.path) != (later.method, later.path),
                "{} {} stands twice",
                row.method,
                row.path
            );
            assert!(!shadows(row.path, later.path), "{} hides {}", row.path, later.path);
        }
    }
}

/// Whether every address of `later` is one of `earlier`, too.
fn shadows(earlier: &str, later: &str) -> bool {
    let (earlier, later): (Vec<&str>, Vec<&str>) =
        (earlier.split('/').collect(), later.split('/').collect());
    earlier != later
        && earlier.len() == later.len()
        && earlier.iter().zip(&later).all(|(a, b)| a.starts_with('{') || a == b)
}
