//! The pages of people and settings in a real browser: axe, light and dark, down to 320 pixels.

use actix_web::rt::task::spawn_blocking;
use diesel::prelude::*;
use vouch::features::auth;
use vouch::features::first_run::FirstRun;
use vouch::features::team;
use vouch::kit::audit::Actor;
use vouch::kit::db::schema::{emails, users};
use vouch::kit::db::{Scope, in_scope};
use vouch::kit::secrets::Encryptor;
use vouch::kit::session::Role;

use crate::harness::browser::Browser;
use crate::harness::shopify::ShopifyOrder;
use crate::harness::{PASSWORD, SECRET_KEY, TestApp, two_factor};
use crate::registration::link_to;

/// The harness speaks HTTP on threads of its own: not on the browser's.
async fn start(empty: bool) -> TestApp {
    let app = spawn_blocking(move || {
        if empty {
            return TestApp::start_empty();
        }
        let app = TestApp::start();
        let order = ShopifyOrder::new(1, vouch::kit::clock::now()).code("ADA10", "10.00");
        assert_eq!(app.shopify("orders/create", &order.0).status, 200);
        app.shopify("orders/create", &serde_json::json!({ "id": "no order" }));
        // The owner has every kind of place.
        let mut conn = PgConnection::establish(&app.database_url).unwrap();
        in_scope(&mut conn, Scope::Instance, |conn| {
            let actor = Actor::system(app.fixture.stranger_merchant_id, vouch::kit::clock::now());
            auth::join(conn, &actor, app.fixture.owner_id, Role::Viewer)?;
            diesel::update(users::table.find(app.fixture.owner_id))
                .set(users::is_support.eq(true))
                .execute(conn)?;
            two_factor::give(conn, "owner@acme.example")
        })
        .unwrap();
        write_emails(&app, &mut conn);
        app
    });
    app.await.unwrap()
}

/// An invitation and a link for a new password wait; a third email failed.
fn write_emails(app: &TestApp, conn: &mut PgConnection) {
    let encryptor = Encryptor::new(&Box::new(SECRET_KEY).into());
    app.within(|conn| {
        for email in ["new@acme.example", "nobody@acme.example"] {
            team::invite(conn, &app.actor(), &encryptor, email, Role::Admin).unwrap();
        }
        Ok(())
    });
    let person = app.anonymous();
    let page = person.get("/password-resets/new");
    assert_eq!(person.submit(&page, "form", &[("email", "viewer@acme.example")]).status, 303);
    in_scope(conn, Scope::Instance, |conn| {
        diesel::update(emails::table.filter(emails::recipient.eq("nobody@acme.example")))
            .set((
                emails::failed_at.eq(vouch::kit::clock::now()),
                emails::problem.eq(serde_json::json!({
                    "code": "rejected", "detail": "550 5.1.1 No such person here"
                })),
            ))
            .execute(conn)
    })
    .unwrap();
}

