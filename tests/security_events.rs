//! Every kind of security event, provoked over HTTP: its line in the log, its count, its row in the
//! merchant's audit log.

use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock};

use diesel::prelude::*;
use serde_json::Value;
use vouch::features::emails::{EmailContent, EmailMessage, Mailer, post};
use vouch::kit::db::schema::{audit_log, users};
use vouch::kit::email::email_key;
use vouch::kit::security::Kind;

use crate::api::new_key;
use crate::harness::shopify::ShopifyOrder;
use crate::harness::smtp::MailServer;
use crate::harness::{METRICS_TOKEN, PASSWORD, Page, Person, TestApp, config, then, two_factor};

const OWNER: &str = "owner@acme.example";
const ADMIN: &str = "admin@acme.example";
const VIEWER: &str = "viewer@acme.example";
const SUPPORT: &str = "support@vouch.example";
const NEW_PASSWORD: &str = "umbrella quartz 7 meadow";

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

/// The log of this process as far as it is of security: every test of this file has addresses of its
/// own in it.
fn log() -> LogBuffer {
    static LOG: OnceLock<LogBuffer> = OnceLock::new();
    let begin = || {
        let kept = LogBuffer::default();
        let writer = kept.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_env_filter("vouch::security=info")
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
        kept
    };
    LOG.get_or_init(begin).clone()
}

/// The lines of that address: each as it was written, and its fields.
fn lines(address: &str) -> Vec<(String, Value)> {
    let written = String::from_utf8(log().0.lock().unwrap().clone()).unwrap();
    let parsed = written.lines().map(|line| {
        let whole: Value = serde_json::from_str(line).unwrap();
        (line.to_owned(), whole["fields"].clone())
    });
    parsed.filter(|(_, fields)| fields["client"] == address).collect()
}

fn events(address: &str) -> Vec<String> {
    lines(address).iter().map(|(_, f)| f["event"].as_str().unwrap().to_owned()).collect()
}

/// A place on the network that nothing else comes from.
struct At<'a> {
    app: &'a TestApp,
    address: String,
}

impl At<'_> {
    fn anonymous(&self) -> Person {
        self.app.anonymous().at(&self.address)
    }

    fn log_in(&self, person: &Person, email: &str, password: &str) -> Page {
        let page = person.get("/login");
        person.submit(&page, "form", &[("email", email), ("password", password)])
    }

    fn sign_in(&self, email: &str) -> Person {
        let person = self.anonymous();
        let answer = self.log_in(&person, email, PASSWORD);
        if answer.location() == Some("/login/code") {
            self.with_users(two_factor::forget_codes);
            assert_eq!(two_factor::enter(&person, &answer).status, 303);
        }
        person
    }

    fn with_users<T>(&self, work: impl FnOnce(&mut PgConnection) -> QueryResult<T>) -> T {
        work(&mut PgConnection::establish(&self.app.database_url).unwrap()).unwrap()
    }

    fn user_id(&self, email: &str) -> i64 {
        let of = users::table.filter(users::email_key.eq(email_key(email)));
        self.with_users(|conn| of.select(users::id).first(conn))
    }

    /// Has two-factor sign-in on, and a session; the code can be given once more.
    fn with_two_factor(&self, email: &str) -> Person {
        self.with_users(|conn| two_factor::give(conn, email));
        let person = self.sign_in(email);
        self.with_users(two_factor::forget_codes);
        person
    }

    /// Asks for a link to a new password, and reads it in the mailbox, where it comes before everything
    /// that waits.
    fn reset_link(&self, email: &str) -> String {
        // Within a minute of the link before, none is sent.
        self.with_users(|conn| {
            diesel::sql_query("UPDATE links SET created_at = created_at - interval '2 minutes'")
                .execute(conn)
        });
        let person = self.anonymous();
        let page = person.get("/password-resets/new");
        assert_eq!(person.submit(&page, "form", &[("email", email)]).status, 303);
        let server = MailServer::start();
        let mut config = config(&self.app.base);
        config.smtp = Some(server.settings());
        Mailer::new(&config, self.app.db.clone()).send_due().unwrap();
        server.taken_for(email).first().unwrap().link(&self.app.base)
    }

    /// Support staff at the owner's pages.
    fn view(&self) -> Person {
        let support = self.sign_in(SUPPORT);
        let path = format!("/support/merchants/{}/views", self.app.fixture.merchant_id);
        let owner = self.app.fixture.owner_id.to_string();
        assert_eq!(support.post_signed(&path, &[("user_id", &owner)]).status, 303);
        support
    }
}

