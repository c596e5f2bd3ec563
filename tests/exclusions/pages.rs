use super::*;

const LIST: &str = "/settings/coupon-exclusions";

fn add_form(person: &Person, fields: &[(&str, &str)]) -> crate::harness::Page {
    let form = person.get(&format!("{LIST}/new"));
    assert_eq!(form.status, 200, "{}", form.text());
    person.submit(&form, "form.stack", fields)
}

#[test]
fn the_page_is_there_on_the_very_next_page_after_support_enabled_it_and_gone_when_it_is_off() {
    let app = TestApp::start();
    let (owner, stranger, support) = (app.owner(), app.stranger(), app.support());
    let tab = format!("nav.local a[href='{LIST}']");
    assert!(!owner.get("/settings/general").has(&tab));
    for path in [LIST.to_owned(), format!("{LIST}/new"), format!("{LIST}.csv"), format!("{LIST}/1")]
    {
        assert_eq!(owner.get(&path).status, 404, "{path}");
    }
    assert_eq!(owner.post_signed(LIST, &[("code", "SAVE*")]).status, 404);

    let path = format!("/support/merchants/{}", app.fixture.merchant_id);
    let enabled = support.submit(&support.get(&path), "form.stack", &[("reason", "Ticket 1")]);
    assert_eq!(enabled.status, 303, "{}", enabled.text());
    assert_eq!(owner.get("/settings/general").one(&tab), "Coupon Exclusions");
    assert_eq!(stranger.get(LIST).status, 404, "for this merchant alone");
    assert_eq!(add_form(&owner, &[("code", "SAVE*")]).status, 303);

    let page = support.get(&path);
    assert_eq!(page.value_of("form[action$='coupon-exclusions'] [name=enabled]"), "false");
    support.submit(&page, "form.stack", &[("reason", "Ticket 2")]);
    assert!(!owner.get("/settings/general").has(&tab));
    assert_eq!(owner.get(LIST).status, 404);
    support.submit(&support.get(&path), "form.stack", &[("reason", "Ticket 3")]);
    assert_eq!(owner.get(LIST).all("tbody th a"), ["SAVE*"], "the list stayed");
}

#[test]
fn a_code_is_added_found_edited_removed_and_put_back() {
    let app = TestApp::start();
    enable(&app);
    let owner = app.owner();
    assert!(owner.get(LIST).has(".empty a[data-dialog]"));
    let answer = add_form(
        &owner,
        &[("code", " BLACKFRIDAY* "), ("note", "Our own sale"), ("ends_on", "2030-11-30")],
    );
    assert_eq!(answer.status, 303, "{}", answer.text());
    let list = owner.follow(&answer);
    assert!(list.one("[role=status].tone-good").contains("BLACKFRIDAY*"));
    assert_eq!(list.all("tbody th"), ["BLACKFRIDAY* Our own sale"]);
    assert!(list.one("td[data-label=Dates]").contains("Nov 30, 2030"));
    assert!(list.has("td[data-label=Dates] .tone-good"), "active");

    let tried = owner.get(&format!("{LIST}?q=BlackFriday-24"));
    assert!(tried.has("#tried[data-result=excluded]"));
    assert_eq!(tried.one("#tried code"), "BlackFriday-24");
    assert_eq!(tried.one("#tried a"), "BLACKFRIDAY*");
    let none = format!(".empty a[href='{LIST}']");
    assert!(tried.has(&none), "the second empty state");
    let free = owner.get(&format!("{LIST}?q=SUMMER"));
    assert!(free.has("#tried[data-result=available]"));
    assert_eq!(owner.get(&format!("{LIST}?q=own+sale")).all("tbody th a"), ["BLACKFRIDAY*"]);
    assert!(owner.get(&format!("{LIST}?scope=claims_and_orders")).has(&none));
    assert!(owner.get(&format!("{LIST}?state=over")).has(&none));

    let path = list.attribute("tbody th a", "href").unwrap();
    let form = owner.get(&path);
    assert_eq!(form.value_of("#f-code"), "BLACKFRIDAY*");
    let saved = owner.submit(
        &form,
        "form.stack",
        &[("code", "*BLACKFRIDAY*"), ("scope", "claims_and_orders")],
    );
    assert_eq!(saved.status, 303, "{}", saved.text());
    let list = owner.follow(&saved);
    assert_eq!(list.all("tbody th a"), ["*BLACKFRIDAY*"]);
    assert_eq!(list.one("td[data-label='Applied to']"), "Claims and orders");
    assert_eq!(owner.get(&path).all("#history + .timeline li").len(), 2);

    let removed = owner.submit(&list, "tbody form", &[]);
    let list = owner.follow(&removed);
    assert!(list.one("[role=status].tone-good").contains("*BLACKFRIDAY*"));
    assert_eq!(listed(&app), [""; 0]);
    let undone = owner.submit(&list, ".notice form", &[]);
    assert!(owner.follow(&undone).one("[role=status].tone-good").contains("*BLACKFRIDAY*"));
    assert_eq!(listed(&app), ["*BLACKFRIDAY*"]);
}

