//! Codes that a spreadsheet has changed: they wait for a confirmation.

use super::*;

const CHANGED_ROW: &str = "changed";

const CHANGED: &str = "Affiliate,Type,Code\n\
    ben@affiliates.example,,MAY20\n\
    ben@affiliates.example,,20-May\n\
    ben@affiliates.example,SKU,\"=\"\"00123\"\"\"\n\
    ben@affiliates.example,,1EX\n\
    ben@affiliates.example,,BLACKFRIDAY.0\n\
    ben@affiliates.example,,00123\n";

#[test]
fn every_kind_of_changed_cell_is_told_and_codes_that_people_have_are_fine() {
    let app = prepared();
    let owner = app.owner();
    let changed = [
        "1.23457E+11",
        "7.70124E+11",
        "\"1,23457E+11\"",
        "20-May",
        "May-20",
        "20.Mai",
        "20-Mai",
        "5/20/2026",
        "TRUE",
        "WAHR",
        "#REF!",
        "#N/A",
        "#NAME?",
        "\"=\"\"00123\"\"\"",
        "\"A,B\"",
        "A;B",
        "GRÃœN",
        "10:30:00",
    ];
    let fine = ["MAY20", "00123", "1EX", "20MAY", "TRUELOVE", "MAY-20", "1E5", "10%", "GRÜN"];
    for code in changed {
        let looked = look(&owner, format!("Affiliate,Code\nben@affiliates.example,{code}\n"));
        assert_eq!(in_order(&looked), [CHANGED_ROW], "{code}: {}", looked.text());
        assert!(looked.has("input[type=radio][name=changed_rows]"), "{code}");
    }
    for code in fine {
        let looked = look(&owner, format!("Affiliate,Code\nben@affiliates.example,{code}\n"));
        assert_eq!(in_order(&looked), ["new"], "{code}");
        assert!(!looked.has("input[name=changed_rows]"), "{code}");
    }
    // What can be no code at all is refused, and says why it may look so.
    let looked = look(&owner, "Affiliate,Code\nben@affiliates.example,2026-05-20 00:00:00\n");
    assert_eq!(in_order(&looked).len(), 1);
    assert_ne!(in_order(&looked), ["new"]);
}

#[test]
fn nothing_is_created_before_somebody_decides_on_changed_codes() {
    let app = prepared();
    let owner = app.owner();
    let looked = look(&owner, CHANGED);
    assert_eq!(in_order(&looked), ["new", CHANGED_ROW, CHANGED_ROW, "new", "excluded", "new"]);
    let undecided = save(&owner, &looked, &["override_exclusions", "only_in_vouch"]);
    assert_eq!(undecided.status, 422);
    assert!(undecided.has("#f-changed_rows-error"));
    assert!(undecided.has("#error-summary a[href='#f-changed_rows']"));
    for name in ["override_exclusions", "only_in_vouch"] {
        assert!(undecided.has(&format!("input[name={name}][checked]")), "{name} is as ticked");
    }
    assert_eq!(save_with(&owner, &looked, &[("changed_rows", "perhaps")]).status, 422);
    assert_eq!(values(&app), ["ADA10"]);

    let done = save_with(&owner, &undecided, &[("changed_rows", "skip")]);
    assert_eq!(done.status, 303, "{}", done.text());
    assert_eq!(values(&app), ["00123", "1EX", "ADA10", "BLACKFRIDAY.0", "MAY20"]);
    let shown = owner.follow(&done);
    assert_eq!(
        results(&shown).into_iter().map(|row| (row.1, row.2)).collect::<Vec<_>>(),
        ["20-May", "00123"].map(|code| (code.to_owned(), "skipped".to_owned()))
    );
    let kept: Vec<(i32, Option<String>, bool)> = app.within(|conn| {
        let rows = import_rows::table.order(import_rows::line);
        rows.select((import_rows::line, import_rows::problem, import_rows::refusal.is_null()))
            .load(conn)
    });
    let code = Some("looks_changed".to_owned());
    assert_eq!(kept, [(3, code.clone(), true), (4, code, true)]);
    // The file of these rows still says that they look changed.
    let again = owner.get(&format!("{}/refused.csv", shown.path));
    let looked = look(&owner, &again.body);
    assert_eq!(in_order(&looked), [CHANGED_ROW, CHANGED_ROW]);
}

#[test]
fn a_confirmation_creates_what_the_page_shows_and_is_kept() {
    let app = prepared();
    let owner = app.owner();
    let looked = look(&owner, CHANGED);
    let done = save_with(&owner, &looked, &[("changed_rows", "create")]);
    assert_eq!(done.status, 303, "{}", done.text());
    assert_eq!(values(&app), ["00123", "00123", "1EX", "20-May", "ADA10", "MAY20"]);
    let counts: (i32, i32) = app.within(|conn| {
        imports::table.select((imports::created_count, imports::changed_count)).first(conn)
    });
    assert_eq!(counts, (5, 2));
    let after: Option<serde_json::Value> = app.within(|conn| {
        let created = audit_log::table.filter(audit_log::action.eq("trigger.imported"));
        created.select(audit_log::after).first(conn)
    });
    let confirmed = &after.unwrap()["confirmed_although_changed"];
    assert_eq!(confirmed, &serde_json::json!(["20-May", "00123"]));
}

#[test]
fn an_excluded_code_that_looks_changed_needs_both_decisions() {
    let app = prepared();
    exclude(&app, "TRUE");
    let owner = app.owner();
    let file = "Affiliate,Code\nben@affiliates.example,TRUE\nben@affiliates.example,FINE1\n";
    for (choices, created) in [
        (&[("changed_rows", "create")][..], false),
        (&[("changed_rows", "skip"), ("override_exclusions", "true")], false),
        (&[("changed_rows", "create"), ("override_exclusions", "true")], true),
    ] {
        let looked = look(&owner, file);
        assert_eq!(in_order(&looked)[0], CHANGED_ROW);
        save_with(&owner, &looked, choices);
        assert_eq!(values(&app).contains(&"TRUE".to_owned()), created, "{choices:?}");
    }
}
