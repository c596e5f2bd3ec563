//! The look of Vouch: pages out of every layout and macro, filled with samples, in a real browser.

mod sample;

use std::net::TcpListener;

use actix_web::middleware::from_fn;
use actix_web::rt;
use actix_web::web::{self, Html};
use actix_web::{App, HttpResponse, HttpServer};
use askama::Template as _;
use serde::Deserialize;
use vouch::kit::web::form::FormErrors;
use vouch::kit::web::{assets, guard};

use crate::harness::browser::Browser;
use sample::{DetailPage, DialogPage, GatePage, ListPage, SamplePage};

const PAGES: [&str; 4] = ["/affiliates", "/affiliates/1", "/dialog", "/login"];

#[actix_web::test]
async fn every_sample_page_passes_axe_in_light_and_dark_and_fits_320_pixels() {
    let browser = Browser::open(&serve()).await;
    for path in PAGES {
        browser.goto(path).await;
        browser.check_page(&format!("sample{}", path.replace('/', "-"))).await;
    }
}

#[actix_web::test]
async fn without_javascript_nothing_is_hidden_that_is_needed_and_nothing_shows_that_cannot_work() {
    let browser = Browser::open_without_javascript(&serve()).await;
    browser.goto("/affiliates").await;
    assert!(browser.find(".filters .no-js").await.is_displayed().await.unwrap());
    assert!(browser.find(".bulk button").await.is_displayed().await.unwrap());
    browser.goto("/affiliates/1").await;
    assert!(browser.find(".combobox-row button").await.is_displayed().await.unwrap());
    assert!(!browser.find(".copy").await.is_displayed().await.unwrap());
    browser.press("Add Trigger").await;
    assert_eq!(browser.path().await, "/dialog");
}

#[actix_web::test]
async fn a_dialog_shows_a_refused_form_again_and_closes_with_the_focus_back_on_its_link() {
    let browser = Browser::open(&serve()).await;
    browser.goto("/affiliates").await;
    browser.press("New Trigger").await;
    assert_eq!(browser.text("dialog h2").await, "Add Trigger");
    assert!(browser.axe().await.is_empty(), "{:#?}", browser.axe().await);
    browser.click("dialog .btn-primary").await;
    browser.find("dialog #error-summary").await;
    assert!(browser.axe().await.is_empty(), "{:#?}", browser.axe().await);
    browser.screenshot("sample-dialog").await;
    assert_eq!(browser.path().await, "/affiliates");
    browser.click("dialog .icon-button[data-close]").await;
    let focused = browser.client().active_element().await.unwrap();
    assert_eq!(focused.text().await.unwrap(), "New Trigger");
}

#[actix_web::test]
async fn the_combobox_finds_chooses_by_keyboard_and_forgets_its_choice_when_one_types_on() {
    let browser = Browser::open(&serve()).await;
    browser.goto("/affiliates/1").await;
    browser.fill("#f-affiliate_id", "mar").await;
    browser.find("#f-affiliate_id-list [data-value='7']").await;
    assert!(browser.axe().await.is_empty(), "{:#?}", browser.axe().await);
    let field = browser.find("#f-affiliate_id").await;
    field.send_keys("\u{e015}\u{e015}\u{e007}").await.unwrap();
    let chosen = browser.find("input[name=affiliate_id]").await;
    assert_eq!(chosen.prop("value").await.unwrap().as_deref(), Some("8"));
    assert_eq!(field.prop("value").await.unwrap().as_deref(), Some("Marta Nowak"));
    field.send_keys("x").await.unwrap();
    let left = browser.client().find_all(fantoccini::Locator::Css("input[name=affiliate_id]"));
    assert!(left.await.unwrap().is_empty());
}

#[actix_web::test]
async fn choosing_rows_counts_them_and_a_confirmation_can_be_refused() {
    let browser = Browser::open(&serve()).await;
    browser.goto("/affiliates").await;
    assert!(!browser.find(".bulk").await.is_displayed().await.unwrap());
    let top = "return document.querySelector('tbody tr').getBoundingClientRect().top";
    let before = browser.client().execute(top, Vec::new()).await.unwrap();
    browser.click("[data-select-all]").await;
    assert_eq!(browser.text("[data-count]").await, "7 selected");
    let after = browser.client().execute(top, Vec::new()).await.unwrap();
    assert_eq!(before, after, "no row moves under the pointer");
    browser.click("input[value=k9p2]").await;
    assert_eq!(browser.text("[data-count]").await, "6 selected");
    browser.click(".bulk [data-confirm]").await;
    let question = browser.attribute(".bulk [data-confirm]", "data-confirm").await;
    assert!(question.starts_with(&browser.text("dialog h2").await));
    browser.press("Cancel").await;
    assert_eq!(browser.path().await, "/affiliates");
    browser.click(".bulk [data-confirm]").await;
    assert!(browser.axe().await.is_empty(), "{:#?}", browser.axe().await);
    browser.click("dialog .btn-danger").await;
    browser.sees("action=deny").await;
}

