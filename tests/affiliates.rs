//! Manage > Affiliates.

use std::ops::RangeInclusive;

use chrono::{DateTime, Duration, TimeZone, Utc};
use diesel::prelude::*;
use vouch::features::affiliates::{self, AffiliateStatus, NewAffiliate};
use vouch::kit::db::schema::{affiliate_terms, affiliates as rows, audit_log, conversions};

use crate::harness::shopify::ShopifyOrder;
use crate::harness::{Page, Person, TestApp};

const FORM: &str = "#content form.stack";

fn names(page: &Page) -> Vec<String> {
    page.all("#results tbody .name")
}

/// Affiliates of these names, with addresses that follow from them.
fn add(app: &TestApp, names: &[&str]) -> Vec<i64> {
    let mut actor = app.actor_at(noon());
    app.within(|conn| {
        let made = names.iter().map(|name| {
            actor.now += Duration::seconds(1);
            let new = NewAffiliate {
                name: (*name).to_owned(),
                email: format!("{}@x.example", name.to_lowercase().replace(' ', ".")),
                status: AffiliateStatus::Pending,
                offer_id: app.fixture.offer_id,
                note: String::new(),
                user_id: None,
            };
            affiliates::create(conn, &actor, &new).unwrap().id
        });
        Ok(made.collect())
    })
}

fn status_of(app: &TestApp, id: i64) -> String {
    app.within(|conn| rows::table.filter(rows::id.eq(id)).select(rows::status).first(conn))
}

/// (status, whether in force), the oldest first.
fn terms_of(app: &TestApp, id: i64) -> Vec<(String, bool)> {
    app.within(|conn| {
        affiliate_terms::table
            .filter(affiliate_terms::affiliate_id.eq(id))
            .order(affiliate_terms::valid_from)
            .select((affiliate_terms::status, affiliate_terms::valid_until.is_null()))
            .load(conn)
    })
}

fn acts_on(app: &TestApp, id: i64) -> Vec<String> {
    app.within(|conn| {
        audit_log::table
            .filter(audit_log::subject_kind.eq("affiliate"))
            .filter(audit_log::subject_id.eq(id))
            .order(audit_log::id)
            .select(audit_log::action)
            .load(conn)
    })
}

#[test]
fn a_new_affiliate_gets_a_short_affiliate_id_and_terms() {
    let app = TestApp::start();
    let owner = app.owner();
    let fields = [("name", " Zoë Müller "), ("email", "Zoe@X.example"), ("note", "Met in Bonn")];
    let answer = owner.submit(&owner.get("/affiliates/new"), FORM, &fields);
    assert_eq!(answer.status, 303, "{}", answer.text());
    let (id, public_id): (i64, String) = app.within(|conn| {
        rows::table
            .filter(rows::name.eq("Zoë Müller"))
            .select((rows::id, rows::public_id))
            .first(conn)
    });
    assert_eq!(answer.location().unwrap(), format!("/affiliates/{id}/triggers"));
    assert_eq!(public_id.len(), 4);
    assert_eq!(terms_of(&app, id), [("active".to_owned(), true)]);
    assert_eq!(acts_on(&app, id), ["affiliate.created"]);
    let page = owner.get(&format!("/affiliates/{id}"));
    assert_eq!(page.one("h1"), "Zoë Müller");
    assert_eq!(page.one(".local [aria-current]"), "Settings");
    assert!(page.has(&format!("[data-copy='{public_id}']")));
    assert_eq!(page.all(".figure-value").len(), 4);
    assert_eq!(page.value_of("[name=email]"), "Zoe@X.example");
}

