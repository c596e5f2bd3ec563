//! Every page of a merchant, filled with the demo program: accessible in light and dark, and in one
//! piece from a wide screen down to 320 pixels. The pages come from the table of routes, so that a
//! new one cannot be forgotten.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use secrecy::SecretBox;
use vouch::app::demo;
use vouch::app::routes::TABLE;
use vouch::features::auth::Access;
use vouch::kit::db::Scope;
use vouch::kit::secrets::Encryptor;

use crate::access::patterns;
use crate::harness::browser::Browser;
use crate::harness::woocommerce::connect_in as connect_woocommerce;
use crate::harness::{PASSWORD, SECRET_KEY, TestApp, two_factor};

/// Addresses that answer no page: files, and parts of pages.
const NO_PAGES: [&str; 4] =
    ["/affiliates/choices", "/triggers/pushes", "/api/openapi.json", "/portal/code-requests/code"];

fn number(conn: &mut PgConnection, sql: &str) -> QueryResult<i64> {
    diesel::select(diesel::dsl::sql::<BigInt>(&format!("({sql})"))).get_result(conn)
}

/// Whose pages are looked at.
fn demo_merchant(conn: &mut PgConnection) -> QueryResult<i64> {
    number(conn, "SELECT merchant_id FROM stores WHERE platform = 'shopify' LIMIT 1")
}

fn demo_program() -> TestApp {
    let app = TestApp::start_empty();
    let encryptor = Encryptor::new(&SecretBox::new(Box::new(SECRET_KEY)));
    let loaded: Result<(), vouch::kit::error::AppError> =
        app.db.run_blocking(Scope::Instance, |conn| {
            demo::load(conn, &encryptor, vouch::kit::clock::now()).unwrap();
            let emails: Vec<&str> = demo::LOGINS.iter().map(|login| login.email).collect();
            demo::sign_in_with(conn, &emails, PASSWORD).unwrap();
            two_factor::give(conn, "support@vouch.example")?;
            let merchant_id = demo_merchant(conn)?;
            crate::bigcommerce::connect_in(conn, merchant_id, "http://127.0.0.1:9");
            connect_woocommerce(conn, merchant_id, "shop.juniper-sage.example");
            let shop = "SELECT id FROM stores WHERE platform = 'shopify' LIMIT 1";
            let store_id = number(conn, shop)?;
            crate::code_syncs::fill(conn, store_id)?;
            import(conn, merchant_id)?;
            QueryResult::Ok(())
        });
    loaded.unwrap();
    app
}

