use std::time::Duration as Span;

use chrono::Duration;
use diesel::prelude::*;
use vouch::features::code_syncs::SyncRequest;
use vouch::features::stores;
use vouch::kit::clock;
use vouch::kit::db::schema::{code_sync_results, job_queues, pushes, triggers as triggers_of};
use vouch_platforms::{CallError, CodeState, Reason, StoreCode};

use super::*;
use crate::harness::stores::MockStore;
use crate::harness::stores::{Fault as HttpFault, shopify::Shop};
use crate::pushes::{call_out, code, creating_in, problem, said};

fn numbered(count: usize) -> Vec<StoreCode> {
    (0..count).map(|n| in_store(&format!("CODE{n:05}"))).collect()
}

/// What is queued stays on its way.
fn no_pushes(conn: &mut PgConnection) -> QueryResult<usize> {
    diesel::update(job_queues::table.filter(job_queues::kind.eq("push")))
        .set(job_queues::paused_until.eq(clock::now() + Duration::days(365)))
        .execute(conn)
}

#[test]
fn every_code_is_compared_with_the_store() {
    let (app, shelf) = start(vec![
        in_store("ada10"),
        StoreCode { state: CodeState::Disabled, ..in_store("OFF") },
        StoreCode { state: CodeState::Expired, ..in_store("ENDED") },
        StoreCode { state: CodeState::Scheduled, ..in_store("SOON") },
        StoreCode { same_rules: false, ..in_store("OTHER") },
        in_store("RETIRED"),
        StoreCode { state: CodeState::Disabled, ..in_store("RETIRED-OFF") },
        in_store("VIP-7"),
        in_store("NEWS"),
    ]);
    let store = store(&app);
    for code in ["OFF", "ENDED", "SOON", "OTHER", "MISSING"] {
        trigger(&app, code);
    }
    for code in ["RETIRED", "RETIRED-OFF", "RETIRED-GONE"] {
        retire(&app, trigger(&app, code));
    }
    count_codes(&app, &store, "vip*");
    assert_eq!(ask(&app, &store), SyncRequest::Begins);
    work(&app, &shelf);
    let expected = [
        ("ada10", "both"),
        ("ENDED", "off"),
        ("MISSING", "vouch_only"),
        ("OFF", "off"),
        ("OTHER", "different"),
        ("RETIRED", "retired"),
        ("SOON", "off"),
        ("VIP-7", "store_only"),
    ];
    assert_eq!(found(&app, &store), pairs(&expected));
    let shown = shown(&app, &store).unwrap();
    assert_eq!((shown.read_count, shown.other_count), (9, 1));
    assert_eq!(shown.requested_by.as_deref(), Some("Olga Owner"));
}

#[test]
fn rules_are_compared_only_where_codes_are_created() {
    let (app, shelf) = start(vec![StoreCode { same_rules: false, ..in_store("ADA10") }]);
    let store = store(&app);
    app.within(|conn| stores::set_discount_rules(conn, &app.actor(), &store, false, None));
    ask(&app, &store);
    work(&app, &shelf);
    assert_eq!(found(&app, &store), pairs(&[("ADA10", "both")]));
    assert!(look(&app.owner(), &store).has("[data-check=discounts-not-compared]"));
}

#[test]
fn of_two_codes_of_one_spelling_the_one_that_shoppers_can_use_counts() {
    let off = StoreCode { state: CodeState::Disabled, ..in_store("ADA10") };
    let mut codes = vec![off.clone(), in_store("ada10"), off.clone()];
    codes.extend(numbered(10));
    codes.push(off);
    let (app, shelf) = start(codes);
    let store = store(&app);
    ask(&app, &store);
    work(&app, &shelf);
    assert_eq!(found(&app, &store), pairs(&[("ada10", "both")]));
}

