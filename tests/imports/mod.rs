//! Conversion Trigger Bulk Upload: looked at first, then created.

mod changed;
mod existing;
mod files;
mod portions;

use std::time::{Duration, Instant};

use diesel::prelude::*;
use vouch::features::exclusions::{self, Dates, ExclusionScope, NewExclusion, Pattern};
use vouch::kit::db::schema::{
    audit_log, code_requests, import_rows, imports, pushes, stores, triggers,
};

use crate::harness::{Page, Person, TestApp, on_this_machine, then};

const UPLOADS: &str = "/triggers/imports";

fn send(person: &Person, file: impl AsRef<[u8]>) -> Page {
    let token = person.token();
    person.post_file(UPLOADS, &[("csrf", &token)], ("file", "codes.csv", file.as_ref()))
}

/// Chooses the file and looks at what would become of it.
fn look(person: &Person, file: impl AsRef<[u8]>) -> Page {
    let sent = send(person, file);
    assert_eq!(sent.status, 303, "{}", sent.text());
    person.follow(&sent)
}

/// The line, the code and the result of every row shown.
fn results(looked: &Page) -> Vec<(String, String, String)> {
    let lines = looked.all("tbody [data-label=Line]").into_iter();
    let codes = looked.all("tbody th code").into_iter();
    let results = looked.values("td[data-result]", "data-result").into_iter();
    lines.zip(codes).zip(results).map(|((line, code), result)| (line, code, result)).collect()
}

/// The results of the rows in the order of the file.
fn in_order(looked: &Page) -> Vec<String> {
    let mut rows = results(looked);
    rows.sort_by_key(|row| row.0.parse::<u32>().unwrap());
    rows.into_iter().map(|row| row.2).collect()
}

/// Presses the button, with these boxes ticked.
fn save(person: &Person, looked: &Page, ticks: &[&str]) -> Page {
    let ticks: Vec<(&str, &str)> = ticks.iter().map(|name| (*name, "true")).collect();
    save_with(person, looked, &ticks)
}

/// Presses the button, with these choices.
fn save_with(person: &Person, looked: &Page, choices: &[(&str, &str)]) -> Page {
    let form = looked.form("main form");
    let mut fields: Vec<(&str, &str)> =
        form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    fields.extend(choices);
    person.post(&form.action, &fields)
}

fn exclude(app: &TestApp, typed: &str) {
    let new = NewExclusion {
        pattern: Pattern::parse(typed).unwrap(),
        note: "Ours".to_owned(),
        scope: ExclusionScope::Claims,
        dates: Dates::default(),
    };
    app.within(|conn| Ok(exclusions::add(conn, &app.actor_at(then()), &new).unwrap()));
}

fn values(app: &TestApp) -> Vec<String> {
    app.within(|conn| triggers::table.order(triggers::key).select(triggers::value).load(conn))
}

/// `ADA10` is Ada's, `RESERVED1` is asked for by her, `BLACKFRIDAY*` is excluded, and codes go to the
/// store.
fn prepared() -> TestApp {
    let app = TestApp::start();
    prepare(&app);
    app
}

/// The same in a program that is there.
pub(crate) fn prepare(app: &TestApp) {
    app.enable_exclusions(app.fixture.merchant_id);
    exclude(app, "BLACKFRIDAY*");
    app.within(|conn| {
        diesel::insert_into(code_requests::table)
            .values((
                code_requests::merchant_id.eq(app.fixture.merchant_id),
                code_requests::affiliate_id.eq(app.fixture.ada_id),
                code_requests::code.eq("Reserved1"),
                code_requests::code_key.eq("RESERVED1"),
                code_requests::status.eq("pending"),
                code_requests::requested_at.eq(then()),
            ))
            .execute(conn)?;
        diesel::update(stores::table).set(stores::creates_codes.eq(true)).execute(conn)
    });
}

pub(crate) const FILE: &str = "Affiliate,Type,Code\n\
    ben@affiliates.example,Coupon Code,BEN10\n\
    BEN@affiliates.example,,ben10\n\
    ada@affiliates.example,coupon code,Ada10\n\
    ben@affiliates.example,Coupon Code,ADA10\n\
    nobody@example.com,Gift,two words\n\
    ben@affiliates.example,,two words\n\
    ben@affiliates.example,,BlackFriday-24\n\
    ben@affiliates.example,,reserved1\n\
    ben@affiliates.example,Customer Email,shopper@example.com\n\
    ben@affiliates.example,SKU,ADA10\n";