#[actix_web::test]
async fn a_list_follows_what_is_typed_and_chosen_and_keeps_it_in_the_address() {
    let browser = Browser::open(&serve()).await;
    browser.goto("/affiliates").await;
    browser.fill("#q-q", "Pri").await;
    browser.find("#results tbody tr:only-child input[value=n8w4]").await;
    assert_eq!(browser.path().await, "/affiliates?q=Pri&status=");
    browser.select("#q-status", "denied").await;
    browser.find("#results tbody:not(:has(tr))").await;
    assert_eq!(browser.path().await, "/affiliates?q=Pri&status=denied");
    let bulk = browser.find("#results .bulk").await;
    assert!(!bulk.is_displayed().await.unwrap(), "nothing is selected in the new list");
}

#[actix_web::test]
#[ignore = "saves screenshots in target/screens"]
async fn pictures() {
    let browser = Browser::open(&serve()).await;
    for path in PAGES {
        for (width, height) in [(1280, 800), (390, 844)] {
            browser.viewport(width, height).await;
            for dark in [false, true] {
                browser.dark(dark).await;
                browser.goto(path).await;
                let scheme = if dark { "dark" } else { "light" };
                browser
                    .screenshot(&format!("sample{}-{width}-{scheme}", path.replace('/', "-")))
                    .await;
            }
        }
    }
    browser.goto("/affiliates").await;
    browser.press("Menu").await;
    browser.screenshot("sample-menu-390").await;
    browser.viewport(1000, 700).await;
    browser.goto("/affiliates").await;
    browser.screenshot("sample-affiliates-1000").await;
}

/// Serves the samples from a thread that lives as long as the tests do.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        rt::System::new().block_on(async move {
            let server = HttpServer::new(|| {
                App::new()
                    // The application's own policy: what works here needs nothing inline.
                    .wrap(from_fn(guard::headers))
                    .configure(assets::configure)
                    .route("/affiliates", web::get().to(list))
                    .route("/affiliates/1", web::get().to(detail))
                    .route("/affiliates/bulk", web::post().to(echo))
                    .route("/dialog", web::get().to(dialog))
                    .route("/triggers", web::post().to(refused))
                    .route("/options", web::get().to(options))
                    .route("/login", web::get().to(gate))
            });
            server.workers(1).listen(listener).unwrap().run().await.unwrap();
        });
    });
    url
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Filters {
    q: String,
    status: String,
}

async fn list(web::Query(Filters { q, status }): web::Query<Filters>) -> Html {
    let page = SamplePage { path: "/affiliates", flash: true };
    Html::new(ListPage { page, q, status }.render().unwrap())
}

async fn detail() -> Html {
    let page = SamplePage { path: "/affiliates/1", flash: false };
    let errors =
        FormErrors::one("value", "MARIA10 belongs to Daniel Cohen already. Free: MARIA11.");
    Html::new(DetailPage { page, value: "MARIA10", errors }.render().unwrap())
}

async fn refused() -> HttpResponse {
    HttpResponse::UnprocessableEntity()
        .content_type("text/html; charset=utf-8")
        .body(dialog_page(true).as_content().render().unwrap())
}

async fn dialog() -> Html {
    Html::new(dialog_page(false).render().unwrap())
}

fn dialog_page(refused: bool) -> DialogPage {
    let mut errors = FormErrors::new();
    if refused {
        errors.add("value", "MARIA10 belongs to Daniel Cohen already. Free: MARIA11, MARIA15.");
    }
    let page = SamplePage { path: "/affiliates/1", flash: false };
    DialogPage { page, value: if refused { "MARIA10" } else { "" }, errors }
}

async fn options() -> Html {
    Html::new(
        "<li role=option id=f-affiliate_id-7 data-value=7 data-shown='María Fernández' aria-selected=false><span>María Fernández</span><small>a3y7</small></li>\
         <li role=option id=f-affiliate_id-8 data-value=8 data-shown='Marta Nowak' aria-selected=false><span>Marta Nowak</span></li>",
    )
}

async fn echo(body: String) -> Html {
    Html::new(format!(
        "<!doctype html><html lang=en><title>Sent</title><main><h1>Sent</h1><p>{body}</p></main></html>"
    ))
}

async fn gate() -> Html {
    let page = SamplePage { path: "/login", flash: false };
    Html::new(
        GatePage { page, errors: FormErrors::one("email", "E-mail or password is wrong.") }
            .render()
            .unwrap(),
    )
}