async fn sign_in(browser: &Browser, email: &str) {
    browser.goto("/login").await;
    browser.fill("#f-email", email).await;
    browser.fill("#f-password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.find("main:not(:has(#f-password))").await;
}

/// Walks all pages, in every state that looks different.
async fn run(
    browser: &Browser,
    app: &TestApp,
    empty: &TestApp,
    look: impl AsyncFn(&Browser, &str),
) {
    browser.goto("/login").await;
    look(browser, "login").await;
    browser.press("Sign in").await;
    browser.find("#error-summary").await;
    look(browser, "login-refused").await;
    browser.goto("/password-resets/new").await;
    look(browser, "password-reset").await;
    browser.goto("/password-resets/none").await;
    look(browser, "password-reset-dead").await;
    browser.goto("/invitations/1-none").await;
    look(browser, "invitation-dead").await;
    browser.goto(&link_to(app, "new@acme.example")).await;
    browser.click("main form .submit button").await;
    browser.find("#error-summary").await;
    look(browser, "invitation-refused").await;
    browser.goto(&link_to(app, "viewer@acme.example")).await;
    look(browser, "password-reset-link").await;
    sign_in(browser, "owner@acme.example").await;
    look(browser, "login-code").await;
    two_factor::pass(browser).await;
    look(browser, "programs").await;
    browser.click(".place").await;
    browser.find("main:not(:has(.places))").await;
    for path in [
        "/settings/general",
        "/settings/calculation",
        "/settings/shopify",
        "/settings/team",
        "/account/password",
        "/account/two-factor",
        "/account/sessions",
    ] {
        browser.goto(path).await;
        look(browser, &path[1..].replace('/', "-")).await;
    }
    browser.goto("/settings/shopify").await;
    let open = "document.querySelectorAll('main details').forEach(part => part.open = true)";
    browser.client().execute(open, Vec::new()).await.unwrap();
    look(browser, "settings-shopify-open").await;
    browser.click("a[data-dialog][href$='/secret']").await;
    browser.find("dialog #f-new_secret").await;
    look(browser, "settings-shopify-secret").await;
    browser.goto("/support/merchants").await;
    look(browser, "support-merchants").await;
    browser.press("Acme Tea").await;
    browser.find("#invitations").await;
    look(browser, "support-merchant").await;
    browser.goto("/support/emails").await;
    look(browser, "support-mail").await;
    browser.click("form[action$='/disclosure'] button").await;
    browser.click("dialog .submit .btn-primary").await;
    browser.find("#email").await;
    look(browser, "support-email").await;
    browser.goto("/support/users").await;
    look(browser, "support-users").await;
    browser.press("Vera Viewer").await;
    browser.find("#access").await;
    look(browser, "support-user").await;
    browser.goto("/settings/api").await;
    look(browser, "settings-api").await;
    browser.client().delete_all_cookies().await.unwrap();
    sign_in(browser, "owner@borealis.example").await;
    browser.goto("/settings/shopify").await;
    look(browser, "settings-shopify-none").await;
    browser.goto("/account/two-factor").await;
    look(browser, "two-factor-off").await;
    browser.fill("#f-current", PASSWORD).await;
    browser.click("form[action='/account/two-factor'] .submit button").await;
    browser.find(".qr").await;
    look(browser, "two-factor-waits").await;
    let shown: String = browser.text(".code code").await.split_whitespace().collect();
    let secret = totp_rs::Secret::try_from_base32(shown).unwrap();
    browser.fill("#f-code", &two_factor::code_of(secret.as_bytes(), 0)).await;
    browser.click("form[action$='/confirmation'] .submit button").await;
    browser.find(".recovery-codes").await;
    look(browser, "two-factor-codes").await;
    browser.client().delete_all_cookies().await.unwrap();
    sign_in(browser, "ada@affiliates.example").await;
    browser.goto("/portal").await;
    look(browser, "portal").await;
    browser.goto("/account/two-factor").await;
    look(browser, "portal-two-factor").await;
    browser.client().delete_all_cookies().await.unwrap();
    let link = FirstRun::new(&Box::new(SECRET_KEY).into()).path();
    for (path, name) in [("/login", "deserted"), (link.as_str(), "first-run")] {
        browser.client().goto(&format!("{}{path}", empty.base)).await.unwrap();
        look(browser, name).await;
    }
    browser.click("main form .submit button").await;
    browser.find("#error-summary").await;
    look(browser, "first-run-refused").await;
}

#[actix_web::test]
async fn the_pages_of_people_pass_axe_and_fit_every_width() {
    let (app, empty) = (start(false).await, start(true).await);
    let browser = Browser::open(&app.base).await;
    run(&browser, &app, &empty, async |browser, name| browser.check_page(name).await).await;
}

#[actix_web::test]
#[ignore = "saves screenshots in target/screens"]
async fn pictures_of_the_pages_of_people() {
    let (app, empty) = (start(false).await, start(true).await);
    let browser = Browser::open(&app.base).await;
    run(&browser, &app, &empty, async |browser, name| {
        for (width, height, dark) in [(1280, 800, false), (390, 844, false), (1280, 800, true)] {
            browser.viewport(width, height).await;
            browser.dark(dark).await;
            let scheme = if dark { "dark" } else { "light" };
            browser.screenshot(&format!("people-{name}-{width}-{scheme}")).await;
        }
        browser.viewport(1280, 800).await;
        browser.dark(false).await;
    })
    .await;
}