/// A file that waits, with rows of every verdict.
fn import(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<i64> {
    let actor = vouch::kit::audit::Actor::system(merchant_id, vouch::kit::clock::now());
    let file = "Affiliate,Code\nmaria@sol-y-mar.example,MARIA-NEW\n\
                maria@sol-y-mar.example,BLACKFRIDAY9\nmaria@sol-y-mar.example,20-May\n\
                maria@sol-y-mar.example,“QUOTED7”\nnobody@example.com,two words\n";
    let file = vouch::features::imports::read(file.as_bytes()).unwrap();
    vouch::features::imports::open(conn, &actor, "new-codes.csv", &file)
}

/// The key of a row that has much to show.
fn key_for(app: &TestApp, parameter: &str) -> i64 {
    let sql = match parameter {
        "affiliate_id" => {
            "SELECT affiliate_id FROM conversions GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"
        }
        "trigger_id" => {
            "SELECT trigger_id FROM trigger_owners GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"
        }
        "order_id" => {
            "SELECT id FROM orders WHERE attribution IS NOT NULL \
             ORDER BY jsonb_array_length(attribution -> 'outcomes') DESC NULLS LAST LIMIT 1"
        }
        "offer_id" => "SELECT offer_id FROM offer_terms GROUP BY 1 ORDER BY count(*) DESC LIMIT 1",
        "delivery_id" => "SELECT id FROM deliveries WHERE outcome = 'failed' LIMIT 1",
        "store_id" => "SELECT id FROM stores WHERE platform = 'shopify' LIMIT 1",
        "bigcommerce" => "SELECT id FROM stores WHERE platform = 'bigcommerce' LIMIT 1",
        "woocommerce" => "SELECT id FROM stores WHERE platform = 'woocommerce' LIMIT 1",
        "exclusion_id" => "SELECT id FROM exclusions WHERE removed_at IS NULL ORDER BY id LIMIT 1",
        "import_id" => "SELECT id FROM imports LIMIT 1",
        "user_id" => "SELECT id FROM users ORDER BY id LIMIT 1",
        "merchant_id" => "SELECT id FROM merchants LIMIT 1",
        "conversion_id" => "SELECT id FROM conversions LIMIT 1",
        other => panic!("say here which {other} the pages are tried with"),
    };
    let key: Result<i64, vouch::kit::error::AppError> =
        app.db.run_blocking(Scope::Instance, |conn| number(conn, sql));
    key.unwrap()
}

/// The addresses of every page that `wanted` may see.
fn pages(app: &TestApp, wanted: impl Fn(Access) -> bool) -> Vec<String> {
    let rows = TABLE.iter().filter(|row| row.method == "GET" && wanted(row.access));
    let paths = rows.map(|row| row.path).filter(|path| {
        !path.ends_with(".csv") && !NO_PAGES.contains(path) && !path.starts_with("/static/")
    });
    paths.flat_map(patterns).map(|path| fill(app, &path)).collect()
}

fn fill(app: &TestApp, pattern: &str) -> String {
    let mut path = pattern.to_owned();
    for platform in ["bigcommerce", "woocommerce"] {
        if pattern.contains(&format!("/{platform}/")) {
            path = path.replace("{store_id}", &key_for(app, platform).to_string());
        }
    }
    while let (Some(begin), Some(end)) = (path.find('{'), path.find('}')) {
        let key = key_for(app, &path[begin + 1..end]).to_string();
        path.replace_range(begin..=end, &key);
    }
    path
}

async fn sign_in(browser: &Browser, email: &str) {
    browser.goto("/login").await;
    browser.fill("#f-email", email).await;
    browser.fill("#f-password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.find("main:not(:has(#f-password))").await;
    two_factor::pass(browser).await;
    browser.find("main h1").await;
}

async fn check_all(email: &str, wanted: impl Fn(Access) -> bool) {
    let app = demo_program();
    let browser = Browser::open(&app.base).await;
    sign_in(&browser, email).await;
    for path in pages(&app, wanted) {
        browser.goto(&path).await;
        browser.find("main h1").await;
        let name = path.trim_matches('/').replace('/', "-");
        browser.check_page(&format!("page-{name}")).await;
    }
}

#[actix_web::test]
async fn every_page_of_a_merchant_is_accessible_and_fits() {
    check_all("owner@juniper-sage.example", |access| matches!(access, Access::Member(_))).await;
}

#[actix_web::test]
async fn the_pages_of_affiliates_and_support_are_accessible_and_fit() {
    check_all("maria@sol-y-mar.example", |access| access == Access::Affiliate).await;
    check_all("support@vouch.example", |access| access == Access::Support).await;
}

#[actix_web::test]
async fn the_pages_for_applicants_are_accessible_and_fit() {
    let app = demo_program();
    let browser = Browser::open(&app.base).await;
    let path = "/join/juniper-and-sage";
    for (path, name) in [
        (path.to_owned(), "join"),
        (format!("{path}/sent"), "join-sent"),
        (format!("{path}/confirmed"), "join-confirmed"),
        (format!("{path}/confirmations/old"), "join-gone"),
        (format!("{path}/accounts/old"), "join-account-gone"),
    ] {
        browser.goto(&path).await;
        browser.find("main h1").await;
        browser.check_page(name).await;
    }
    // A refused form, and the link in a letter.
    browser.goto(path).await;
    browser.fill("#f-name", "Nia New").await;
    browser.fill("#f-email", "nia@new.example").await;
    browser.fill("#f-code", "maria10").await;
    browser.press("Submit application").await;
    browser.find("#error-summary").await;
    browser.check_page("join-refused").await;
}
