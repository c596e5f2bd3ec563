//! Codes that only a store that has them already may have: they wait for "Only in Vouch".

use super::*;

const FILE: &str = "Affiliate,Code\n\
    ben@affiliates.example,BIG TREAT\n\
    ben@affiliates.example,big treat\n\
    ben@affiliates.example,BLACKFRIDAY VIP\n\
    ben@affiliates.example,BEN10\n";

fn reasons(app: &TestApp) -> Vec<(i32, Option<String>, bool)> {
    app.within(|conn| {
        let rows = import_rows::table.order(import_rows::line);
        rows.select((import_rows::line, import_rows::problem, import_rows::refusal.is_null()))
            .load(conn)
    })
}

#[test]
fn an_existing_code_is_left_out_of_an_import_that_creates_codes() {
    let app = prepared();
    let owner = app.owner();
    let looked = look(&owner, FILE);
    assert_eq!(in_order(&looked), ["existing", "refused", "excluded", "new"]);
    let done = save(&owner, &looked, &["override_exclusions"]);
    assert_eq!(done.status, 303, "{}", done.text());
    assert_eq!(values(&app), ["ADA10", "BEN10"]);
    let existing = Some("existing_only".to_owned());
    assert_eq!(reasons(&app), [(2, existing.clone(), true), (3, None, false), (4, existing, true)]);
    let left_out = owner.follow(&done).all("tbody [data-label=Result] .sub");
    assert_eq!(left_out.len(), 3, "each says why");
    let csv = owner.get(&format!("{}/refused.csv", looked.path)).csv();
    assert_eq!(csv.lines().count(), 4, "{csv}");
}

#[test]
fn an_existing_code_is_created_only_in_vouch_and_counts_on_orders() {
    let app = prepared();
    let owner = app.owner();
    let looked = look(&owner, FILE);
    let done = save(&owner, &looked, &["only_in_vouch", "override_exclusions"]);
    assert_eq!(done.status, 303, "{}", done.text());
    assert_eq!(values(&app), ["ADA10", "BEN10", "BIG TREAT", "BLACKFRIDAY VIP"]);
    let pushed: i64 = app.within(|conn| pushes::table.count().get_result(conn));
    assert_eq!(pushed, 0);
    // Without a store that codes are created in, there is nothing else to choose.
    app.within(|conn| {
        diesel::update(stores::table).set(stores::creates_codes.eq(false)).execute(conn)
    });
    let looked = look(&owner, "Affiliate,Code\nben@affiliates.example,ANOTHER TREAT\n");
    assert_eq!(save(&owner, &looked, &[]).status, 422);
    assert_eq!(save(&owner, &looked, &["only_in_vouch"]).status, 303);
    assert!(values(&app).contains(&"ANOTHER TREAT".to_owned()));
}