#[test]
fn the_first_check_comes_by_itself_and_the_next_a_day_later() {
    let (app, shelf) = start(vec![in_store("ADA10")]);
    let (store, now) = (store(&app), clock::now());
    work(&app, &shelf);
    assert!(shelf.asked().is_empty(), "not at once");
    work_at(&app, &shelf, now + Duration::minutes(11));
    assert_eq!(shelf.asked().len(), 1);
    let first = shown(&app, &store).unwrap();
    assert_eq!(first.requested_by, None);
    work_at(&app, &shelf, now + Duration::hours(11));
    assert_eq!(shelf.asked().len(), 1, "once a day");
    work_at(&app, &shelf, now + Duration::hours(37));
    assert_eq!(shelf.asked().len(), 2);
    assert_ne!(shown(&app, &store).unwrap().id, first.id);
    // What comes into the credentials' way makes nothing due before its day.
    app.within(|conn| {
        stores::set_credentials(conn, &app.actor(), &encryptor(), &store, b"{\"n\":1}")
    });
    work_at(&app, &shelf, now + Duration::hours(38));
    assert_eq!(shelf.asked().len(), 2);
    work_at(&app, &shelf, now + Duration::days(4));
    assert_eq!(kept(&app), (2, 2), "the one before goes with the next turn");
}

#[test]
fn a_worker_that_is_killed_leaves_its_place_to_the_next() {
    let (app, shelf) = start(numbered(100));
    let store = store(&app);
    for n in 0..100 {
        trigger(&app, &format!("CODE{n:05}"));
    }
    ask(&app, &store);
    shelf.fails_at(40, Fault::Panics);
    work(&app, &shelf);
    assert_eq!(running(&app, &store).unwrap().read_count, 40);
    shelf.fails_at(70, Fault::Answers(CallError::Unanswered(Reason::Interrupted)));
    work_at(&app, &shelf, clock::now() + Duration::minutes(1));
    let page = look(&app.owner(), &store);
    assert!(page.one("[data-check=current]").contains("70 "), "{}", page.text());
    let problem = page.one("[data-problem=attempt]");
    assert!(problem.contains(&Reason::Interrupted.to_string()), "{problem}");
    // The process dies with its lease.
    app.within(|conn| {
        diesel::update(job_queues::table.filter(job_queues::kind.eq("code_syncs")))
            .set(job_queues::leased_until.eq(clock::now()))
            .execute(conn)
    });
    work_at(&app, &shelf, clock::now() + Duration::minutes(5));
    assert_eq!(shelf.asked(), [0, 10, 20, 30, 40, 40, 50, 60, 70, 70, 80, 90]);
    let shown = shown(&app, &store).unwrap();
    assert_eq!((shown.read_count, shown.count(SyncStatus::Both)), (100, 100));
    assert_eq!(shown.count(SyncStatus::VouchOnly), 1, "ADA10");
}

#[test]
fn a_pause_that_the_store_asks_for_is_kept() {
    let (app, shelf) = start(numbered(30));
    let store = store(&app);
    ask(&app, &store);
    let now = clock::now();
    shelf.fails_at(10, Fault::Answers(CallError::Throttled { wait: Span::from_secs(60) }));
    work_at(&app, &shelf, now);
    work_at(&app, &shelf, now + Duration::seconds(59));
    assert_eq!(shelf.asked(), [0, 10]);
    work_at(&app, &shelf, now + Duration::seconds(90));
    assert_eq!(shelf.asked(), [0, 10, 10, 20]);
    assert!(shown(&app, &store).is_some());
}

#[test]
fn a_check_that_is_asked_for_while_one_runs_follows_it() {
    let (app, shelf) = start(numbered(20));
    let (store, owner) = (store(&app), app.owner());
    assert_eq!(ask(&app, &store), SyncRequest::Begins);
    assert_eq!(ask(&app, &store), SyncRequest::Begins, "nothing was read yet");
    shelf.fails_at(10, Fault::Answers(CallError::Unanswered(Reason::Timeout)));
    work(&app, &shelf);
    let page = owner.submit(&look(&owner, &store), "#content form[action$='/code-sync']", &[]);
    let page = owner.follow(&page);
    assert!(page.has("[role=status].tone-info"), "{}", page.text());
    assert!(page.one("[data-check=next]").contains("Olga Owner"));
    // Added after the first page was read.
    shelf.0.lock().unwrap().codes.insert(0, in_store("ADA10"));
    work_at(&app, &shelf, clock::now() + Duration::minutes(1));
    work_at(&app, &shelf, clock::now() + Duration::minutes(2));
    assert_eq!(shelf.asked(), [0, 10, 10, 20, 0, 10, 20]);
    assert!(running(&app, &store).is_none());
    assert_eq!(found(&app, &store), pairs(&[("ADA10", "both")]));
}

