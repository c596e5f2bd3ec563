//! `script/mock-stores`: a store of each platform for a Vouch that runs on this machine, and a control page at
//! which somebody runs the stores over HTTP.

mod control_page;
mod going_through;
mod shelves;

use std::thread;

use self::control_page::ControlPage;
use crate::harness::stores::bigcommerce::{self, Bigcommerce};
use crate::harness::stores::shopify::{self, Shop};
use crate::harness::stores::woocommerce::{self, WooSite};
use crate::harness::stores::{MockStore, Platform};

const SHOPIFY: &str = "127.0.0.1:8091";
const BIGCOMMERCE: &str = "127.0.0.1:8092";
const WOOCOMMERCE: &str = "127.0.0.1:8093";
const CONTROL_PAGE: &str = "127.0.0.1:8090";

/// A shop that sends its webhooks to any Vouch on this machine.
fn shop() -> Shop {
    let mut shop = Shop::new();
    shop.sends_to_http = true;
    shop
}

#[test]
#[ignore = "stands until it is ended; script/mock-stores runs it"]
fn stand() {
    let control_page = ControlPage {
        shopify: MockStore::start_at(SHOPIFY, shop()),
        bigcommerce: MockStore::start_at(BIGCOMMERCE, Bigcommerce::new()),
        woocommerce: MockStore::start_at(WOOCOMMERCE, WooSite::new()),
    };
    let _control_page = MockStore::start_at(CONTROL_PAGE, control_page);
    println!("{}", welcome());
    loop {
        thread::park();
    }
}

fn welcome() -> String {
    let stores = [
        shelf::<Shop>(
            "Shopify, as an app or as a custom app",
            &[
                ("Shop address", &format!("http://{SHOPIFY}")),
                ("Client ID", shopify::CLIENT_ID),
                ("Client secret", shopify::CLIENT_SECRET),
                ("or: Access token", shopify::TOKEN),
                ("    API secret key", shopify::CLIENT_SECRET),
            ],
        ),
        shelf::<Bigcommerce>(
            "BigCommerce",
            &[
                ("API path", &format!("http://{BIGCOMMERCE}")),
                ("Client ID", bigcommerce::CLIENT_ID),
                ("Client secret", bigcommerce::CLIENT_SECRET),
                ("Access token", bigcommerce::TOKEN),
            ],
        ),
        shelf::<WooSite>(
            "WooCommerce",
            &[
                ("Site address", &format!("http://{WOOCOMMERCE}")),
                ("Consumer key", woocommerce::CONSUMER_KEY),
                ("Consumer secret", woocommerce::CONSUMER_SECRET),
            ],
        ),
    ];
    format!(
        "\nThree stores stand until Ctrl-C, and forget everything then. Vouch has to run with \
         --local-stores.\n\n{}\n\
         FAULT is the next call's: slow, html, truncated, lost, throttled, redirect, a status such \
         as 429 or 503;\nlost-after-write is the next creation's of a code. &times=5 for so many calls.",
        stores.join("\n")
    )
}

/// What to paste to connect a store, and what can be done with it.
fn shelf<P: Platform + shelves::Shelf>(title: &str, fields: &[(&str, &str)]) -> String {
    let mut text = format!("== {title}\n");
    for (label, value) in fields {
        text.push_str(&format!("   {label:18}  {value}\n"));
    }
    let actions = [
        ("", "what it holds"),
        ("codes?code=SPRING", "a code that somebody makes there"),
        ("orders?code=SPRING", "an order of 100.00, 10.00 off; &silently=1: its message is lost"),
        ("orders/ORDER/refund", "half of it is given back"),
        ("orders/ORDER/cancellation", "it is cancelled"),
        ("access/revoked", "also: without-codes, restored"),
        ("faults?fault=FAULT", "something goes wrong; see below"),
        ("recovery", "and nothing any more"),
    ];
    for (path, what) in actions {
        let (verb, slash) = if path.is_empty() { ("", "") } else { ("-X POST ", "/") };
        let line = format!("curl {verb}'http://{CONTROL_PAGE}/{}{slash}{path}'", P::NAME);
        text.push_str(&format!("   {line:72} # {what}\n"));
    }
    text
}