/// What the line must say.
struct Expected {
    route: &'static str,
    user: Option<i64>,
}

fn expected(route: &'static str, user: impl Into<Option<i64>>) -> Expected {
    Expected { route, user: user.into() }
}

/// Has it happen. A kind without a way to provoke it doesn't compile.
fn provoke(at: &At<'_>, kind: Kind) -> Expected {
    match kind {
        Kind::SignedIn
        | Kind::SignedOut
        | Kind::SignInFailed
        | Kind::WrongCode
        | Kind::WrongPassword
        | Kind::LimitHit => provoke_at_the_door(at, kind),
        Kind::PasswordChanged
        | Kind::PasswordReset
        | Kind::TwoFactorOn
        | Kind::TwoFactorOff
        | Kind::RecoveryCodesRenewed
        | Kind::RecoveryCodeUsed
        | Kind::SessionsEnded => provoke_by_account(at, kind),
        Kind::CsrfRefused
        | Kind::Forbidden
        | Kind::NotFound
        | Kind::BadSignature
        | Kind::BadApiKey
        | Kind::BadMetricsToken
        | Kind::BadLink => provoke_refusal(at, kind),
        Kind::LinkSent
        | Kind::LinkUsed
        | Kind::ViewBegan
        | Kind::ViewEnded
        | Kind::ExportDownloaded
        | Kind::PersonErased
        | Kind::ApiKeyCreated
        | Kind::ApiKeyRevoked => provoke_act(at, kind),
        Kind::UserDisabled
        | Kind::UserEnabled
        | Kind::SupportRightsChanged
        | Kind::MerchantClosed
        | Kind::MerchantReopened
        | Kind::EmailRevealed => provoke_by_support(at, kind),
    }
}

fn provoke_at_the_door(at: &At<'_>, kind: Kind) -> Expected {
    let owner = at.app.fixture.owner_id;
    match kind {
        Kind::SignedOut => {
            assert_eq!(at.sign_in(OWNER).post_signed("/logout", &[]).status, 303);
            expected("/logout", owner)
        }
        Kind::SignInFailed => {
            at.log_in(&at.anonymous(), OWNER, "wrong horse 9 battery");
            expected("/login", owner)
        }
        Kind::WrongCode => {
            let person = at.anonymous();
            let page = person.follow(&at.log_in(&person, SUPPORT, PASSWORD));
            assert_eq!(person.submit(&page, "form", &[("code", "000000")]).status, 422);
            expected("/login/code", at.user_id(SUPPORT))
        }
        Kind::WrongPassword => {
            let person = at.sign_in(OWNER);
            let typed = [("current", "wrong horse 9 battery"), ("new", NEW_PASSWORD)];
            assert_eq!(person.post_signed("/account/password", &typed).status, 422);
            expected("/account/password", owner)
        }
        Kind::LimitHit => {
            let person = at.anonymous();
            let hit = (0..40).any(|_| {
                at.log_in(&person, "nobody@nowhere.example", "wrong horse 9 battery").status == 429
            });
            assert!(hit);
            expected("/login", None)
        }
        _ => {
            at.sign_in(OWNER);
            expected("/login", owner)
        }
    }
}

