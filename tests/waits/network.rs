//! A network that fails between Vouch and its database.

use std::time::Duration;

use diesel::prelude::*;
use vouch::kit::db::schema::orders;

use super::{at_once, send_order, time_until, timed};
use crate::harness::proxy::Mode;
use crate::harness::{TestApp, on_this_machine};

const RECOVERY: Duration = Duration::from_secs(5);

/// Orders that were answered 2xx are there, each once.
fn assert_kept(app: &TestApp, sent: &[u64]) {
    let kept: Vec<String> = app.within(|conn| orders::table.select(orders::order_ref).load(conn));
    for id in sent {
        let found = kept.iter().filter(|order_ref| order_ref.ends_with(&id.to_string())).count();
        assert_eq!(found, 1, "order {id} among {kept:?}");
    }
}

#[test]
fn in_a_black_hole_everything_is_answered_and_recovers_once_it_is_gone() {
    let (app, proxy) = TestApp::start_behind_proxy();
    let owner = app.owner();
    assert_eq!(owner.get("/affiliates").status, 200);
    assert_eq!(send_order(&app, 101).page.status, 200);

    proxy.set(Mode::BlackHole);
    let cookie = owner.cookie();
    let answers = at_once(24, |n| match n % 4 {
        0 | 1 => ("hook", send_order(&app, 200 + n)),
        2 => {
            let person = app.anonymous();
            person.set_cookie(cookie.clone());
            ("page", timed(|| person.get("/affiliates")))
        }
        _ => ("health", timed(|| app.anonymous().get("/healthz"))),
    });
    for (kind, answer) in &answers {
        let (status, limit) = match *kind {
            "health" => (200, Duration::from_secs(1)),
            "hook" => (503, Duration::from_millis(4_500)),
            _ => (503, Duration::from_secs(6)),
        };
        assert_eq!(answer.page.status, status, "{kind}");
        assert!(answer.took < on_this_machine(limit), "{kind} after {:?}", answer.took);
        assert_eq!(status == 503, answer.page.header("retry-after").is_some(), "{kind}");
    }
    let unready = timed(|| app.anonymous().get("/readyz"));
    assert_eq!(unready.page.status, 503, "{}", unready.page.text());
    assert!(unready.took < on_this_machine(Duration::from_secs(1)));

    proxy.set(Mode::Pass);
    time_until("an order is taken in", RECOVERY, || send_order(&app, 102).page.status == 200);
    time_until("a page is shown", RECOVERY, || owner.get("/affiliates").status == 200);
    time_until("it is ready", RECOVERY, || app.anonymous().get("/readyz").status == 200);
    assert_kept(&app, &[101, 102]);
}

#[test]
fn after_resets_the_first_order_is_taken_in_at_once() {
    let (app, proxy) = TestApp::start_behind_proxy();
    let owner = app.owner();
    assert_eq!(send_order(&app, 101).page.status, 200);
    for mode in [Mode::Reset, Mode::Refuse] {
        proxy.set(mode);
        let answers = at_once(8, |n| match n % 2 {
            0 => send_order(&app, 200 + n),
            _ => timed(|| app.anonymous().get("/readyz")),
        });
        for answer in answers {
            assert!(
                answer.took < on_this_machine(Duration::from_millis(4_500)),
                "{:?}",
                answer.took
            );
        }
        assert_eq!(send_order(&app, 300).page.status, 503);
        proxy.set(Mode::Pass);
        let took = time_until("an order is taken in", RECOVERY, || {
            send_order(&app, 102).page.status == 200
        });
        assert!(took < on_this_machine(Duration::from_secs(3)), "{mode:?}: {took:?}");
        time_until("a page is shown", RECOVERY, || owner.get("/affiliates").status == 200);
    }
    // Dead connections are noticed before anything is asked of them.
    proxy.set(Mode::Reset);
    proxy.set(Mode::Pass);
    assert_eq!(send_order(&app, 103).page.status, 200);
    assert_kept(&app, &[101, 102, 103]);
}
