use std::sync::Barrier;

use chrono::{NaiveDate, TimeZone, Utc};
use vouch::features::availability::exclusions_of;
use vouch::features::exclusions::look_alike::look_alike;
use vouch::features::exclusions::{change, enable, remove, restore};

use super::*;

#[test]
fn a_code_is_stopped_by_what_looks_like_it_and_only_while_the_feature_is_on() {
    let app = TestApp::start();
    let acme = app.fixture.merchant_id;
    exclude(&app, &new("SAVE-10"));
    exclude(&app, &new("BLACKFRIDAY*"));
    exclude(&app, &new("*staff*"));
    exclude(&app, &new("VIP*GOLD"));
    assert_eq!(stopped_by(&app, acme, "save1O"), None, "the feature is off");
    super::enable(&app);
    for (code, by) in [
        ("save1O", Some("SAVE-10")),
        ("BlackFriday-24", Some("BLACKFRIDAY*")),
        ("b1ackfr1day", Some("BLACKFRIDAY*")),
        ("MY-5TAFF", None),
        ("MY-STAFF-CODE", Some("*staff*")),
        ("vip_old_go1d", Some("VIP*GOLD")),
        ("VIP", None),
        ("SAVE", None),
        ("MYBLACKFRIDAY", None),
    ] {
        assert_eq!(stopped_by(&app, acme, code).as_deref(), by, "{code}");
    }
}

#[test]
fn one_programs_list_stops_nothing_in_another() {
    let app = TestApp::start();
    let (acme, borealis) = (app.fixture.merchant_id, app.fixture.stranger_merchant_id);
    super::enable(&app);
    app.enable_exclusions(borealis);
    exclude(&app, &new("SUMMER*"));
    assert_eq!(stopped_by(&app, acme, "SUMMER24").as_deref(), Some("SUMMER*"));
    assert_eq!(stopped_by(&app, borealis, "SUMMER24"), None);
    // Nor does asking for somebody else's list answer anything.
    let code = CouponCode::parse("SUMMER24").unwrap();
    let now = vouch::kit::clock::now();
    let foreign = app.within_merchant(borealis, |conn| exclusion_of(conn, acme, &code, now));
    assert_eq!(foreign, None);
}

#[test]
fn many_codes_are_answered_in_their_order() {
    let app = TestApp::start();
    super::enable(&app);
    exclude(&app, &new("*999"));
    let keys: Vec<String> = (900..1150).map(|n| format!("CODE-{n}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let acme = app.fixture.merchant_id;
    let answers = app.within(|conn| exclusions_of(conn, acme, &keys, vouch::kit::clock::now()));
    let stopped: Vec<&str> = keys
        .iter()
        .zip(&answers)
        .filter(|(_, excluded)| excluded.is_some())
        .map(|(key, _)| *key)
        .collect();
    assert_eq!((answers.len(), stopped), (250, vec!["CODE-999"]));
}

#[test]
fn dates_are_days_of_the_program() {
    let app = TestApp::start();
    let acme = app.fixture.merchant_id;
    super::enable(&app);
    let day = |d| NaiveDate::from_ymd_opt(2026, 11, d);
    let tz = chrono_tz::America::New_York;
    let seasonal = NewExclusion { dates: Dates::new(day(27), day(30), tz), ..new("CYBER*") };
    exclude(&app, &seasonal);
    let code = CouponCode::parse("CYBER5").unwrap();
    for (day, hour, minute, stopped) in
        [(27, 4, 59, false), (27, 5, 0, true), (1, 4, 59, true), (1, 5, 0, false)]
    {
        let month = if day == 1 { 12 } else { 11 };
        let at = Utc.with_ymd_and_hms(2026, month, day, hour, minute, 0).unwrap();
        let verdict = app.within(|conn| exclusion_of(conn, acme, &code, at));
        assert_eq!(verdict.is_some(), stopped, "{at}");
    }
}

#[test]
fn a_second_spelling_of_an_exclusion_is_refused_by_the_database() {
    let app = TestApp::start();
    exclude(&app, &new("SAVE-10"));
    let again = app.within(|conn| Ok(add(conn, &app.actor(), &new("save1o"))));
    assert!(matches!(again, Err(SaveError::Taken(value)) if value == "SAVE-10"));
    let barrier = Barrier::new(8);
    let saved: usize = std::thread::scope(|scope| {
        let attempts: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    app.within(|conn| Ok(add(conn, &app.actor(), &new("RACE*"))).map(|r| r.is_ok()))
                })
            })
            .collect();
        attempts.into_iter().map(|one| usize::from(one.join().unwrap())).sum()
    });
    assert_eq!(saved, 1);
}