fn provoke_by_account(at: &At<'_>, kind: Kind) -> Expected {
    match kind {
        Kind::PasswordChanged => {
            let person = at.sign_in(ADMIN);
            for (current, new) in [(PASSWORD, NEW_PASSWORD), (NEW_PASSWORD, PASSWORD)] {
                let typed = [("current", current), ("new", new)];
                assert_eq!(person.post_signed("/account/password", &typed).status, 303);
            }
            expected("/account/password", at.user_id(ADMIN))
        }
        Kind::PasswordReset => {
            let link = at.reset_link(ADMIN);
            let person = at.anonymous();
            let page = person.get(&link);
            assert_eq!(person.submit(&page, "form", &[("new", PASSWORD)]).status, 303);
            expected("/password-resets/{token}", at.user_id(ADMIN))
        }
        Kind::TwoFactorOn => {
            let person = at.sign_in(ADMIN);
            person.post_signed("/account/two-factor", &[("current", PASSWORD)]);
            // The secret that the tests' app knows.
            at.with_users(|conn| {
                two_factor::give(conn, ADMIN)?;
                diesel::update(users::table.filter(users::email_key.eq(email_key(ADMIN))))
                    .set(users::two_factor_at.eq(None::<chrono::DateTime<chrono::Utc>>))
                    .execute(conn)
            });
            let code = two_factor::code();
            let answer = person.post_signed("/account/two-factor/confirmation", &[("code", &code)]);
            assert_eq!(answer.status, 200);
            expected("/account/two-factor/confirmation", at.user_id(ADMIN))
        }
        Kind::TwoFactorOff => {
            let person = at.with_two_factor(ADMIN);
            let code = two_factor::code();
            let answer = person.post_signed("/account/two-factor/removal", &[("code", &code)]);
            assert_eq!(answer.status, 303);
            expected("/account/two-factor/removal", at.user_id(ADMIN))
        }
        Kind::RecoveryCodesRenewed => {
            recovery_codes(at);
            expected("/account/two-factor/recovery-codes", at.user_id(VIEWER))
        }
        Kind::RecoveryCodeUsed => {
            let codes = recovery_codes(at);
            let person = at.anonymous();
            at.log_in(&person, VIEWER, PASSWORD);
            let page = person.get("/login/code?with=recovery");
            assert_eq!(person.submit(&page, "form", &[("code", &codes[0])]).status, 303);
            expected("/login/code", at.user_id(VIEWER))
        }
        _ => {
            let person = at.sign_in(OWNER);
            assert_eq!(person.post_signed("/account/sessions/others/removal", &[]).status, 303);
            expected("/account/sessions/others/removal", at.app.fixture.owner_id)
        }
    }
}

fn recovery_codes(at: &At<'_>) -> Vec<String> {
    let person = at.with_two_factor(VIEWER);
    let code = two_factor::code();
    let page = person.post_signed("/account/two-factor/recovery-codes", &[("code", &code)]);
    page.all(".recovery-codes code")
}

fn provoke_refusal(at: &At<'_>, kind: Kind) -> Expected {
    let owner = at.app.fixture.owner_id;
    match kind {
        Kind::CsrfRefused => {
            assert_eq!(at.sign_in(OWNER).post("/settings/general", &[]).status, 403);
            expected("/settings/general", owner)
        }
        Kind::Forbidden => {
            let viewer = at.app.viewer().at(&at.address);
            assert_eq!(viewer.get("/triggers/new").status, 403);
            expected("/triggers/new", at.user_id(VIEWER))
        }
        Kind::NotFound => {
            let theirs = at.app.fixture.stranger_affiliate_id;
            assert_eq!(at.sign_in(OWNER).get(&format!("/affiliates/{theirs}")).status, 404);
            expected("/affiliates/{affiliate_id}", owner)
        }
        Kind::BadSignature => {
            let path = format!("/hooks/shopify/{}", at.app.fixture.store_key);
            let headers = [("x-shopify-topic", "orders/create"), ("x-shopify-hmac-sha256", "AAAA")];
            assert_eq!(at.anonymous().send(&path, &headers, b"{}").status, 401);
            expected("/hooks/shopify/{store_key}", None)
        }
        Kind::BadApiKey => {
            let key = format!("Bearer vk_{}_{}", at.app.fixture.merchant_id, "a".repeat(43));
            let headers = [("authorization", key.as_str())];
            assert_eq!(at.anonymous().get_with("/api/v1/triggers", &headers).status, 401);
            expected("/api/v1/triggers", None)
        }
        Kind::BadMetricsToken => {
            let wrong = format!("Bearer {METRICS_TOKEN}x");
            let headers = [("authorization", wrong.as_str())];
            assert_eq!(at.anonymous().get_with("/metrics", &headers).status, 404);
            expected("/metrics", None)
        }
        _ => {
            assert_eq!(at.anonymous().get("/password-resets/made-up-token").status, 404);
            expected("/password-resets/{token}", None)
        }
    }
}