#[test]
fn rubbish_comes_back_as_typed_with_the_reason_beside_it() {
    let app = TestApp::start();
    enable(&app);
    let owner = app.owner();
    exclude(&app, &new("SAVE-10"));
    for (fields, field, named) in [
        (vec![("code", "")], "code", ""),
        (vec![("code", "*")], "code", ""),
        (vec![("code", "save1o")], "code", "SAVE-10"),
        (vec![("code", "A1"), ("starts_on", "soon")], "starts_on", ""),
        (
            vec![("code", "A1"), ("starts_on", "2026-02-02"), ("ends_on", "2026-02-01")],
            "ends_on",
            "",
        ),
    ] {
        let page = add_form(&owner, &fields);
        assert_eq!(page.status, 422, "{fields:?}");
        assert_eq!(page.invalid_fields(), [field], "{fields:?}");
        assert!(page.one(&format!("#f-{field}-error")).contains(named), "{fields:?}");
        assert_eq!(page.value_of("#f-code"), fields[0].1);
    }
    assert_eq!(owner.post_signed(LIST, &[("code", "A1"), ("scope", "all")]).status, 422);
    let long = "x".repeat(501);
    assert_eq!(owner.post_signed(LIST, &[("code", "A1"), ("note", &long)]).status, 422);
    assert_eq!(listed(&app), ["SAVE-10"]);
}

#[test]
fn applications_that_wait_for_such_codes_are_named_and_keep_them() {
    let app = TestApp::start();
    enable(&app);
    crate::registration::open(&app);
    let nia = crate::registration::applied(&app, "Nia", "nia@new.example", "Nia-Lou");
    let owner = app.owner();
    let asked = add_form(&owner, &[("code", "nial0*")]);
    assert_eq!(asked.status, 200, "{}", asked.text());
    assert_eq!(asked.all("#affected li:has(.badge-v)").len(), 1, "requested");
    let href = asked.attribute(".notice li a", "href");
    assert_eq!(href, Some(vouch::kit::urls::affiliate(nia)));
    let saved = owner.submit(&asked, "form.stack", &[]);
    assert_eq!(saved.status, 303);
    let list = owner.follow(&saved);
    let touched = list.attribute("td[data-label='Affected codes'] .sub a", "href").unwrap();
    let shown = owner.get(&touched);
    let requested = shown.one("[aria-labelledby=touched] li:has(.badge-v)");
    assert!(requested.contains("Nia"), "{requested}");
    let approve = [("status", "active")];
    assert_eq!(owner.post_signed(&format!("/affiliates/{nia}/status"), &approve).status, 303);
    assert_eq!(crate::registration::holders(&app, "NIA-LOU"), [nia], "who waited, has it");
}

#[test]
fn who_has_such_codes_is_said_before_saving_and_on_the_list_and_nothing_is_removed() {
    let app = TestApp::start();
    enable(&app);
    let owner = app.owner();
    let asked = add_form(&owner, &[("code", "*ada*")]);
    assert_eq!(asked.status, 200, "{}", asked.text());
    let affected = asked.one("#affected li");
    assert!(affected.contains("ADA10") && affected.contains("Ada Active"), "{affected}");
    assert_eq!(listed(&app), [""; 0], "not yet");
    let other = owner.submit(&asked, "form.stack", &[("code", "ADA*")]);
    assert_eq!(other.status, 200, "another pattern is looked at anew");
    let saved = owner.submit(&asked, "form.stack", &[]);
    assert_eq!(saved.status, 303, "{}", saved.text());
    let list = owner.follow(&saved);
    let link = list.attribute("td[data-label='Affected codes'] a", "href").unwrap();
    let touched = owner.get(&link);
    assert_eq!(touched.all("tbody th code"), ["ADA10"]);
    assert!(touched.one(".chip").contains("*ada*"));
    let show = owner.get(&list.attribute("tbody th a", "href").unwrap());
    assert_eq!(show.all("[aria-labelledby=touched] li").len(), 1);
    // What it stops is found by every kind of pattern, in any spelling.
    for (like, found) in
        [("a-da1O", 1), ("ADA*", 1), ("*10", 1), ("*DA1*", 1), ("A*0", 1), ("ADA", 0), ("*11", 0)]
    {
        let page = owner.get(&vouch::kit::urls::triggers_like(like));
        assert_eq!(page.all("tbody th code").len(), found, "{like}");
    }
}