#[test]
fn a_rejected_affiliate_comes_back_as_typed() {
    let app = TestApp::start();
    let owner = app.owner();
    let form = owner.get("/affiliates/new");
    let foreign = app.within_merchant(app.fixture.stranger_merchant_id, |conn| {
        rows::table.select(rows::offer_id).first::<i64>(conn)
    });
    let foreign = foreign.to_string();
    let wrong = [
        ("name", ""),
        ("email", "nobody"),
        ("email", " ADA@affiliates.example "),
        ("offer_id", foreign.as_str()),
        ("offer_id", "x"),
        ("status", "king"),
    ];
    for (field, typed) in wrong {
        let mut fields = vec![("name", "New"), ("email", "new@x.example")];
        fields.retain(|(name, _)| *name != field);
        fields.push((field, typed));
        let answer = owner.submit(&form, FORM, &fields);
        assert_eq!(answer.status, 422, "{field}={typed}");
        assert_eq!(answer.invalid_fields(), [field], "{field}={typed}");
        if ["name", "email"].contains(&field) {
            assert_eq!(answer.value_of(&format!("[name={field}]")), typed);
        }
    }
    let count: i64 = app.within(|conn| rows::table.count().get_result(conn));
    assert_eq!(count, 2);
}

#[test]
fn settings_are_changed_and_another_offer_is_dated() {
    let app = TestApp::start();
    let owner = app.owner();
    let form = owner.get("/offers/new");
    owner.submit(&form, FORM, &[("name", "Better"), ("percent", "20")]);
    let path = format!("/affiliates/{}", app.fixture.ben_id);
    let page = owner.get(&path);
    let better = page.all("[name=offer_id] option").iter().position(|name| name == "Better");
    assert_eq!(better, Some(1));
    let better: i64 = app.within(|conn| {
        use vouch::kit::db::schema::offers;
        offers::table.filter(offers::name.eq("Better")).select(offers::id).first(conn)
    });
    let fields = [("name", "Ben S."), ("offer_id", &better.to_string())];
    let answer = owner.submit(&page, FORM, &fields);
    let page = owner.follow(&answer);
    assert_eq!(page.tone().as_deref(), Some("good"));
    assert_eq!(page.one("h1"), "Ben S.");
    assert_eq!(page.all(".timeline li").len(), 2);
    assert_eq!(terms_of(&app, app.fixture.ben_id).len(), 2);
    // The same once more changes nothing and leaves no trace.
    owner.submit(&page, FORM, &[]);
    assert_eq!(terms_of(&app, app.fixture.ben_id).len(), 2);
    assert_eq!(acts_on(&app, app.fixture.ben_id), ["affiliate.created", "affiliate.changed"]);
    let taken = owner.submit(&page, FORM, &[("email", "ada@AFFILIATES.example")]);
    assert_eq!(taken.status, 422);
    assert_eq!(taken.value_of("[name=email]"), "ada@AFFILIATES.example");
}

#[test]
fn the_list_is_searched_filtered_and_sorted_by_its_address() {
    let app = TestApp::start();
    add(&app, &["Ännchen von Tharau", "Bo 100% Organic", "José", "Ann_Lee", "annalee"]);
    let owner = app.owner();
    let list = |query: &str| names(&owner.get(&format!("/affiliates?{query}")));
    let all = [
        "Ada Active",
        "Ann_Lee",
        "annalee",
        "Ännchen von Tharau",
        "Ben Second",
        "Bo 100% Organic",
        "José",
    ];
    assert_eq!(list("").len(), all.len());
    assert_eq!(list("q=ANN"), ["Ann_Lee", "annalee"]);
    assert_eq!(list("q=ann_"), ["Ann_Lee"], "an underscore is no pattern");
    assert_eq!(list("q=00%25"), ["Bo 100% Organic"], "a percent sign is no pattern");
    assert_eq!(list("q=tharau%20von"), ["Ännchen von Tharau"]);
    assert_eq!(list("q=jo"), ["José"], "short words begin a word");
    // One letter would also find whoever's random affiliate ID begins with it.
    assert_eq!(list("q=bo"), ["Bo 100% Organic"]);
    assert_eq!(list("q=affiliates.example&sort=name-backwards"), ["Ben Second", "Ada Active"]);
    assert_eq!(list("status=active"), ["Ada Active", "Ben Second"]);
    assert_eq!(list("status=active&q=second"), ["Ben Second"]);
    assert_eq!(list("sort=newest")[0], "annalee");
    assert_eq!(list("q=%40").len(), all.len(), "every address has an @");
    let public_id: String = app.within(|conn| {
        rows::table.filter(rows::name.eq("José")).select(rows::public_id).first(conn)
    });
    assert!(list(&format!("q={public_id}")).contains(&"José".to_owned()));
    let offer = app.fixture.offer_id;
    let page = owner.get(&format!("/affiliates?q=ann&status=pending&offer={offer}"));
    assert_eq!(page.all(".chip").len(), 3);
    assert!(page.says("Offer: Standard") && page.one(".pages-shown").starts_with("2 "));
    let without = page.attribute(".chip", "href").unwrap();
    assert_eq!(without, format!("/affiliates?status=pending&offer={offer}"));
    let none = owner.get("/affiliates?q=nobody-at-all");
    assert!(none.has(".empty a[href='/affiliates']"));
    let part = owner.get_with("/affiliates?q=jo", &[("hx-request", "true")]);
    assert!(part.has("#results") && !part.has("main"));
}

