//! `script/mock-stores`: a mock store of each platform for a Vouch on this machine, and a control page
//! that changes them over HTTP.

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
#[ignore = "runs until it's stopped, by script/mock-stores"]
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
                ("Store domain", &format!("http://{SHOPIFY}")),
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
                ("Site URL", &format!("http://{WOOCOMMERCE}")),
                ("Consumer key", woocommerce::CONSUMER_KEY),
                ("Consumer secret", woocommerce::CONSUMER_SECRET),
            ],
        ),
    ];
    format!(
        "\nThree mock stores run until Ctrl-C and save nothing. Start Vouch with \
         `--local-stores 1`.\n\n{}\n\
         FAULT applies to the next call: slow, html, truncated, lost, throttled, redirect, or a status \
         such as 429 or 503.\nlost-after-write applies to the next created code. &times=5 repeats a fault.",
        stores.join("\n")
    )
}

/// How to connect a store, and the commands for it.
fn shelf<P: Platform + shelves::Shelf>(title: &str, fields: &[(&str, &str)]) -> String {
    let mut text = format!("== {title}\n");
    for (label, value) in fields {
        text.push_str(&format!("   {label:18}  {value}\n"));
    }
    let actions = [
        ("", "show the store's contents"),
        // copy: output of the mock stores
        ("codes?code=SPRING", "create a code in the store"),
        (
            "orders?code=SPRING",
            "create an order of 100.00 with 10.00 off (&silently=1 loses its webhook)",
        ),
        ("orders/ORDER/refund", "refund half of the order"),
        ("orders/ORDER/cancellation", "cancel the order"),
        ("access/revoked", "revoke access (also: without-codes, restored)"),
        ("faults?fault=FAULT", "cause an error, see below"),
        ("recovery", "end all errors"),
    ];
    for (path, what) in actions {
        let (verb, slash) = if path.is_empty() { ("", "") } else { ("-X POST ", "/") };
        let line = format!("curl {verb}'http://{CONTROL_PAGE}/{}{slash}{path}'", P::NAME);
        text.push_str(&format!("   {line:72} # {what}\n"));
    }
    text
}