#[test]
fn the_first_of_many_such_codes_are_named_in_their_order() {
    let app = TestApp::start();
    enable(&app);
    let ben = app.fixture.ben_id;
    for n in [6, 2, 7, 5, 1, 4, 3] {
        app.within(|conn| {
            let kind = vouch::features::triggers::TriggerKind::CouponCode;
            let code = format!("TEA{n}");
            Ok(vouch::features::triggers::create(conn, &app.actor(), ben, kind, &code).unwrap())
        });
    }
    let asked = add_form(&app.owner(), &[("code", "*tea*")]);
    assert_eq!(asked.status, 200, "{}", asked.text());
    assert_eq!(asked.all(".notice li a"), ["TEA1", "TEA2", "TEA3", "TEA4", "TEA5"]);
    assert!(asked.one(".notice p a").contains('7'), "the count is of all");
}

#[test]
fn the_list_is_kept_from_who_may_not() {
    let app = TestApp::start();
    enable(&app);
    app.enable_exclusions(app.fixture.stranger_merchant_id);
    let canary = exclude(&app, &NewExclusion { note: "canary-note".into(), ..new("CANARY-EX*") });
    let viewer = app.viewer();
    let list = viewer.get(LIST);
    assert_eq!(list.all("tbody th a"), ["CANARY-EX*"]);
    assert!(!list.has(".actions .btn-primary") && !list.has("tbody form"));
    assert!(viewer.get(&format!("{LIST}/{}", canary.id)).has("fieldset[disabled]"));
    for path in ["", &format!("/{}", canary.id), &format!("/{}/removal", canary.id)] {
        assert_eq!(viewer.post_signed(&format!("{LIST}{path}"), &[("code", "X1")]).status, 403);
    }
    let stranger = app.stranger();
    for path in [LIST.to_owned(), format!("{LIST}.csv"), format!("{LIST}?q=CANARY-EX5")] {
        let page = stranger.get(&path);
        assert_eq!(page.status, 200);
        assert!(
            !page.text().contains("canary-note") && !page.text().contains("CANARY-EX*"),
            "{path}"
        );
    }
    assert_eq!(stranger.get(&format!("{LIST}/{}", canary.id)).status, 404);
    for what in ["", "/removal", "/restoration"] {
        let path = format!("{LIST}/{}{what}", canary.id);
        assert_eq!(stranger.post_signed(&path, &[("code", "X1")]).status, 404, "{path}");
    }
    assert_eq!(listed(&app), ["CANARY-EX*"]);
}

#[test]
fn a_long_list_is_shown_page_by_page_in_both_orders_and_exported_whole() {
    let app = TestApp::start();
    enable(&app);
    for n in 0..120 {
        exclude(&app, &new(&format!("CODE{n:03}*")));
    }
    let owner = app.owner();
    for (sort, first, last) in [("", "CODE119*", "CODE000*"), ("code", "CODE000*", "CODE119*")] {
        let mut page = owner.get(&format!("{LIST}?sort={sort}"));
        let mut seen = page.all("tbody th a");
        while let Some(next) = page.attribute("a[rel=next]", "href") {
            page = owner.get(&next);
            seen.extend(page.all("tbody th a"));
        }
        assert_eq!((seen.len(), seen[0].as_str(), seen[119].as_str()), (120, first, last));
        let back = owner.get(&page.attribute("a[rel=prev]", "href").unwrap());
        assert_eq!(back.all("tbody th a"), seen[50..100]);
    }
    let file = owner.get(&format!("{LIST}.csv?sort=code")).csv();
    let lines: Vec<&str> = file.lines().collect();
    assert_eq!(lines.len(), 121);
    assert_eq!(lines[0], "Coupon_Code,Description,Starts,Ends,Applied_To");
    assert_eq!(lines[1], "CODE000*,,,,Claims");
}