/// As many affiliates called `{before}{n}{after}` as there are numbers.
fn crowd(app: &TestApp, before: &str, numbers: RangeInclusive<i64>, after: &str) {
    let insert = format!(
        "insert into affiliates (merchant_id, public_id, name, email, email_key, status, offer_id) \
         select {}, 'z' || n, '{before}' || n || '{after}', n || '@crowd.example', \
             n || '@crowd.example', 'active', {} from generate_series({}, {}) n",
        app.fixture.merchant_id,
        app.fixture.offer_id,
        numbers.start(),
        numbers.end()
    );
    app.within(|conn| diesel::sql_query(insert).execute(conn));
}

#[test]
fn a_word_that_many_share_is_found_in_order_wherever_its_names_stand() {
    let app = TestApp::start();
    // More of each than are counted.
    crowd(&app, "Aaron ", 10_001..=11_200, "");
    crowd(&app, "Zoe ", 20_001..=21_100, "");
    let viewer = app.viewer();
    for (word, from, to) in [("aaron", 10_001, 11_200), ("zoe", 20_001, 21_100)] {
        for sort in ["best", "name"] {
            let page = viewer.get(&format!("/affiliates?q={word}&sort={sort}"));
            assert!(page.says("1,000+"), "{}", page.text());
            let (first, next) = (names(&page), page.attribute("a[rel=next]", "href").unwrap());
            let second = names(&viewer.get(&next));
            let listed: Vec<String> =
                first.iter().chain(&second).map(|n| n.to_lowercase()).collect();
            let due: Vec<String> = (from..from + 100).map(|n| format!("{word} {n}")).collect();
            assert_eq!(listed, due, "{sort}");
        }
        let last = names(&viewer.get(&format!("/affiliates?q={word}&sort=name-backwards")));
        assert_eq!(last[0].to_lowercase(), format!("{word} {to}"));
    }
}

#[test]
fn names_that_begin_with_what_is_looked_for_stand_first() {
    let app = TestApp::start();
    let viewer = app.viewer();
    add(&app, &["Ana José", "Zed", "Josie", "José", "Jo Jost"]);
    let found = |query: &str| names(&viewer.get(&format!("/affiliates?{query}")));
    assert_eq!(found("q=jos"), ["José", "Josie", "Ana José", "Jo Jost"]);
    assert_eq!(found("q=jos&sort=name"), ["Ana José", "Jo Jost", "José", "Josie"]);
    assert_eq!(found("q=jo%20%20JOST"), ["Jo Jost"]);
    let choices = viewer.get("/affiliates/choices?q=jos").all("[role=option] span");
    assert_eq!(choices, ["José", "Josie", "Ana José", "Jo Jost"]);
    // Without a search there is no best match: it's the list by name, which is sorted the other way next.
    let header = |query: &str| {
        let page = viewer.get(&format!("/affiliates{query}"));
        let link = page.attribute("th[aria-sort=ascending] a", "href");
        (names(&page), link)
    };
    let by_name = header("");
    assert!(by_name.1.is_some());
    assert_eq!(header("?sort=best"), by_name);
}