#[test]
fn what_is_created_and_retired_while_a_check_runs_is_judged_as_it_ends() {
    let (app, shelf) = start(vec![in_store("ADA10"), in_store("KEPT"), in_store("VIP1")]);
    shelf.0.lock().unwrap().codes.extend(numbered(10));
    let store = store(&app);
    let (kept, back) = (trigger(&app, "KEPT"), trigger(&app, "BACK"));
    shelf.0.lock().unwrap().codes.insert(0, in_store("BACK"));
    retire(&app, back);
    count_codes(&app, &store, "VIP*");
    let (sent, lost) = (code(&app, "SENT"), trigger(&app, "LOST"));
    let touch = |trigger_id: i64| {
        app.within(|conn| {
            diesel::update(triggers_of::table.filter(triggers_of::id.eq(trigger_id)))
                .set(triggers_of::created_at.eq(clock::now() - Duration::hours(1)))
                .execute(conn)
        })
    };
    touch(sent);
    app.within(|conn| {
        diesel::update(pushes::table.filter(pushes::trigger_id.eq(sent)))
            .set((pushes::status.eq("pushed"), pushes::settled_at.eq(clock::now())))
            .execute(conn)
    });
    ask(&app, &store);
    shelf.fails_at(10, Fault::Answers(CallError::Unanswered(Reason::Timeout)));
    work(&app, &shelf);
    let late = code(&app, "LATE");
    let vip = trigger(&app, "VIP1");
    retire(&app, kept);
    app.within(|conn| {
        let trigger = Trigger::find(conn, app.fixture.merchant_id, back)?;
        triggers::reinstate(conn, &app.actor(), &trigger)
    });
    assert!(late > 0 && vip > 0 && lost > 0);
    // No pushes meanwhile: the new one stays on its way.
    app.within(no_pushes);
    work_at(&app, &shelf, clock::now() + Duration::minutes(1));
    let expected = [
        ("ADA10", "both"),
        ("BACK", "both"),
        ("KEPT", "retired"),
        ("LOST", "vouch_only"),
        ("VIP1", "both"),
    ];
    assert_eq!(found(&app, &store), pairs(&expected));
}

#[test]
fn a_code_on_its_way_is_not_missed_unless_none_are_created_any_more() {
    let (app, shelf) = start(vec![in_store("ADA10")]);
    let store = store(&app);
    let id = code(&app, "SPRING");
    app.within(|conn| {
        no_pushes(conn)?;
        diesel::update(triggers_of::table.filter(triggers_of::id.eq(id)))
            .set(triggers_of::created_at.eq(clock::now() - Duration::hours(1)))
            .execute(conn)
    });
    ask(&app, &store);
    work(&app, &shelf);
    assert_eq!(found(&app, &store), pairs(&[("ADA10", "both")]));
    app.within(|conn| stores::set_discount_rules(conn, &app.actor(), &store, false, None));
    ask(&app, &store);
    work(&app, &shelf);
    assert_eq!(found(&app, &store), pairs(&[("ADA10", "both"), ("SPRING", "vouch_only")]));
}

#[test]
fn a_check_begins_anew_when_the_rules_or_the_counted_codes_change_under_it() {
    let (app, shelf) = start(numbered(30));
    let store = store(&app);
    ask(&app, &store);
    shelf.fails_at(10, Fault::Answers(CallError::Unanswered(Reason::Timeout)));
    work(&app, &shelf);
    with_rules(&app, "second");
    shelf.fails_at(20, Fault::Answers(CallError::Unanswered(Reason::Timeout)));
    work_at(&app, &shelf, clock::now() + Duration::minutes(1));
    assert_eq!(shelf.asked(), [0, 10, 0, 10, 20]);
    count_codes(&app, &store, "CODE00001");
    work_at(&app, &shelf, clock::now() + Duration::minutes(2));
    assert_eq!(shelf.asked(), [0, 10, 0, 10, 20, 0, 10, 20]);
    let shown = shown(&app, &store).unwrap();
    assert_eq!((shown.read_count, shown.other_count), (30, 29));
    assert_eq!(found(&app, &store), pairs(&[("ADA10", "vouch_only"), ("CODE00001", "store_only")]));
}

