//! Every document, with the variables that were really sent, fits Shopify's own schema.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::Duration;
use serde_json::{Value, json};
use vouch_core::money::Rate;
use vouch_platforms::shopify::{
    Combines, DiscountAmount, Items, Minimum, Reference, Rules, Target, VERSION,
};
use vouch_platforms::{Client, TimeRange};

use super::{client, new_code, rules};
use crate::harness::shopify::ShopifyOrder;
use crate::harness::stores::MockStore;
use crate::harness::stores::shopify::Shop;
use crate::harness::then;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Rules that between them fill every field.
fn many_rules(items: Items, products: Items) -> Vec<Rules> {
    vec![
        rules(),
        Rules {
            takeoff: DiscountAmount::Amount { minor: 1_050, each_item: true },
            items,
            minimum: Minimum::Subtotal { minor: 2_500 },
            total_uses: Some(100),
            once_per_customer: true,
            one_time: false,
            subscription: true,
            combines: Combines { order: true, product: true, shipping: true },
            ..rules()
        },
        Rules {
            takeoff: DiscountAmount::Percent { rate: Rate::from_basis_points(1_234).unwrap() },
            items: products,
            minimum: Minimum::Quantity { items: 3 },
            ..rules()
        },
    ]
}

/// Sends everything that Vouch ever sends.
fn send_everything(shop: &MockStore<Shop>) {
    let mut plain = client(shop, None);
    plain.access().unwrap();
    let find = |target, typed: &str| {
        client(shop, None).find_item(target, &Reference::parse(typed).unwrap()).unwrap()
    };
    let collections = Items::Collections(vec![find(Target::Collections, "green-tea")]);
    let products =
        Items::Products(vec![find(Target::Products, "990001"), find(Target::Products, "matcha")]);
    for (number, rules) in (0..).zip(many_rules(collections, products)) {
        let mut client = client(shop, Some(rules));
        client.find_code(&format!("CODE{number}")).unwrap();
        client.create_code(&new_code(&format!("CODE{number}"), number)).unwrap();
    }
    shop.store().page = 2;
    let many = ["A", "B", "C"].map(str::to_owned).to_vec();
    shop.store().hold("DiscountCodeBxgy", json!({ "title": "Three", "tags": [] }), many);
    let mut cursor = None::<String>;
    loop {
        cursor = plain.codes(cursor.as_deref()).unwrap().next;
        if cursor.is_none() {
            break;
        }
    }
    let stale = (
        "1".to_owned(),
        "ORDERS_PAID".to_owned(),
        "https://old.example/hooks/shopify/7-a".to_owned(),
    );
    shop.store().webhooks.push(stale);
    plain.ensure_webhooks("https://vouch.example/hooks/shopify/7-a").unwrap();
    let order = ["CUP", "POT"]
        .iter()
        .fold(ShopifyOrder::new(1, then()), |order, sku| order.line(sku, 2, "5.00"))
        .refunded(9, 1, 1, "5.00", then());
    shop.store().put_order(&order);
    let period = TimeRange { from: then() - Duration::days(1), until: then() + Duration::days(1) };
    assert_eq!(plain.orders(&period, None).unwrap().rows.len(), 1);
}

#[test]
#[ignore = "needs node and Shopify's schema; script/test installs them and runs this"]
fn every_document_fits_shopifys_schema() {
    let shop = MockStore::shopify();
    send_everything(&shop);
    let sent: Vec<Value> = shop
        .requests()
        .iter()
        .filter(|request| request.path.ends_with("/graphql.json"))
        .map(crate::harness::stores::Request::json)
        .collect();
    let documents: BTreeSet<&str> = sent.iter().filter_map(|one| one["query"].as_str()).collect();
    let folder = root().join("crates/platforms/src/shopify/documents");
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        // Fragments are sent with the documents that name them.
        let is_sent = documents.iter().any(|sent| sent.contains(&text));
        assert!(is_sent, "{} was never sent", path.display());
    }

    let file = std::env::temp_dir().join(format!("vouch-test-sent-{}.json", std::process::id()));
    std::fs::write(&file, json!(sent).to_string()).unwrap();
    let schema = root().join(format!("target/tools/shopify/admin_{VERSION}.json.gz"));
    let checked = Command::new("node")
        .arg(root().join("tests/shopify/check.mjs"))
        .args([&schema, &file])
        .output()
        .unwrap();
    std::fs::remove_file(&file).unwrap();
    let said = String::from_utf8_lossy(&checked.stdout).into_owned()
        + &String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{said}");
}