#[test]
fn the_best_matches_and_the_others_follow_each_other_however_many_they_are() {
    let app = TestApp::start();
    let viewer = app.viewer();
    crowd(&app, "Tea ", 10_001..=10_060, "");
    crowd(&app, "A", 20_001..=20_030, " Tea");
    let due: Vec<String> = (10_001..=10_060)
        .map(|n| format!("Tea {n}"))
        .chain((20_001..=20_030).map(|n| format!("A{n} Tea")))
        .collect();
    // Counted to the end, and then too many for that.
    for more in [None, Some(20_031..=21_100)] {
        if let Some(numbers) = more {
            crowd(&app, "B", numbers, " Tea");
        }
        let first = viewer.get("/affiliates?q=tea");
        let second = viewer.get(&first.attribute("a[rel=next]", "href").unwrap());
        let listed = [names(&first), names(&second)].concat();
        assert_eq!(listed[..90], due, "the second page has some of both");
        let back = viewer.get(&second.attribute("a[rel=prev]", "href").unwrap());
        assert_eq!(names(&back), names(&first));
        if let Some(third) = second.attribute("a[rel=next]", "href") {
            let third = viewer.get(&third);
            let back = viewer.get(&third.attribute("a[rel=prev]", "href").unwrap());
            assert_eq!(names(&back), names(&second));
        }
    }
    assert_eq!(viewer.get("/affiliates/choices?q=tea").all("[role=option] span")[..], due[..20]);
}

#[test]
fn a_very_long_list_says_more_than_it_counted_each_time_it_is_asked_for() {
    let app = TestApp::start();
    crowd(&app, "Crowd ", 20_001..=30_001, "");
    let viewer = app.viewer();
    for _ in 0..3 {
        assert!(viewer.get("/affiliates").one(".pages-shown").contains("10,000+"));
        assert!(viewer.get("/affiliates?status=disabled").has(".empty a[href='/affiliates']"));
        assert_eq!(app.stranger().get("/affiliates").one(".pages-shown"), "1 affiliate");
    }
}

#[test]
fn an_empty_program_says_how_to_begin() {
    let app = TestApp::start();
    app.within_merchant(app.fixture.stranger_merchant_id, |conn| {
        use vouch::kit::db::schema::{affiliate_emails, trigger_owners, triggers};
        diesel::delete(affiliate_emails::table).execute(conn)?;
        diesel::delete(trigger_owners::table).execute(conn)?;
        diesel::delete(triggers::table).execute(conn)?;
        diesel::delete(affiliate_terms::table).execute(conn)?;
        diesel::delete(rows::table).execute(conn)
    });
    let page = app.stranger().get("/affiliates");
    assert!(page.has(".empty a[href='/affiliates/new']"));
}

#[test]
fn pages_follow_each_other_without_gaps() {
    let app = TestApp::start();
    let many: Vec<String> = (0..120).map(|n| format!("Same Name {}", n % 3)).collect();
    let mut actor = app.actor_at(noon());
    app.within(|conn| {
        for (n, name) in many.iter().enumerate() {
            actor.now += Duration::milliseconds(1);
            let new = NewAffiliate {
                name: name.clone(),
                email: format!("n{n}@x.example"),
                status: AffiliateStatus::Active,
                offer_id: app.fixture.offer_id,
                note: String::new(),
                user_id: None,
            };
            affiliates::create(conn, &actor, &new).unwrap();
        }
        Ok(())
    });
    let owner = app.owner();
    for query in ["", "?q=same", "?sort=newest", "?sort=name-backwards&status=active"] {
        let mut page = owner.get(&format!("/affiliates{query}"));
        let first = page.all("#results .sub");
        let mut seen = first.clone();
        assert_eq!(seen.len(), 50);
        while let Some(next) = page.attribute("a[rel=next]", "href") {
            page = owner.get(&next);
            seen.extend(page.all("#results .sub"));
        }
        let found = if query == "?q=same" { 120 } else { 122 };
        assert_eq!(seen.len(), found, "{query}");
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), found, "{query}");
        while let Some(previous) = page.attribute("a[rel=prev]", "href") {
            page = owner.get(&previous);
        }
        assert_eq!(page.all("#results .sub"), first, "{query}");
    }
}