#[test]
fn every_row_is_judged_before_anything_is_saved_and_then_all_are_created_at_once() {
    let app = prepared();
    let owner = app.owner();
    let looked = look(&owner, FILE);
    assert_eq!(values(&app), ["ADA10"], "nothing is saved yet");
    let expected = [
        ("3", "ben10", "refused"),
        ("5", "ADA10", "refused"),
        ("6", "two words", "refused"),
        ("9", "reserved1", "refused"),
        ("7", "two words", "existing"),
        ("8", "BlackFriday-24", "excluded"),
        ("4", "Ada10", "known"),
        ("2", "BEN10", "new"),
        ("10", "shopper@example.com", "new"),
        ("11", "ADA10", "new"),
    ];
    let told = |(a, b, c): (&str, &str, &str)| (a.to_owned(), b.to_owned(), c.to_owned());
    assert_eq!(results(&looked), expected.map(told));
    let csv = owner.get(&format!("{}/refused.csv", looked.path)).csv();
    assert_eq!(csv.lines().count(), 8, "{csv}");

    let done = save(&owner, &looked, &[]);
    assert_eq!(done.status, 303, "{}", done.text());
    let shown = owner.follow(&done);
    assert!(shown.one("[role=status].tone-good").starts_with("3 "));
    assert_eq!(shown.all("tbody tr").len(), 7);
    assert_eq!(values(&app), ["ADA10", "ADA10", "BEN10", "shopper@example.com"]);
    let pushed: Vec<String> = app.within(|conn| {
        pushes::table
            .inner_join(triggers::table.on(triggers::id.eq(pushes::trigger_id)))
            .select(triggers::value)
            .load(conn)
    });
    assert_eq!(pushed, ["BEN10"], "codes alone go to the store");
    assert_eq!(owner.get("/triggers/imports").one("tbody th a"), "codes.csv");
    let again = save(&owner, &looked, &[]);
    assert_eq!(again.status, 303, "a second time");
    assert_eq!(again.location(), done.location());
    assert_eq!(values(&app).len(), 4);
    // What is created is Ben's from then on, and a trigger like any other.
    let id: i64 = app.within(|conn| {
        triggers::table.filter(triggers::value.eq("BEN10")).select(triggers::id).first(conn)
    });
    let page = owner.get(&format!("/triggers/{id}"));
    let history = page.one("[aria-labelledby=history]");
    assert!(history.contains("BEN10") && history.contains("Ben Second"), "{history}");
}

#[test]
fn exclusions_are_overridden_by_a_tick_that_the_audit_log_keeps() {
    let app = prepared();
    let admin = app.admin();
    let looked = look(&admin, FILE);
    let done = save(&admin, &looked, &["override_exclusions", "only_in_vouch"]);
    assert_eq!(done.status, 303);
    assert!(values(&app).contains(&"BlackFriday-24".to_owned()));
    assert_eq!(app.within(|conn| pushes::table.count().get_result::<i64>(conn)), 0);
    type Recorded = (Option<serde_json::Value>, String, Option<serde_json::Value>);
    let (params, who, after): Recorded = app.within(|conn| {
        audit_log::table
            .filter(audit_log::action.eq("trigger.imported"))
            .select((audit_log::params, audit_log::actor_name, audit_log::after))
            .first(conn)
    });
    let imported = serde_json::json!({ "count": 5, "file": "codes.csv", "overridden": 1 });
    assert_eq!(params, Some(imported));
    assert_eq!(who, "Adam Admin");
    let after = after.unwrap();
    assert_eq!(after["overridden"][0]["code"], "BlackFriday-24");
    assert_eq!(after["overridden"][0]["exclusion"], "BLACKFRIDAY*");
}

