use vouch::kit::db::schema::{audit_log, pushes};
use vouch_platforms::{CallError, CodeState, Reason, StoreCode};

use super::*;
use crate::harness::stores::MockStore;
use crate::pushes::{call_out, creating_in};

const DONE: &str = "[role=status].tone-good";
const UNUSABLE: &str = "[data-task=unusable] a";

/// A finished check with findings of every kind.
fn with_findings() -> (TestApp, Shelf, Store) {
    let (app, shelf) = start(vec![
        in_store("ada10"),
        StoreCode { state: CodeState::Disabled, ..in_store("OFF") },
        StoreCode { state: CodeState::Scheduled, ..in_store("SOON") },
        StoreCode { same_rules: false, ..in_store("OTHER") },
        in_store("RETIRED"),
        in_store("VIP-7"),
        in_store("NEWS"),
    ]);
    let store = store(&app);
    for code in ["OFF", "SOON", "OTHER", "MISSING", "MISSING2"] {
        trigger(&app, code);
    }
    retire(&app, trigger(&app, "RETIRED"));
    let renamed = trigger(&app, "FORMER");
    shelf.hold(StoreCode { mark: mark(&app, renamed), ..in_store("NEWNAME") });
    count_codes(&app, &store, "VIP*");
    ask(&app, &store);
    work(&app, &shelf);
    (app, shelf, store)
}

fn codes(page: &Page) -> Vec<String> {
    page.all("#results tbody th code")
}

#[test]
fn the_page_counts_and_lists_what_differs_and_says_what_to_do() {
    let (app, _, store) = with_findings();
    let owner = app.owner();
    let page = look(&owner, &store);
    let counts = [
        ("vouch_only", "3"),
        ("off", "2"),
        ("different", "1"),
        ("store_only", "2"),
        ("retired", "1"),
        ("both", "1"),
    ];
    for (status, count) in counts {
        assert_eq!(page.one(&format!(".figures a[href$='finding={status}']")), count, "{status}");
    }
    assert_eq!(
        codes(&page),
        ["FORMER", "MISSING", "MISSING2", "NEWNAME", "OFF", "OTHER", "RETIRED", "SOON", "VIP-7"]
    );
    let rows = [
        ("[data-status=vouch_only]:not([data-state])", 3),
        ("[data-status=off][data-state=disabled]", 1),
        ("[data-status=off][data-state=scheduled]", 1),
        ("[data-status=different][data-state=live]", 1),
        ("[data-status=retired]", 1),
        ("[data-status=store_only]", 2),
    ];
    for (row, count) in rows {
        assert_eq!(page.all(&format!("#results {row}")).len(), count, "{row}");
    }
    assert!(page.one("#results [data-status=different] td").contains("10% off everything"));
    let renamed = page.all("#results [data-status=store_only] td");
    assert!(renamed[0].contains("FORMER") && !renamed[1].contains("FORMER"), "{renamed:?}");
    assert!(page.has("[data-unlisted='1']"));
    assert!(page.one("[data-check=last]").contains("Olga Owner"));
    assert!(page.has("a[href='https://admin.example/discounts/OTHER']"));
}

#[test]
fn a_check_is_followed_by_the_page_and_shows_what_it_found_at_its_end() {
    let (app, shelf, store) = with_findings();
    let (owner, path) = (app.owner(), path(&store));
    let follow = || owner.get_with(&path, &[("hx-request", "true"), ("hx-target", "state")]);
    let follows = "#state[hx-trigger='every 3s'][hx-select='#state']";
    assert!(!look(&owner, &store).has(follows), "none runs");
    ask(&app, &store);
    assert!(look(&owner, &store).has(follows) && follow().has(follows));
    assert_eq!(follow().header("hx-reselect"), None);
    work_at(&app, &shelf, clock::now() + Duration::hours(1));
    let last = follow();
    assert!(!last.has(follows) && last.has("#compared #state") && last.has("#compared #results"));
    assert_eq!(last.header("hx-reselect"), Some("#compared"));
    assert_eq!(last.header("hx-retarget"), Some("#compared"));
    assert!(!last.has("#compared #f-counted"), "what is being typed stays");
}

