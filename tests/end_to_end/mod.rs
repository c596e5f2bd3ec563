//! What the pages are for, done in a real browser as people do it: each scenario once with and once
//! without JavaScript.

mod affiliates;
mod code_requests;
mod conversions;
mod dashboard;
mod imports;
mod keys;
mod manual_credit;
mod messages;
mod orders;
mod people;
mod pushes;
mod story;
mod triggers;

use actix_web::rt::task::spawn_blocking;
use chrono::{DateTime, TimeZone, Utc};

use crate::harness::browser::Browser;
use crate::harness::shopify::ShopifyOrder;
use crate::harness::{PASSWORD, TestApp};

/// A day that reads the same wherever the month stands before the day.
fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, 6, 16, 0, 0).unwrap()
}

/// One scenario: the program, and the owner at a browser.
struct Scenario {
    app: TestApp,
    browser: Browser,
    javascript: bool,
}

impl Scenario {
    /// A program that `prepare` fills, with its owner signed in, who sees the dashboard.
    async fn begin(javascript: bool, prepare: fn(&TestApp)) -> Self {
        Self::begin_as("owner@acme.example", javascript, prepare).await
    }

    /// The same for another member.
    async fn begin_as(email: &str, javascript: bool, prepare: fn(&TestApp)) -> Self {
        // The harness speaks HTTP on threads of its own: not on the browser's.
        let app = spawn_blocking(move || {
            let app = TestApp::start();
            prepare(&app);
            app
        });
        let app = app.await.unwrap();
        let browser = if javascript {
            Browser::open(&app.base).await
        } else {
            Browser::open_without_javascript(&app.base).await
        };
        browser.goto("/login").await;
        browser.fill("#f-email", email).await;
        browser.fill("#f-password", PASSWORD).await;
        browser.press("Sign in").await;
        browser.shows("h1", &["Dashboard"]).await;
        Self { app, browser, javascript }
    }

    /// By the main menu.
    async fn menu(&self, words: &str) {
        self.browser.menu(words).await;
        self.browser.shows("h1", &[words]).await;
    }

    /// By the left menu of an affiliate's page.
    async fn left_menu(&self, place: usize, words: &str) {
        self.browser.click(&format!(".local li:nth-child({place}) a")).await;
        self.browser.shows(".local [aria-current=page]", &[words]).await;
    }

    /// Lists follow their filters by themselves; without JavaScript there is a button.
    async fn apply(&self) {
        if !self.javascript {
            self.browser.press("Apply filters").await;
        }
    }

    /// Questions are only asked with JavaScript.
    async fn yes(&self, question: &str) {
        if self.javascript {
            self.browser.sees(question).await;
            self.browser.click("dialog .submit .btn:not([data-close])").await;
        }
    }

    /// What a download link leads to, as lines.
    async fn download(&self, css: &str) -> Vec<String> {
        let href = self.browser.attribute(css, "href").await;
        let file = self.app.owner().get(&href);
        assert_eq!(file.status, 200, "{href}");
        file.text().lines().map(str::to_owned).collect()
    }
}

/// An order that credits Ada with 9.00.
fn credited(app: &TestApp, id: u64, at: DateTime<Utc>) -> ShopifyOrder {
    let order = ShopifyOrder::new(id, at).code("ADA10", "10.00");
    assert_eq!(app.shopify("orders/create", &order.0).status, 200);
    order
}
