//! Account > Settings > Audit log.

use diesel::prelude::*;
use diesel_migrations::MigrationHarness as _;
use vouch::kit::db::migrate::{self, MIGRATIONS};

use crate::harness::{Page, Person, TestApp};

const LOG: &str = "/settings/audit-log";

fn actions(log: &Page) -> Vec<String> {
    log.values("tbody tr", "data-action")
}

fn act(app: &TestApp, owner: &Person) {
    let path = format!("/triggers/{}/retirement", app.fixture.ada10_id);
    assert_eq!(owner.post_signed(&path, &[]).status, 303);
}

#[test]
fn every_act_says_who_what_when_from_where_and_what_changed() {
    let app = TestApp::start();
    let owner = app.owner();
    act(&app, &owner);
    let form = [("name", "Acme Teas"), ("time_zone", "Europe/Berlin")];
    assert_eq!(owner.post_signed("/settings/general", &form).status, 303);
    let log = app.viewer().get(LOG);
    let newest = log.all("tbody tr").into_iter().next().unwrap();
    assert_eq!(actions(&log)[..2], ["merchant.changed", "trigger.retired"]);
    for part in ["Olga Owner", "Member · 127.0.0.1"] {
        assert!(newest.contains(part), "{newest}");
    }
    assert_eq!(log.all("tbody tr:first-child del"), ["Acme Tea", "America/New_York"]);
    assert_eq!(log.all("tbody tr:first-child ins"), ["Acme Teas", "Europe/Berlin"]);
    assert!(log.one("[data-action='trigger.retired'] th").contains("ADA10"), "{}", log.text());
    assert!(log.one("[data-action='merchant.created'] th").contains("Acme Tea"));
    assert!(log.has("[data-action='merchant.created'] .behind"));
}

#[test]
fn the_log_is_filtered_paged_and_exported() {
    let app = TestApp::start();
    let owner = app.owner();
    act(&app, &owner);
    let (retired, created) = (("trigger.retired", "ADA10"), ("merchant.created", "acme-tea"));
    for (query, some, none) in [
        ("about=trigger", retired, created),
        ("by=system", created, retired),
        ("until=2026-01-02", created, retired),
        ("from=2026-01-03", retired, created),
    ] {
        let page = owner.get(&format!("{LOG}?{query}"));
        let listed = actions(&page);
        let is_listed = |(action, _): (&str, &str)| listed.iter().any(|listed| listed == action);
        assert!(is_listed(some) && !is_listed(none), "{query}: {listed:?}");
        assert_eq!(page.attribute(".chips a", "href").as_deref(), Some(LOG), "{query}");
        let file = owner.get(&format!("{LOG}.csv?{query}")).csv();
        let mut rows = csv::Reader::from_reader(file.as_bytes());
        assert_eq!(rows.headers().unwrap().len(), 8);
        let named: Vec<String> =
            rows.records().map(|row| row.unwrap().as_slice().to_owned()).collect();
        assert!(named.iter().any(|row| row.contains(some.1)), "{query}: {file}");
        for (_, value) in [some, none] {
            let count = |rows: &[String]| rows.iter().filter(|row| row.contains(value)).count();
            assert_eq!(count(&named), count(&page.all("tbody tr")), "{query}, {value}: {file}");
        }
    }
    let nothing = owner.get(&format!("{LOG}?about=delivery"));
    assert!(actions(&nothing).is_empty() && nothing.has(&format!("#results a[href='{LOG}']")));
    for _ in 0..30 {
        act(&app, &owner);
        let path = format!("/triggers/{}/reinstatement", app.fixture.ada10_id);
        assert_eq!(owner.post_signed(&path, &[]).status, 303);
    }
    let first = owner.get(LOG);
    assert_eq!(first.all("tbody tr").len(), 50);
    let next = owner.get(&first.attribute("a[rel=next]", "href").unwrap());
    let back = owner.get(&next.attribute("a[rel=prev]", "href").unwrap());
    assert_eq!(back.all("tbody tr"), first.all("tbody tr"));
}

#[test]
fn a_log_is_its_own_programs_alone() {
    let app = TestApp::start();
    act(&app, &app.owner());
    let stranger = app.stranger();
    for path in [LOG.to_owned(), format!("{LOG}.csv")] {
        assert!(!stranger.get(&path).text().contains("Acme Tea"), "{path}");
    }
    let listed = actions(&stranger.get(LOG));
    assert!(!listed.is_empty() && !listed.iter().any(|action| action == "trigger.retired"));
}

/// What a merchant does in an ordinary week.
fn week(app: &TestApp, owner: &Person) {
    let offer = app.fixture.offer_id;
    act(app, owner);
    let form = [("name", "Acme Teas"), ("time_zone", "Europe/Berlin")];
    assert_eq!(owner.post_signed("/settings/general", &form).status, 303);
    let path = format!("/offers/{offer}");
    let answer =
        owner.submit(&owner.get(&path), &format!("form[action='{path}']"), &[("name", "Better")]);
    assert_eq!(answer.status, 303);
}

#[test]
fn changes_have_labels_and_words_and_neither_column_names_nor_json() {
    let app = TestApp::start();
    let owner = app.owner();
    week(&app, &owner);
    let log = owner.get(LOG);
    let labels = log.all(".behind dt");
    for label in ["Name", "Time zone", "Retired", "Currency", "Role", "Type", "Affiliate", "Offer"]
    {
        assert!(labels.iter().any(|found| found == label), "{label}: {labels:?}");
    }
    assert!(!labels.iter().any(|label| label.contains('_')), "{labels:?}");
    let values = [log.all(".behind del"), log.all(".behind ins")].concat();
    let standard = values.iter().any(|value| value == "Standard" || value == "Better");
    assert!(standard, "an offer by its name: {values:?}");
    let is_raw = |value: &String| value.contains(['{', '[', '"']) || value.contains("_id");
    assert!(!values.iter().any(is_raw), "{values:?}");
    let file = owner.get(&format!("{LOG}.csv")).csv();
    let mut rows = csv::Reader::from_reader(file.as_bytes());
    for row in rows.records().map(Result::unwrap) {
        for side in [&row[6], &row[7]] {
            let side = side.replace("America/New_York", "");
            assert!(!side.contains(['{', '[', '_']), "{side}");
        }
    }
}

