//! Settings > Privacy, and the command.

use diesel::prelude::*;
use vouch::kit::db::schema::{audit_log, orders, retention_settings};

use super::tables_with;
use crate::harness::TestApp;
use crate::harness::shopify::ShopifyOrder;
use crate::harness::then;

const PAGE: &str = "/settings/privacy";

fn bought() -> TestApp {
    let app = TestApp::start();
    let order = ShopifyOrder::new(1, then() + chrono::Duration::days(9)).code("ADA10", "10.00");
    assert_eq!(app.shopify("orders/create", &order.email("cleo.w3vz@x.example").0).status, 200);
    app
}

#[test]
fn only_an_owner_gets_there() {
    let app = bought();
    assert_eq!(app.owner().get(PAGE).status, 200);
    assert!(app.owner().get("/settings/general").has("a[href='/settings/privacy']"));
    for person in [app.admin(), app.viewer()] {
        assert_eq!(person.get(PAGE).status, 403);
        assert!(!person.get("/settings/general").has("a[href='/settings/privacy']"));
        let fields = [("email", "cleo.w3vz@x.example"), ("confirmation", "cleo.w3vz@x.example")];
        for path in ["people", "exports", "erasures", "retention"] {
            assert_eq!(
                person.post_signed(&format!("{PAGE}/{path}"), &fields).status,
                403,
                "{path}"
            );
        }
    }
    assert!(tables_with(&app, "w3vz").contains("orders"));
}

#[test]
fn a_person_is_found_exported_previewed_and_erased() {
    let app = bought();
    let owner = app.owner();
    let page = owner.get(PAGE);
    let person = owner.submit(&page, "form[action$=people]", &[("email", " Cleo.W3VZ@x.example ")]);
    assert_eq!(person.status, 200);
    assert!(person.all("[data-preview] dd").contains(&"1".to_owned()));
    assert!(tables_with(&app, "w3vz").contains("orders"), "a preview changes nothing");

    let file = owner.submit(&person, "form[action$=exports]", &[]);
    assert_eq!(file.header("content-disposition"), Some("attachment; filename=\"person.json\""));
    let json = file.json();
    assert_eq!(json["program"], "Acme Tea");
    assert_eq!(json["orders"][0]["customer_email"], "cleo.w3vz@x.example");
    assert_eq!(json["webhook_deliveries"][0]["body"]["email"], "cleo.w3vz@x.example");
    assert!(!file.text().contains("body_gzip"));

    let erase = "form[action$=erasures]";
    let wrong = owner.submit(&person, erase, &[("confirmation", "cleo@x.example")]);
    assert_eq!(wrong.status, 422);
    assert!(wrong.has("#f-confirmation[aria-invalid=true]"));
    assert_eq!(wrong.value_of("#f-confirmation"), "cleo@x.example", "as typed");
    let done = owner.submit(&wrong, erase, &[("confirmation", "cleo.w3vz@x.example")]);
    assert_eq!(done.location(), Some(PAGE));
    assert!(!owner.follow(&done).text().contains("w3vz"));
    assert_eq!(tables_with(&app, "w3vz"), Default::default());

    let again = owner.submit(&page, "form[action$=people]", &[("email", "cleo.w3vz@x.example")]);
    assert_eq!(again.status, 200);
    assert!(!again.has(erase), "nothing is stored of them");
    let acts: Vec<(String, String)> = app.within(|conn| {
        audit_log::table
            .filter(audit_log::subject_kind.eq("person"))
            .order(audit_log::id)
            .select((audit_log::action, audit_log::actor_name))
            .load(conn)
    });
    let names: Vec<&str> = acts.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(names, ["person.exported", "person.erased"]);
    let log = owner.get("/settings/audit-log");
    assert_eq!(log.status, 200);
    let order: i64 = app.within(|conn| orders::table.select(orders::id).first(conn));
    assert_eq!(owner.get(&format!("/orders/{order}")).status, 200);
}