fn provoke_act(at: &At<'_>, kind: Kind) -> Expected {
    let owner = at.app.fixture.owner_id;
    match kind {
        Kind::LinkSent => {
            at.reset_link(ADMIN);
            expected("/password-resets", None)
        }
        Kind::LinkUsed => {
            provoke_by_account(at, Kind::PasswordReset);
            expected("/password-resets/{token}", None)
        }
        Kind::ViewBegan => {
            at.view();
            expected("/support/merchants/{merchant_id}/views", at.user_id(SUPPORT))
        }
        Kind::ViewEnded => {
            assert_eq!(at.view().post_signed("/support/views/end", &[]).status, 303);
            expected("/support/views/end", at.user_id(SUPPORT))
        }
        Kind::ExportDownloaded => {
            assert_eq!(at.view().get("/affiliates.csv").status, 200);
            expected("/affiliates.csv", at.user_id(SUPPORT))
        }
        Kind::PersonErased => {
            let order = ShopifyOrder::new(1, then()).email("cleo@customers.example");
            assert_eq!(at.app.shopify("orders/create", &order.0).status, 200);
            let typed =
                [("email", "cleo@customers.example"), ("confirmation", "cleo@customers.example")];
            let answer = at.sign_in(OWNER).post_signed("/settings/privacy/erasures", &typed);
            assert_eq!(answer.status, 303);
            expected("/settings/privacy/erasures", owner)
        }
        Kind::ApiKeyCreated => {
            let person = at.sign_in(OWNER);
            let page = person.get("/settings/api");
            assert_eq!(person.submit(&page, "form[action$=keys]", &[("name", "Till")]).status, 200);
            expected("/settings/api/keys", owner)
        }
        _ => {
            let person = at.sign_in(OWNER);
            provoke_act(at, Kind::ApiKeyCreated);
            let page = person.get("/settings/api");
            assert_eq!(person.submit(&page, "form[action$='/revocation']", &[]).status, 303);
            expected("/settings/api/keys/{key_id}/revocation", owner)
        }
    }
}

fn provoke_by_support(at: &At<'_>, kind: Kind) -> Expected {
    let (support, acme) = (at.sign_in(SUPPORT), at.app.fixture.merchant_id);
    let user = at.user_id(SUPPORT);
    // There and back, so that the other kinds find everything as it was.
    let there_and_back = |path: &str| {
        for enabled in ["false", "true"] {
            let fields = [("enabled", enabled), ("reason", "As the owner asked")];
            assert_eq!(support.post_signed(path, &fields).status, 303, "{path}");
        }
    };
    match kind {
        Kind::UserDisabled | Kind::UserEnabled => {
            there_and_back(&format!("/support/users/{}/access", at.user_id(VIEWER)));
            expected("/support/users/{user_id}/access", user)
        }
        Kind::MerchantClosed | Kind::MerchantReopened => {
            there_and_back(&format!("/support/merchants/{acme}/access"));
            expected("/support/merchants/{merchant_id}/access", user)
        }
        Kind::EmailRevealed => {
            at.app.within(|conn| {
                let email = EmailMessage {
                    to: "new@applicants.example",
                    program: Some("Acme Tea"),
                    content: EmailContent::AccountInvitation { name: "Nia".to_owned() },
                    link: None,
                };
                post(conn, &email)
            });
            let page = support.get("/support/emails");
            let shown = support.submit(&page, "form[action$='/disclosure']", &[]);
            assert_eq!(shown.status, 200);
            expected("/support/emails/{email_id}/disclosure", user)
        }
        _ => {
            at.with_users(|conn| {
                diesel::update(users::table.filter(users::email_key.eq(email_key(ADMIN))))
                    .set(users::is_support.eq(true))
                    .execute(conn)
            });
            let path = format!("/support/users/{}/support-rights/removal", at.user_id(ADMIN));
            assert_eq!(support.post_signed(&path, &[("reason", "Has left")]).status, 303);
            expected("/support/users/{user_id}/support-rights/removal", user)
        }
    }
}