#[test]
fn a_check_that_rested_for_hours_begins_anew() {
    let (app, shelf) = start(numbered(30));
    let store = store(&app);
    ask(&app, &store);
    shelf.fails_at(20, Fault::Answers(CallError::Unanswered(Reason::Timeout)));
    work(&app, &shelf);
    work_at(&app, &shelf, clock::now() + Duration::hours(4));
    assert_eq!(shelf.asked(), [0, 10, 20, 0, 10, 20]);
    assert_eq!(shown(&app, &store).unwrap().read_count, 30);
}

#[test]
fn a_revoked_token_stops_the_store_and_the_last_findings_stay() {
    let (app, shelf) = start(vec![in_store("ADA10")]);
    let store = store(&app);
    ask(&app, &store);
    work(&app, &shelf);
    shelf.0.lock().unwrap().access = Err(CallError::Denied(said("revoked")));
    shelf.fails_at(0, Fault::Answers(CallError::Denied(said("revoked"))));
    ask(&app, &store);
    work(&app, &shelf);
    assert_eq!(problem(&app), Some(said("revoked")));
    assert_eq!(found(&app, &store), pairs(&[("ADA10", "both")]));
    assert!(look(&app.owner(), &store).one("[data-problem=access]").contains("“revoked”"));
    shelf.0.lock().unwrap().access = Ok(StoreAccess::default());
    app.within(|conn| {
        stores::set_credentials(conn, &app.actor(), &encryptor(), &store, b"{\"n\":1}")
    });
    work_at(&app, &shelf, clock::now() + Duration::minutes(11));
    assert!(running(&app, &store).is_none());
}

#[test]
fn a_missing_right_stops_the_comparison_and_nothing_else() {
    let (app, shelf) = start(vec![in_store("ADA10")]);
    let store = store(&app);
    ask(&app, &store);
    let lacks = Reason::MissingScope { scope: "read_discounts".to_owned() };
    shelf.fails_at(0, Fault::Answers(CallError::Denied(lacks)));
    work(&app, &shelf);
    assert_eq!(problem(&app), None);
    assert!(look(&app.owner(), &store).one("[data-problem=check]").contains("read_discounts"));
    work_at(&app, &shelf, clock::now() + Duration::hours(1));
    assert_eq!(shelf.asked(), [0], "not again and again");
    // Whoever gave it the right does not want to wait.
    ask(&app, &store);
    work(&app, &shelf);
    assert_eq!(found(&app, &store), pairs(&[("ADA10", "both")]));
}

#[test]
fn a_disconnected_store_is_not_read_and_goes_on_when_it_is_back() {
    let (app, shelf) = start(numbered(20));
    let store = store(&app);
    ask(&app, &store);
    shelf.fails_at(10, Fault::Answers(CallError::Unanswered(Reason::Timeout)));
    work(&app, &shelf);
    app.within(|conn| stores::disconnect(conn, &app.actor(), &store));
    work_at(&app, &shelf, clock::now() + Duration::hours(1));
    assert_eq!(shelf.asked(), [0, 10]);
    assert_eq!(look(&app.owner(), &store).status, 404);
    app.within(|conn| {
        let secret = stores::WebhookSecret::parse(crate::harness::SHOP_SECRET).unwrap();
        let address = "acme-tea.myshopify.com";
        let back = stores::connect_shopify(conn, &app.actor(), &encryptor(), address, &secret);
        stores::set_credentials(conn, &app.actor(), &encryptor(), &back.unwrap(), b"{}")
    });
    work_at(&app, &shelf, clock::now() + Duration::minutes(11));
    assert_eq!(shelf.asked(), [0, 10, 10]);
    assert_eq!(shown(&app, &store).unwrap().read_count, 20);
}