#[test]
fn the_download_is_the_list_and_holds_no_formula() {
    let app = TestApp::start();
    add(&app, &["=HYPERLINK(1)", "+49 Tea", "Plain \"Quoted\", Ltd"]);
    let owner = app.owner();
    let list = owner.get("/affiliates?status=pending&sort=newest");
    let href = list.attribute(".actions a[download]", "href").unwrap();
    let file = owner.get(&href);
    assert_eq!(file.header("content-type").unwrap(), "text/csv; charset=utf-8");
    let mut csv = csv::Reader::from_reader(file.body.as_slice());
    assert_eq!(csv.headers().unwrap().get(1), Some("Name"));
    let names: Vec<String> = csv.records().map(|row| row.unwrap()[1].to_owned()).collect();
    assert_eq!(names, ["Plain \"Quoted\", Ltd", "'+49 Tea", "'=HYPERLINK(1)"]);
}

#[test]
fn several_are_approved_at_once_and_undone() {
    let app = TestApp::start();
    let ids = add(&app, &["One", "Two", "Three"]);
    let owner = app.owner();
    let page = owner.get("/affiliates?status=pending");
    let (one, two) = (ids[0].to_string(), ids[1].to_string());
    let token = page.value_of("#bulk [name=csrf]");
    let back = page.value_of("#bulk [name=back]");
    assert_eq!(back, "/affiliates?status=pending");
    let answer = owner.post(
        "/affiliates/status",
        &[("csrf", &token), ("back", &back), ("ids", &one), ("ids", &two), ("status", "active")],
    );
    assert_eq!((answer.status, answer.location()), (303, Some("/affiliates?status=pending")));
    assert_eq!(
        (status_of(&app, ids[0]), status_of(&app, ids[2])),
        ("active".into(), "pending".into())
    );
    let page = owner.follow(&answer);
    assert_eq!(page.tone().as_deref(), Some("good"));
    let undone = owner.submit(&page, ".notice form", &[]);
    assert_eq!(undone.location(), Some("/affiliates?status=pending"));
    assert_eq!(owner.follow(&undone).tone().as_deref(), Some("good"));
    assert_eq!(terms_of(&app, ids[0]), [("pending".to_owned(), true)]);
    assert_eq!(status_of(&app, ids[1]), "pending");
    assert_eq!(
        acts_on(&app, ids[1]),
        ["affiliate.created", "affiliate.status_changed", "affiliate.status_undone"]
    );
    // A second undo finds nothing left to do.
    let again = owner.submit_again(&page, ".notice form", &[]);
    assert_eq!(owner.follow(&again).tone().as_deref(), Some("wait"));
    let nobody = owner.post_signed("/affiliates/status", &[("status", "active")]);
    assert_eq!(owner.follow(&nobody).tone().as_deref(), Some("info"));
    let away = owner.post_signed("/affiliates/status", &[("status", "active"), ("back", "//evil")]);
    assert_eq!(away.location(), Some("/affiliates"));
    assert_eq!(owner.post_signed("/affiliates/status", &[("status", "king")]).status, 400);
}

fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap()
}

fn conversion(app: &TestApp) -> (String, i64) {
    app.within(|conn| {
        conversions::table.select((conversions::status, conversions::commission_minor)).first(conn)
    })
}

#[test]
fn undoing_a_change_of_status_credits_what_was_ordered_in_between() {
    let app = TestApp::start();
    let ada = app.fixture.ada_id;
    let actor = app.actor_at(noon());
    app.within(|conn| affiliates::change_status(conn, &actor, &[ada], AffiliateStatus::Disabled));
    let order = ShopifyOrder::new(1, noon() + Duration::hours(1)).code("ADA10", "10.00");
    assert_eq!(app.shopify("orders/create", &order.0).status, 200);
    assert_eq!(conversion(&app), ("unqualified".to_owned(), 0));
    let path = format!(
        "/affiliates/reversals?at={}&ids={ada}&back=/affiliates/{ada}",
        noon().timestamp_micros()
    );
    let owner = app.owner();
    let answer = owner.post_signed(&path, &[]);
    assert_eq!(owner.follow(&answer).tone().as_deref(), Some("good"), "{}", answer.text());
    app.work();
    assert_eq!(conversion(&app), ("pending".to_owned(), 900));
    assert_eq!(status_of(&app, ada), "active");
}