#[test]
fn what_is_removed_stops_nothing_and_can_be_put_back_unless_it_was_added_anew() {
    let app = TestApp::start();
    let (acme, actor) = (app.fixture.merchant_id, app.actor());
    super::enable(&app);
    let exclusion = exclude(&app, &new("SAVE*"));
    assert!(app.within(|conn| remove(conn, &actor, exclusion.id)).1);
    assert!(!app.within(|conn| remove(conn, &actor, exclusion.id)).1, "a second time");
    assert_eq!(stopped_by(&app, acme, "SAVE5"), None);
    assert!(app.within(|conn| Ok(restore(conn, &actor, exclusion.id).unwrap())).1);
    assert_eq!(stopped_by(&app, acme, "SAVE5").as_deref(), Some("SAVE*"));
    app.within(|conn| remove(conn, &actor, exclusion.id));
    exclude(&app, &new("S-AVE*"));
    let taken = app.within(|conn| Ok(restore(conn, &actor, exclusion.id)));
    assert!(matches!(taken, Err(SaveError::Taken(value)) if value == "S-AVE*"));
}

#[test]
fn an_exclusion_that_is_changed_stops_what_it_says_now() {
    let app = TestApp::start();
    let (acme, actor) = (app.fixture.merchant_id, app.actor());
    super::enable(&app);
    let exclusion = exclude(&app, &new("SPRING*"));
    app.within(|conn| Ok(change(conn, &actor, exclusion.id, &new("*SPRING*")).unwrap()));
    assert_eq!(stopped_by(&app, acme, "MYSPRING").as_deref(), Some("*SPRING*"));
    exclude(&app, &new("AUTUMN"));
    let taken = app.within(|conn| Ok(change(conn, &actor, exclusion.id, &new("AUTUMN"))));
    assert!(matches!(taken, Err(SaveError::Taken(_))));
}

#[test]
fn a_feature_that_is_toggled_while_claims_run_is_on_or_off_for_each_of_them() {
    let app = TestApp::start();
    let acme = app.fixture.merchant_id;
    exclude(&app, &new("FLICKER*"));
    let code = CouponCode::parse("FLICKER1").unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..40 {
                let actor = app.actor();
                app.within(|conn| enable(conn, &actor, round % 2 == 0, "Tests"));
            }
        });
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..40 {
                    let now = vouch::kit::clock::now();
                    let verdict = app.within(|conn| exclusion_of(conn, acme, &code, now));
                    assert!(verdict.is_none_or(|excluded| excluded.value == "FLICKER*"));
                }
            });
        }
    });
    assert_eq!(stopped_by(&app, acme, "FLICKER1"), None, "it was switched off last");
    super::enable(&app);
    assert_eq!(stopped_by(&app, acme, "FLICKER1").as_deref(), Some("FLICKER*"));
}

#[test]
fn every_code_that_is_written_has_its_look_alike_key() {
    use vouch::kit::db::schema::triggers;
    let app = TestApp::start();
    let (owner, ben) = (app.owner(), app.fixture.ben_id.to_string());
    let added =
        owner.post_signed("/triggers", &[("affiliate_id", &ben), ("coupon_code", "Й.О-24")]);
    assert_eq!(added.status, 303, "{}", added.text());
    let email = [
        ("affiliate_id", ben.as_str()),
        ("type", "customer_email"),
        ("customer_email", "a@b.example"),
    ];
    assert_eq!(owner.post_signed("/triggers", &email).status, 303);
    let file = b"Affiliate,Code\nben@affiliates.example,SA\xc3\x89LE.1\n";
    let sent = owner.post_file(
        "/triggers/imports",
        &[("csrf", &owner.token())],
        ("file", "codes.csv", file),
    );
    let looked = owner.follow(&sent);
    assert_eq!(owner.submit(&looked, "form.stack", &[]).status, 303);
    let kept: Vec<(String, Option<String>)> = app.within(|conn| {
        triggers::table.order(triggers::id).select((triggers::key, triggers::look_alike)).load(conn)
    });
    let expected = ["ADA10", "Й.О-24", "a@b.example", "SAÉLE.1"];
    assert_eq!(kept.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), expected);
    for (key, held) in &kept {
        assert_eq!(*held, (key != "a@b.example").then(|| look_alike(key)), "{key}");
    }
    assert_eq!(kept[3].1.as_deref(), Some("SAE1E1"));
}