#[test]
fn an_export_has_what_is_stored_of_an_affiliate_and_no_secret() {
    let app = bought();
    let owner = app.owner();
    let fields = [("email", "ada@affiliates.example")];
    let file = owner.post_signed(&format!("{PAGE}/exports"), &fields);
    let json = file.json();
    assert_eq!(json["affiliates"][0]["name"], "Ada Active");
    assert_eq!(json["conversion_triggers"][0]["value"], "ADA10");
    assert_eq!(json["conversions"].as_array().unwrap().len(), 1);
    assert_eq!(json["ledger"].as_array().unwrap().len(), 1);
    assert_eq!(json["account"][0]["email"], "ada@affiliates.example");
    let recorded = json["audit_log"].as_array().unwrap();
    let has_text =
        |row: &serde_json::Value| row["summary"].as_str().is_some_and(|text| !text.is_empty());
    assert!(!recorded.is_empty() && recorded.iter().all(has_text), "{recorded:?}");
    for secret in ["password", "token_hash", "two_factor_secret", "argon2"] {
        assert!(!file.text().contains(secret), "{secret}");
    }
    assert!(!file.text().contains("Borealis"), "of this program alone");
}

#[test]
fn nobody_learns_of_an_account_elsewhere() {
    let app = TestApp::start();
    let owner = app.owner();
    let page = owner.get(PAGE);
    for email in ["owner@borealis.example", "support@vouch.example", "nobody@x.example"] {
        let answer = owner.submit(&page, "form[action$=people]", &[("email", email)]);
        assert_eq!(answer.status, 200);
        assert!(
            !answer.has("form[action$=erasures]") && !answer.has("form[action$=exports]"),
            "{email}"
        );
    }
    let wrong = owner.submit(&page, "form[action$=people]", &[("email", "no address")]);
    assert_eq!(wrong.status, 422);
    assert_eq!(wrong.value_of("#f-email"), "no address");
}

#[test]
fn retention_periods_are_saved_or_come_back_as_typed() {
    let app = TestApp::start();
    let owner = app.owner();
    let page = owner.get(PAGE);
    let form = "form[action$=retention]";
    let wrong = owner.submit(&page, form, &[("bodies", "0"), ("customers", "many")]);
    assert_eq!(wrong.status, 422);
    assert_eq!(wrong.values("[aria-invalid=true]", "name"), ["bodies", "customers"]);
    assert_eq!(wrong.value_of("#f-customers"), "many");
    let saved = owner.submit(&page, form, &[("bodies", "7"), ("customers", "365")]);
    assert_eq!(saved.status, 303);
    let days: (i32, i32, i32) = app.within(|conn| {
        retention_settings::table
            .select((
                retention_settings::bodies_days,
                retention_settings::customers_days,
                retention_settings::audit_ips_days,
            ))
            .first(conn)
    });
    assert_eq!(days, (7, 365, 180));
    assert_eq!(owner.get(PAGE).value_of("#f-bodies"), "7");
}

/// Tables without a person's data, so that a new one has to be put here or into docs/privacy.md.
const WITHOUT_PEOPLE: [&str; 24] = [
    "__diesel_schema_migrations",
    "affiliate_daily_rollups",
    "affiliate_terms",
    "calculation_rules",
    "code_sync_results",
    "daily_rollups",
    "delivery_failures",
    "derived_keys",
    "exclusion_periods",
    "exclusion_terms",
    "form_responses",
    "instance_key",
    "job_queues",
    "jobs",
    "offer_terms",
    "offers",
    "one_time_keys",
    "pushes",
    "retention_settings",
    "return_rules",
    "server_processes",
    "store_clocks",
    "trigger_rollups",
    "trigger_owners",
];

#[test]
fn the_documentation_names_every_table_with_personal_data() {
    let app = TestApp::start();
    let tables = super::tables(&app);
    let docs = include_str!("../../docs/privacy.md");
    let rows: Vec<&str> = docs.lines().filter(|line| line.starts_with("| `")).collect();
    let is_named = |table: &str| {
        rows.iter().any(|row| {
            row.split('|').nth(1).is_some_and(|cell| cell.contains(&format!("`{table}`")))
        })
    };
    for table in &tables {
        let without = WITHOUT_PEOPLE.contains(&table.as_str());
        assert!(is_named(table) != without, "{table}");
    }
}