#[test]
fn one_affiliate_is_disabled_and_enabled_on_its_page() {
    let app = TestApp::start();
    let owner = app.owner();
    let path = format!("/affiliates/{}", app.fixture.ben_id);
    let set = |status: &str| owner.post_signed(&format!("{path}/status"), &[("status", status)]);
    let page = owner.follow(&set("disabled"));
    assert_eq!(page.tone().as_deref(), Some("good"));
    assert_eq!(page.values("#status button[name=status]", "value"), ["active"]);
    assert_eq!(owner.follow(&set("disabled")).tone().as_deref(), Some("info"));
    owner.follow(&set("active"));
    // The first change cannot be undone any more: another has followed.
    let stale = owner.submit(&page, ".notice form", &[]);
    assert_eq!(owner.follow(&stale).tone().as_deref(), Some("wait"));
    // Both can fall into one second, and then it's as if nothing had been.
    let terms = terms_of(&app, app.fixture.ben_id);
    assert_eq!(terms.last(), Some(&("active".to_owned(), true)), "{terms:?}");
    assert!(terms.iter().rev().skip(1).all(|(_, open)| !open), "{terms:?}");
}

#[test]
fn an_affiliate_is_found_by_typing() {
    let app = TestApp::start();
    let owner = app.owner();
    let found = owner.get_with("/affiliates/choices?q=sec", &[("hx-request", "true")]);
    assert_eq!(found.all("[role=option] span"), ["Ben Second"]);
    assert_eq!(
        found.attribute("[role=option]", "data-value").unwrap(),
        app.fixture.ben_id.to_string()
    );
    assert_eq!(owner.get("/affiliates/choices").all("[role=option]").len(), 2);
    assert!(!owner.get("/affiliates/choices?q=nobody").has("[role=option]"));
}

#[test]
fn viewers_look_and_strangers_find_nothing() {
    let app = TestApp::start();
    let (viewer, stranger) = (app.viewer(), app.stranger());
    let path = format!("/affiliates/{}", app.fixture.ben_id);
    let list = viewer.get("/affiliates");
    assert_eq!(names(&list), ["Ada Active", "Ben Second"]);
    assert!(
        !list.has("#bulk")
            && !list.has("[type=checkbox]")
            && !list.has("a[href='/affiliates/new']")
    );
    let page = viewer.get(&path);
    assert_eq!(page.status, 200);
    assert!(!page.has("#content form"));
    assert_eq!(viewer.get("/affiliates/new").status, 403);
    let refused = |person: &Person, path: &str, status: u16| {
        let fields =
            [("name", "X"), ("email", "x@x.example"), ("offer_id", "1"), ("status", "denied")];
        assert_eq!(person.post_signed(path, &fields).status, status, "{path}");
    };
    for post in ["/affiliates", "/affiliates/status", "/affiliates/reversals", &path] {
        refused(&viewer, post, 403);
    }
    refused(&viewer, &format!("{path}/status"), 403);
    refused(&stranger, &path, 404);
    refused(&stranger, &format!("{path}/status"), 404);
    assert_eq!(stranger.get(&path).text(), stranger.get("/affiliates/999999999").text());
    let ben = app.fixture.ben_id.to_string();
    let bulk = stranger.post_signed("/affiliates/status", &[("ids", &ben), ("status", "denied")]);
    assert_eq!(bulk.status, 303);
    assert_eq!(status_of(&app, app.fixture.ben_id), "active");
    assert!(!stranger.get("/affiliates").says("Ben Second"));
    assert!(!stranger.get("/affiliates.csv").text().contains("Ben Second"));
}