#[test]
fn every_kind_of_event_can_be_selected() {
    let app = TestApp::start();
    let owner = app.owner();
    let invited = [("email", "new@acme.example"), ("name", "New"), ("role", "viewer")];
    assert_eq!(owner.post_signed("/settings/team/invitations", &invited).status, 303);
    let opened = [("is_open", "true"), ("code_requirement", "no"), ("approval", "member")];
    assert_eq!(owner.post_signed("/registration", &opened).status, 303);
    let written: Vec<Stored> = app.within(|conn| {
        diesel::sql_query("SELECT DISTINCT subject_kind AS line FROM audit_log").load(conn)
    });
    let offered = owner.get(LOG).values("[name=about] option", "value");
    for Stored { line } in written {
        assert!(offered.contains(&line), "{line} of {offered:?}");
    }
    for kind in ["invitation", "registration"] {
        let page = owner.get(&format!("{LOG}?about={kind}"));
        assert_eq!(page.all("tbody tr").len(), 1, "{kind}: {}", page.text());
    }
}

const BANK: &str = "DE02 1203 0000 0000 2020 51";

#[test]
fn where_affiliates_are_paid_is_read_by_those_who_pay_alone() {
    let app = TestApp::start();
    let ada = app.affiliate();
    let page = ada.get("/portal/settings");
    let form = "form[action='/portal/settings']";
    assert_eq!(ada.submit(&page, form, &[("payout_details", BANK)]).status, 303);
    assert!(ada.get("/portal/settings").text().contains(BANK), "it's their own");
    let stored: Vec<String> = app.within(|conn| {
        let row = "SELECT params::text || before::text || after::text AS line FROM audit_log \
                   WHERE action = 'affiliate.changed'";
        let lines = diesel::sql_query(row).load::<Stored>(conn)?;
        Ok(lines.into_iter().map(|stored| stored.line).collect())
    });
    assert!(stored.len() == 1 && !stored[0].contains("DE02"), "{stored:?}");

    let (owner, admin, viewer, support) = (app.owner(), app.admin(), app.viewer(), app.support());
    let of_ada = format!("/affiliates/{}", app.fixture.ada_id);
    let pages = [of_ada.as_str(), "/affiliates.csv", "/affiliates", LOG, "/settings/audit-log.csv"];
    for person in [&owner, &admin] {
        let seen: Vec<&str> =
            pages.into_iter().filter(|path| person.get(path).text().contains(BANK)).collect();
        assert_eq!(seen, [of_ada.as_str(), "/affiliates.csv"], "for a payout, and not in the log");
        assert!(person.get(LOG).all(".behind dt").contains(&"Payout details".to_owned()));
    }
    let see_nothing = |person: &Person, paths: &[&str]| {
        for path in paths {
            let page = person.get(path);
            assert!(page.status == 200 && !page.text().contains(BANK), "{path}");
        }
    };
    see_nothing(&viewer, &pages);
    let header = viewer.get("/affiliates.csv").csv().lines().next().unwrap().to_owned();
    assert!(!header.contains("Payment"), "{header}");
    let views = format!("/support/merchants/{}/views", app.fixture.merchant_id);
    let as_owner = app.fixture.owner_id.to_string();
    support.post_signed(&views, &[("user_id", &as_owner)]);
    see_nothing(&support, &pages);
    support.post_signed("/support/views/end", &[]);
    support.post_signed(&views, &[("affiliate", "ada@affiliates.example")]);
    see_nothing(&support, &["/portal/settings", "/portal"]);
}

/// A row of the version before, which had it.
#[test]
fn payout_details_of_an_earlier_version_leave_the_log() {
    let app = TestApp::start();
    let mut conn = app.as_owner();
    while applied(&mut conn, "20261130000062") {
        conn.revert_last_migration(MIGRATIONS).unwrap();
    }
    app.within(|conn| {
        diesel::sql_query(format!(
            "INSERT INTO audit_log (merchant_id, actor_kind, actor_name, action, subject_kind, subject_id, \
                 summary, before, after) \
             VALUES ({}, 'affiliate', 'Ada', 'affiliate.changed', 'affiliate', {}, \
                 'Changed name, payment address of Ada.', '{{\"payment address\": \"{BANK}\", \"name\": \"A\"}}', \
                 '{{\"payment address\": \"DE99\", \"name\": \"Ada\"}}')",
            app.fixture.merchant_id, app.fixture.ada_id
        ))
        .execute(conn)
    });
    app.migrate();
    let stored: Vec<Stored> = app.within(|conn| {
        let row = "SELECT concat_ws('|', summary, before::text, after::text) AS line FROM audit_log \
                   WHERE actor_kind = 'affiliate'";
        diesel::sql_query(row).load(conn)
    });
    assert_eq!(
        stored[0].line,
        "Changed name, payment address of Ada.|{\"name\": \"A\"}|\
         {\"name\": \"Ada\", \"payment_address_changed\": true}"
    );
}

fn applied(conn: &mut PgConnection, version: &str) -> bool {
    migrate::applied(conn).unwrap().iter().any(|applied| applied == version)
}

#[derive(QueryableByName)]
struct Stored {
    #[diesel(sql_type = diesel::sql_types::Text)]
    line: String,
}