/// How often it was counted.
fn count(app: &TestApp, kind: Kind) -> f64 {
    let token = format!("Bearer {METRICS_TOKEN}");
    let page = app.anonymous().get_with("/metrics", &[("authorization", &token)]);
    let series = format!("vouch_security_events_total{{event=\"{}\"}} ", kind.as_str());
    let text = page.text();
    let line = text.lines().find_map(|line| line.strip_prefix(&series));
    line.unwrap_or_else(|| panic!("{series} is there from the start")).parse().unwrap()
}

/// The newest row of the merchant's audit log.
fn newest_row(app: &TestApp) -> i64 {
    let newest = audit_log::table.select(diesel::dsl::max(audit_log::id));
    app.within(|conn| newest.first::<Option<i64>>(conn)).unwrap_or_default()
}

/// The rows of the merchant's audit log after that one: what was done, and by what kind of hand. Where
/// support did it, they don't say from where.
fn rows_after(app: &TestApp, newest: i64) -> Vec<(String, String)> {
    app.within(|conn| {
        audit_log::table
            .filter(audit_log::id.gt(newest))
            .order(audit_log::id)
            .select((audit_log::action, audit_log::actor_kind))
            .load(conn)
    })
}

fn action(kind: Kind) -> Option<(&'static str, &'static str)> {
    match kind {
        Kind::ViewBegan => Some(("support.view_began", "support")),
        Kind::ViewEnded => Some(("support.view_ended", "support")),
        Kind::ExportDownloaded => Some(("export.downloaded", "support")),
        Kind::PersonErased => Some(("person.erased", "member")),
        Kind::ApiKeyCreated => Some(("api_key.created", "member")),
        Kind::ApiKeyRevoked => Some(("api_key.revoked", "member")),
        Kind::UserDisabled => Some(("member.disabled", "support")),
        Kind::UserEnabled => Some(("member.enabled", "support")),
        Kind::MerchantClosed => Some(("merchant.closed", "support")),
        Kind::MerchantReopened => Some(("merchant.reopened", "support")),
        Kind::EmailRevealed => Some(("email.revealed", "support")),
        _ => None,
    }
}

#[test]
fn every_kind_has_a_line_a_count_and_a_row_where_a_merchants_data_is_concerned() {
    log();
    let app = TestApp::start();
    for (number, kind) in Kind::ALL.iter().enumerate() {
        let name = kind.as_str();
        let at = At { app: &app, address: format!("203.0.113.{}", number + 1) };
        let (before, newest) = (count(&app, *kind), newest_row(&app));
        let Expected { route, user } = provoke(&at, *kind);
        assert!(count(&app, *kind) > before, "{name} is counted");

        let of_kind: Vec<(String, Value)> =
            lines(&at.address).into_iter().filter(|(_, fields)| fields["event"] == name).collect();
        let (_, fields) = of_kind.first().unwrap_or_else(|| panic!("{name} has a line"));
        assert_eq!(fields["route"], route, "{name}");
        assert_eq!(fields["user"].as_i64(), user, "{name}: {fields}");
        assert!(fields["request_id"].as_str().is_some_and(|id| id.len() >= 32), "{name}");
        assert!(fields["method"].is_string(), "{name}");

        assert_eq!(kind.is_audited(), action(*kind).is_some(), "{name}");
        if let Some((action, hand)) = action(*kind) {
            let row = (action.to_owned(), hand.to_owned());
            let rows = rows_after(&app, newest);
            assert!(rows.contains(&row), "{name}: {rows:?}");
        }
    }
    let whole = String::from_utf8(log().0.lock().unwrap().clone()).unwrap();
    for secret in [PASSWORD, NEW_PASSWORD, "wrong horse", "@", "vk_", "made-up", METRICS_TOKEN] {
        assert!(!whole.contains(secret), "{secret} is in the log");
    }
}