#[test]
fn what_changed_since_somebody_looked_is_to_be_looked_at_again() {
    let app = prepared();
    let owner = app.owner();
    let file = "Affiliate,Code\nben@affiliates.example,SPRING1\nben@affiliates.example,SPRING2\n";
    let looked = look(&owner, file);
    exclude(&app, "SPRING2");
    let refused = save(&owner, &looked, &[]);
    assert_eq!(refused.status, 422);
    assert!(refused.has("#error-summary"));
    assert_eq!(values(&app), ["ADA10"]);
    assert_eq!(save(&owner, &refused, &[]).status, 303, "what is seen now");
    assert_eq!(values(&app), ["ADA10", "SPRING1"]);
    // Nothing but excluded rows, and no tick.
    let looked = look(&owner, "Affiliate,Code\nben@affiliates.example,SPRING2\n");
    let nothing = save(&owner, &looked, &[]);
    assert_eq!(nothing.status, 422);
    assert!(nothing.has("#error-summary"));
}

#[test]
fn a_file_is_its_programs_own_and_what_is_no_such_file_is_refused_in_words() {
    let app = prepared();
    let owner = app.owner();
    for (file, named) in
        [("", ""), ("Coupon,Total\nA1,2\n", "Coupon, Total"), ("Affiliate\nx\n", "Code")]
    {
        let page = send(&owner, file);
        assert_eq!(page.status, 422);
        assert!(page.one("#f-file-error").contains(named), "{}", page.text());
    }
    let template = owner.get("/triggers/imports/template.csv");
    assert_eq!(look(&owner, template.text()).all("tbody tr").len(), 4);
    let looked = look(&owner, "Affiliate,Code\nben@affiliates.example,MINE1\n");
    let path = looked.path.clone();
    let viewer = app.viewer();
    assert_eq!(viewer.get(&path).status, 200);
    assert!(!viewer.get(&path).has("main form"), "viewers only look");
    assert_eq!(viewer.post_signed(&format!("{path}/completion"), &[]).status, 403);
    let stranger = app.stranger();
    for foreign in [path.clone(), format!("{path}/refused.csv")] {
        assert_eq!(stranger.get(&foreign).status, 404);
    }
    let fields = [("fine", "1"), ("excluded", "0")];
    assert_eq!(stranger.post_signed(&format!("{path}/completion"), &fields).status, 404);
    assert_eq!(stranger.post_signed("/triggers/imports/999/completion", &fields).status, 404);
    // Their own file names their own affiliates.
    let theirs = look(&stranger, "Affiliate,Code\nben@affiliates.example,X1\n");
    assert_eq!(in_order(&theirs), ["refused"]);
    assert_eq!(values(&app), ["ADA10"]);
    // A day later the file is forgotten, a saved one keeps its line.
    save(&owner, &looked, &[]);
    look(&owner, "Affiliate,Code\nben@affiliates.example,MINE2\nx,MINE3\n");
    let later = vouch::kit::clock::now() + chrono::Duration::hours(25);
    vouch::features::imports::sweep(&app.db, later).unwrap();
    let kept: Vec<String> =
        app.within(|conn| imports::table.select(imports::uploaded_by).load(conn));
    assert_eq!(kept.len(), 1);
    assert_eq!(app.within(|conn| import_rows::table.count().get_result::<i64>(conn)), 0);
}

#[test]
fn ten_thousand_rows_are_created_within_seconds() {
    let app = prepared();
    for n in 0..30 {
        exclude(&app, &format!("*X{n}X*"));
    }
    let mut file = "Affiliate,Code\n".to_owned();
    for n in 0..10_000 {
        file.push_str(&format!("ben@affiliates.example,BULK-{n}\n"));
    }
    let owner = app.owner();
    let begun = Instant::now();
    let looked = look(&owner, &file);
    assert!(looked.one("main form .submit button").contains("10,000"));
    assert!(looked.has("#hidden[data-rows='9500']"));
    let done = save(&owner, &looked, &[]);
    assert_eq!(done.status, 303, "{}", done.text());
    app.work();
    let took = begun.elapsed();
    println!("10,000 rows: {took:?}");
    assert!(took < on_this_machine(Duration::from_secs(60)), "{took:?}");
    let counts: (i64, i64) = app.within(|conn| {
        Ok((triggers::table.count().get_result(conn)?, pushes::table.count().get_result(conn)?))
    });
    assert_eq!(counts, (10_001, 10_000));
    assert_eq!(send(&owner, format!("{file}ben@affiliates.example,ONE-MORE\n")).status, 422);
}