#[test]
fn the_list_is_filtered_and_searched_by_its_address() {
    let (app, _, store) = with_findings();
    let owner = app.owner();
    let list = |query: &str| codes(&owner.get(&format!("{}?{query}", path(&store))));
    assert_eq!(list("finding=off"), ["OFF", "SOON"]);
    assert_eq!(list("finding=unusable"), ["FORMER", "MISSING", "MISSING2", "OFF"]);
    assert_eq!(list("finding=both"), ["ada10"]);
    assert_eq!(list("q=missing"), ["MISSING", "MISSING2"]);
    assert_eq!(list("q=g%25"), [""; 0]);
    assert_eq!(list("finding=nonsense&after=rubbish").len(), 9);
    let page = owner.get(&format!("{}?finding=retired&q=tired", path(&store)));
    assert_eq!(page.all(".chip").len(), 2);
    let csv = owner.get(page.attribute("a[download]", "href").unwrap().as_str());
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    let lines: Vec<String> = csv.text().lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    let status = SyncStatus::Retired.label();
    let row = format!("RETIRED,{status},RETIRED,Active,10% off everything.");
    assert!(lines[1].starts_with(&row), "{lines:?}");
}

#[test]
fn a_store_without_a_check_or_without_credentials_says_so() {
    let (app, _) = start(Vec::new());
    let store = store(&app);
    let page = look(&app.owner(), &store);
    assert!(!page.has("[data-check=last] time"));
    assert!(page.has("#content form[action$='/code-sync']"));
    assert!(!page.has("#results"));
    assert_eq!(app.owner().get(&format!("{}.csv", path(&store))).text().lines().count(), 1);
    let bare = TestApp::start();
    let store = crate::pushes::store(&bare);
    let owner = bare.owner();
    let page = look(&owner, &store);
    assert!(page.has("[data-problem=no-credentials]"));
    assert!(!page.has("#content form[action$='/code-sync']"));
    let answer = owner.follow(&owner.post_signed(&path(&store), &[]));
    assert!(answer.has("[role=status].tone-bad"));
}

#[test]
fn what_counts_is_checked_saved_and_compared_anew() {
    let (app, shelf, store) = with_findings();
    let owner = app.owner();
    let form = "form[action$='/counted-codes']";
    let save = |typed: &str| owner.submit(&look(&owner, &store), form, &[("counted", typed)]);
    let refused = save("VIP*\nA B");
    assert_eq!(refused.status, 422);
    assert!(refused.one("#f-counted-error").contains("“A B”"), "{}", refused.text());
    assert!(refused.text().contains("VIP*\nA B</textarea>"), "as typed");
    let saved = save(" news \n");
    assert!(owner.follow(&saved).has(DONE) && running(&app, &store).is_some());
    work(&app, &shelf);
    let only: Vec<String> = found(&app, &store)
        .into_iter()
        .filter_map(|(code, status)| (status == "store_only").then_some(code))
        .collect();
    assert_eq!(only, ["NEWNAME", "NEWS"]);
    assert!(look(&owner, &store).text().contains("NEWS</textarea>"));
}

#[test]
fn a_missing_code_is_sent_again_one_at_a_time_or_all_at_once() {
    let (app, shelf, store) = with_findings();
    let owner = app.owner();
    let page = look(&owner, &store);
    let one = owner.submit(&page, "#results form:has(input[name=trigger_id])", &[]);
    let page = owner.follow(&one);
    assert!(page.one(DONE).starts_with("1 "));
    let queued = |app: &TestApp| -> i64 {
        app.within(|conn| {
            pushes::table.filter(pushes::status.eq("queued")).count().get_result(conn)
        })
    };
    assert_eq!(queued(&app), 1);
    let sendable = "#results form:has(input[name=trigger_id])";
    assert_eq!(page.all(sendable).len(), 2, "the queued one isn't offered again");
    let repairs = format!("{}/repairs", path(&store));
    let all = owner.submit(&page, &format!("#results > div > form[action='{repairs}']"), &[]);
    assert!(owner.follow(&all).one(DONE).starts_with("2 "));
    assert_eq!(queued(&app), 3);
    let again = owner.post_signed(&repairs, &[]);
    assert!(owner.follow(&again).has("[role=status].tone-info"));
    work(&app, &shelf);
    let page = look(&owner, &store);
    assert!(!page.has("#results form"), "nothing is left to send");
    ask(&app, &store);
    work(&app, &shelf);
    assert_eq!(shown(&app, &store).unwrap().count(SyncStatus::VouchOnly), 0);
    let acts: Vec<String> = app.within(|conn| {
        audit_log::table
            .filter(audit_log::action.like("push.%"))
            .order(audit_log::id)
            .select(audit_log::action)
            .load(conn)
    });
    assert_eq!(acts, ["push.retried", "push.missing_sent"]);
}