#[test]
fn every_export_leaves_a_row_of_whoever_took_it() {
    log();
    let app = TestApp::start();
    let at = At { app: &app, address: "203.0.113.200".to_owned() };
    let exports = vouch::app::routes::TABLE
        .iter()
        .map(|row| row.path)
        .filter(|path| path.ends_with(".csv") && !path.contains("template") && !path.contains('{'));
    app.enable_exclusions(app.fixture.merchant_id);
    let newest = newest_row(&app);
    let (owner, support) = (at.sign_in(OWNER), at.view());
    let mut expected = Vec::new();
    for path in exports {
        for (person, hand) in [(&owner, "member"), (&support, "support")] {
            let file = person.get(path);
            assert_eq!((file.status, file.text().is_empty()), (200, false), "{path}");
            expected.push(("export.downloaded".to_owned(), hand.to_owned()));
        }
    }
    assert!(expected.len() >= 8, "{expected:?}");
    let rows =
        rows_after(&app, newest).into_iter().filter(|(action, _)| action == "export.downloaded");
    assert_eq!(rows.collect::<Vec<_>>(), expected);
}

#[test]
fn a_file_to_fill_in_and_a_refused_export_leave_none() {
    log();
    let app = TestApp::start();
    let at = At { app: &app, address: "203.0.113.201".to_owned() };
    let (viewer, newest) = (at.sign_in(VIEWER), newest_row(&app));
    assert_eq!(viewer.get("/triggers/imports/template.csv").status, 200);
    assert_eq!(app.affiliate().at(&at.address).get("/affiliates.csv").status, 403);
    assert_eq!(at.anonymous().get("/affiliates.csv").status, 303);
    assert_eq!(rows_after(&app, newest), []);
    assert_eq!(events(&at.address), ["signed_in", "forbidden"]);
}

#[test]
fn a_made_up_forwarding_does_not_hide_who_asks() {
    log();
    let app = TestApp::start();
    let at = At { app: &app, address: "198.51.100.7, 203.0.113.202".to_owned() };
    assert_eq!(at.anonymous().get("/password-resets/nothing").status, 404);
    assert_eq!(events("203.0.113.202"), ["bad_link"]);
    assert_eq!(events("198.51.100.7"), [""; 0]);
}

#[test]
fn an_api_key_that_asks_for_what_is_anothers_is_named() {
    log();
    let app = TestApp::start();
    let at = At { app: &app, address: "203.0.113.203".to_owned() };
    let key = new_key(&app);
    let bearer = format!("Bearer {key}");
    let path = format!("/api/v1/triggers/{}", app.fixture.stranger_trigger_id);
    let answer = at.anonymous().get_with(&path, &[("authorization", &bearer)]);
    assert_eq!(answer.status, 404);
    let lines = lines(&at.address);
    assert_eq!(events(&at.address), ["not_found"]);
    assert!(lines[0].1["api_key"].is_i64() && lines[0].1["user"].is_null(), "{lines:?}");
    assert_eq!(lines[0].1["merchant"], app.fixture.merchant_id);
}

#[test]
fn a_refused_signature_and_a_body_that_is_too_large_leave_a_line_on_every_platform() {
    log();
    let app = TestApp::start();
    let at = At { app: &app, address: "203.0.113.204".to_owned() };
    let platforms = ["shopify", "bigcommerce", "woocommerce"];
    for platform in platforms {
        for key in [app.fixture.store_key.as_str(), "made-up"] {
            let path = format!("/hooks/{platform}/{key}");
            assert_eq!(at.anonymous().send(&path, &[], b"{}").status, 401, "{path}");
        }
    }
    assert_eq!(events(&at.address), ["bad_signature"; 6]);
    let routes: Vec<String> =
        lines(&at.address).iter().map(|(_, f)| f["route"].as_str().unwrap().to_owned()).collect();
    for platform in platforms {
        let route = format!("/hooks/{platform}/{{store_key}}");
        assert_eq!(routes.iter().filter(|other| **other == route).count(), 2, "{routes:?}");
    }
    let large = vec![b' '; 65 * 1024];
    assert_eq!(at.anonymous().send("/hooks/bigcommerce/made-up", &[], &large).status, 413);
    assert_eq!(events(&at.address).last().unwrap(), "limit_hit");
}
