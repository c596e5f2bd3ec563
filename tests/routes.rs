//! docs/routes.md says who may reach which URL: what it says is what `access` tests over HTTP.

use std::fmt::Write as _;

use vouch::app::routes::TABLE;
use vouch::features::auth::Route;

use crate::access::{Expected, TestRole, expected};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/routes.md");

// copy: generated documentation
const HEAD: &str = "\
# Roles and routes

After a change to the table in `src/app/routes.rs`, generate this page:

    cargo test --test all routes:: -- --ignored

`tests/access.rs` checks each row for each role over HTTP. It also checks that another program's objects get the same
response as missing ones.

| cell | meaning |
| --- | --- |
| ✓ | allowed |
| – | refused with 403 |
| sign in | redirected to sign-in |
| credential | requires a store's signature (`/hooks`), an API key with the scope (`/api/v1`) or the metrics token (`/metrics`, 404 without it) |

Support staff who view a program as one of its members can read what that member can read, and change nothing.

| | URL | no one signed in | affiliate | viewer | admin | owner | support |
| --- | --- | --- | --- | --- | --- | --- | --- |
";

fn cell(row: &Route, test_role: TestRole) -> &'static str {
    match expected(row, test_role) {
        Expected::Allowed => "✓",
        Expected::Forbidden => "–",
        Expected::SignIn => "sign in",
        Expected::Missing | Expected::Unauthorized => "credential",
    }
}

fn document() -> String {
    let test_roles = [
        TestRole::Anonymous,
        TestRole::Affiliate,
        TestRole::Viewer,
        TestRole::Admin,
        TestRole::Owner,
        TestRole::Support,
    ];
    let mut text = HEAD.to_owned();
    for row in TABLE {
        write!(text, "| {} | `{}` |", row.method, row.path).unwrap();
        for test_role in test_roles {
            write!(text, " {} |", cell(row, test_role)).unwrap();
        }
        text.push('\n');
    }
    text
}

#[test]
fn the_documented_routes_are_those_of_the_table() {
    let written = std::fs::read_to_string(FILE).unwrap();
    assert!(
        written == document(),
        "docs/routes.md is out of date: cargo test --test all routes:: -- --ignored"
    );
}

#[test]
#[ignore = "writes docs/routes.md"]
fn write_the_document() {
    std::fs::write(FILE, document()).unwrap();
}

/// Paths that docs/changes.md names as former ones, and what they are now.
const FORMER: &[(&str, &str, &str)] = &[
    ("GET", "/places", "/programs"),
    ("POST", "/places", "/programs"),
    ("GET", "/support/mail", "/support/emails"),
    ("POST", "/support/mail/{email_id}/disclosure", "/support/emails/{email_id}/disclosure"),
    ("POST", "/support/mail/{email_id}/retry", "/support/emails/{email_id}/retry"),
    ("GET", "/settings/stores/{store_id}/comparison", "/settings/stores/{store_id}/code-sync"),
    ("POST", "/settings/stores/{store_id}/comparison", "/settings/stores/{store_id}/code-sync"),
    (
        "GET",
        "/settings/stores/{store_id}/comparison.csv",
        "/settings/stores/{store_id}/code-sync.csv",
    ),
    (
        "POST",
        "/settings/stores/{store_id}/comparison/counted-codes",
        "/settings/stores/{store_id}/code-sync/counted-codes",
    ),
    (
        "POST",
        "/settings/stores/{store_id}/comparison/repairs",
        "/settings/stores/{store_id}/code-sync/repairs",
    ),
    ("GET", "/settings/stores/{store_id}/catch-ups", "/settings/stores/{store_id}/backfills"),
    ("POST", "/settings/stores/{store_id}/catch-ups", "/settings/stores/{store_id}/backfills"),
    ("GET", "/settings/woocommerce/{store_id}/codes", "/settings/woocommerce/{store_id}/discounts"),
    (
        "POST",
        "/settings/woocommerce/{store_id}/codes",
        "/settings/woocommerce/{store_id}/discounts",
    ),
    (
        "POST",
        "/settings/bigcommerce/{store_id}/rules",
        "/settings/bigcommerce/{store_id}/discounts",
    ),
    ("POST", "/settings/bigcommerce/credentials", "/settings/bigcommerce"),
];

#[test]
fn former_paths_answer_like_the_ones_after_them() {
    let changes = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/changes.md");
    let changes = std::fs::read_to_string(changes).unwrap();
    let row = |method: &str, path: &str| {
        let path =
            path.replace("/woocommerce", "/{platform}").replace("/bigcommerce", "/{platform}");
        TABLE.iter().find(|row| (row.method, row.path) == (method, path.as_str()))
    };
    for (method, former, path) in FORMER {
        let (was, is) = (row(method, former), row(method, path));
        assert!(was.is_some() && is.is_some(), "{method} {former}");
        assert_eq!(was.map(|row| row.access), is.map(|row| row.access), "{method} {former}");
        assert!(changes.contains(&format!("{former}`")), "docs/changes.md lacks {former}");
    }
}