#[test]
fn a_code_that_vouch_had_pushed_and_the_store_lost_is_made_there_again() {
    let shop = MockStore::shopify();
    let app = creating_in(&shop);
    let (store, owner) = (store(&app), app.owner());
    shop.store().add_discount("ADA10", 0.1);
    let id = crate::pushes::code(&app, "SPRING");
    let now = clock::now();
    call_out(&app, now);
    assert_eq!(shop.store().codes(), ["ADA10", "SPRING"]);
    shop.store().discounts.pop();
    // A while later, since lists of a store can lag behind.
    ask(&app, &store);
    call_out(&app, now + Duration::minutes(10));
    assert_eq!(found(&app, &store), pairs(&[("ADA10", "both"), ("SPRING", "vouch_only")]));
    let page = owner.get(&format!("/triggers/{id}"));
    assert!(page.has("[data-sync=vouch_only]"), "{}", page.text());
    let fields = [("trigger_id", id.to_string())];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    owner.post_signed(&format!("{}/repairs", path(&store)), &fields);
    assert!(!owner.get(&format!("/triggers/{id}")).has("[data-sync]"));
    call_out(&app, now + Duration::minutes(11));
    assert_eq!(shop.store().codes(), ["ADA10", "SPRING"]);
}

#[test]
fn a_repair_is_for_those_who_may_and_where_codes_are_created() {
    let (app, _, store) = with_findings();
    let repairs = format!("{}/repairs", path(&store));
    let viewer = app.viewer();
    let page = look(&viewer, &store);
    assert_eq!(page.status, 200);
    assert!(!page.has("#content form[method=post]:not([action$='/counted-codes'])"));
    for path in [repairs.clone(), path(&store), format!("{}/counted-codes", path(&store))] {
        assert_eq!(viewer.post_signed(&path, &[]).status, 403, "{path}");
        assert_eq!(app.stranger().post_signed(&path, &[]).status, 404, "{path}");
    }
    let unknown = app.owner().post_signed(&repairs, &[("trigger_id", "999999999")]);
    assert_eq!(unknown.status, 404);
    let of_stranger = app.fixture.stranger_trigger_id.to_string();
    let strange = app.owner().post_signed(&repairs, &[("trigger_id", &of_stranger)]);
    assert_eq!(strange.status, 404);
    app.within(|conn| stores::set_discount_rules(conn, &app.actor(), &store, false, None));
    let owner = app.owner();
    let refused = owner.follow(&owner.post_signed(&repairs, &[]));
    assert!(refused.one("[role=status].tone-bad").contains("Acme Tea on Shopify"));
    assert!(!look(&owner, &store).has("#results form"));
    assert_eq!(app.stranger().get(&path(&store)).status, 404);
    assert_eq!(app.stranger().get(&format!("{}.csv", path(&store))).status, 404);
}

#[test]
fn the_dashboard_and_the_triggers_say_what_shoppers_cannot_use() {
    let (app, shelf, store) = with_findings();
    let owner = app.owner();
    let dashboard = owner.get("/dashboard");
    let task = dashboard.one(UNUSABLE);
    assert!(task.starts_with("4 ") && task.contains("Acme Tea on Shopify"), "{task}");
    let list = owner.get(&dashboard.attribute(UNUSABLE, "href").unwrap());
    assert_eq!(list.all("#results tbody tr").len(), 4);
    let triggers = owner.get("/triggers");
    for status in ["vouch_only", "off", "retired"] {
        assert!(triggers.has(&format!("[data-sync={status}]")), "{status}");
    }
    assert!(!app.stranger().get("/dashboard").has(UNUSABLE));
    let settings = owner.get("/settings/shopify");
    assert!(settings.has(&format!("a[href='{}']", path(&store))));
    owner.post_signed(&format!("{}/repairs", path(&store)), &[]);
    assert!(owner.get("/dashboard").one(UNUSABLE).starts_with("1 "));
    shelf.0.lock().unwrap().codes.iter_mut().for_each(|code| code.state = CodeState::Live);
    shelf.fails_at(0, Fault::Answers(CallError::Unanswered(Reason::Timeout)));
    ask(&app, &store);
    work(&app, &shelf);
    assert!(owner.get("/dashboard").has(UNUSABLE), "until a check says otherwise");
    work_at(&app, &shelf, clock::now() + Duration::minutes(1));
    assert!(!owner.get("/dashboard").has(UNUSABLE));
}

#[test]
fn a_code_of_the_stores_own_can_be_attached_from_the_list() {
    let (app, shelf) = start(vec![StoreCode { same_rules: false, ..in_store("SPRING") }]);
    let store = store(&app);
    let id = crate::pushes::code(&app, "SPRING");
    work(&app, &shelf);
    ask(&app, &store);
    work(&app, &shelf);
    let owner = app.owner();
    let answer = owner.submit(&look(&owner, &store), "form[action$='/attachment']", &[]);
    assert!(owner.follow(&answer).has(DONE));
    assert_eq!(crate::pushes::status(&app, id).0, "pushed");
    assert!(!look(&owner, &store).has("form[action$='/attachment']"));
}