#[test]
fn a_worker_that_lost_its_lease_keeps_nothing() {
    let (app, shelf) = start(numbered(20));
    let store = store(&app);
    ask(&app, &store);
    let (database, merchant_id) = (app.database_url.clone(), app.fixture.merchant_id);
    let quick = shelf.clone();
    let tools = Tools {
        open: Arc::new(move |_, _| {
            let mut conn = PgConnection::establish(&database).unwrap();
            let scope = vouch::kit::db::Scope::Merchant(merchant_id);
            vouch::kit::db::in_scope(&mut conn, scope, |conn| {
                diesel::update(job_queues::table.filter(job_queues::kind.eq("code_syncs")))
                    .set(job_queues::lease.eq(job_queues::lease + 1))
                    .execute(conn)
            })
            .unwrap();
            Ok(Box::new(quick.clone()))
        }),
        ..tools(&app, &shelf)
    };
    run_due_jobs(&tools, clock::now()).unwrap();
    assert_eq!(shelf.asked(), [0]);
    let kept = running(&app, &store).unwrap();
    assert_eq!((kept.read_count, kept.other_count), (0, 0));
    let findings: i64 = app.within(|conn| code_sync_results::table.count().get_result(conn));
    assert_eq!(findings, 0);
}

/// 10,000 triggers CODE00000 and so on, and as many codes in the store but for each hundredth.
fn ten_thousand() -> (TestApp, MockStore<Shop>) {
    let shop = MockStore::shopify();
    let app = creating_in(&shop);
    app.within(|conn| {
        diesel::sql_query(
            "INSERT INTO triggers (merchant_id, kind, value, key, look_alike, affiliate_id, created_at) \
             SELECT merchant_id, 'coupon_code', c, c, c, affiliate_id, created_at FROM triggers, \
                 (SELECT 'CODE' || lpad(n::text, 5, '0') AS c FROM generate_series(0, 9999) n) n",
        )
        .execute(conn)
    });
    let mut held = shop.store();
    for n in (0..10_000).filter(|n| n % 100 != 0) {
        held.add_discount(&format!("code{n:05}"), 0.1);
    }
    drop(held);
    (app, shop)
}

#[test]
fn ten_thousand_codes_are_compared_in_pages_within_the_limits_of_the_store() {
    let (app, shop) = ten_thousand();
    let store = store(&app);
    ask(&app, &store);
    // Far fewer than needed are left in the bucket: the rest has to be waited for.
    shop.once("query Codes", HttpFault::shopify_throttled(2.0));
    let mut now = clock::now();
    call_out(&app, now);
    assert_eq!(shop.count("query Codes"), 1, "a pause is a pause");
    for _ in 0..40 {
        now += Duration::minutes(2);
        call_out(&app, now);
        if running(&app, &store).is_none() {
            break;
        }
    }
    let shown = shown(&app, &store).expect("it came to its end");
    assert_eq!(shown.read_count, 9_900);
    assert_eq!(shown.count(SyncStatus::Both), 9_900);
    assert_eq!(shown.count(SyncStatus::VouchOnly), 101, "each hundredth, and ADA10");
    // 25 a page, the throttled one twice.
    assert_eq!(shop.count("query Codes"), 9_900 / 25 + 1);
    assert_eq!(shop.count("query FindCode"), 0);
    let owner = app.owner();
    let page = owner.get(&format!("{}?finding=vouch_only", path(&store)));
    assert_eq!(page.one(".figures a[href$='finding=vouch_only']"), "101");
    assert_eq!(page.all("#results tbody tr").len(), 50);
    let page = owner.get(&page.attribute("a[rel=next]", "href").unwrap());
    let page = owner.get(&page.attribute("a[rel=next]", "href").unwrap());
    assert_eq!(page.all("#results tbody th"), ["CODE09900 Ada Active"]);
    let csv = owner.get(&format!("{}.csv?finding=both", path(&store))).csv();
    assert_eq!(csv.lines().count(), 9_901);

    let sent = owner.post_signed(&format!("{}/repairs", path(&store)), &[]);
    assert!(owner.follow(&sent).one("[role=status].tone-good").starts_with("101 "));
    let queued: i64 = app
        .within(|conn| pushes::table.filter(pushes::status.eq("queued")).count().get_result(conn));
    assert_eq!(queued, 101);
}
