use std::sync::Barrier;
use std::thread;

use diesel::prelude::*;
use vouch::features::affiliates::AffiliateStatus;
use vouch::features::exclusions::{self, Dates, ExclusionScope, NewExclusion, Pattern};
use vouch::features::registration;
use vouch::features::triggers::{self, TriggerKind};
use vouch::kit::db::Scope;

use super::{
    applied, apply, emails_to, encryptor, holders, link_to, open, requests, send, verdict,
};
use crate::harness::TestApp;

#[test]
fn one_code_claimed_by_fifty_applicants_at_once_is_reserved_for_one() {
    const APPLICANTS: usize = 50;
    let app = TestApp::start();
    open(&app);
    let email = |at| format!("n{at}@new.example");
    for at in 0..APPLICANTS {
        assert_eq!(apply(&app, "Nia", &email(at), "NIA10").status, 303);
    }
    let links: Vec<String> = (0..APPLICANTS).map(|at| link_to(&app, &email(at))).collect();
    let barrier = Barrier::new(APPLICANTS);
    let people: Vec<_> = links
        .iter()
        .map(|link| {
            let person = app.anonymous();
            let page = person.get(link);
            (person, page)
        })
        .collect();
    let statuses: Vec<u16> = thread::scope(|scope| {
        let threads: Vec<_> = people
            .into_iter()
            .map(|(person, page)| {
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    loop {
                        // Some wait for a connection in vain: nothing was done, so once more.
                        let status = send(&person, &page, &[]).status;
                        if status != 503 {
                            return status;
                        }
                    }
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 422).count(), 49, "{statuses:?}");
    assert_eq!(requests(&app, "NIA10").len(), 1);
}

#[test]
fn a_feature_that_is_toggled_while_applicants_confirm_refuses_or_reserves_and_nothing_between() {
    const EACH: usize = 8;
    let app = TestApp::start();
    open(&app);
    let new = NewExclusion {
        pattern: Pattern::parse("FLICKER*").unwrap(),
        note: String::new(),
        scope: ExclusionScope::Claims,
        dates: Dates::default(),
    };
    app.within(|conn| Ok(exclusions::add(conn, &app.actor(), &new).unwrap().id));
    let (email, code) = (|at| format!("f{at}@new.example"), |at| format!("FLICKER{at}"));
    for at in 0..3 * EACH {
        assert_eq!(apply(&app, "Nia", &email(at), &code(at)).status, 303);
    }
    let toggle = |on| {
        let actor = app.actor();
        app.within(|conn| exclusions::enable(conn, &actor, on, "Tests"));
    };
    let claim = |at: usize| {
        let person = app.anonymous();
        let answer = send(&person, &person.get(&link_to(&app, &email(at))), &[]);
        let refused = answer.status == 422 && verdict(&answer).as_deref() == Some("excluded");
        assert!(refused || answer.status == 303, "{}: {}", answer.status, answer.text());
        assert_eq!(requests(&app, &code(at)).len(), usize::from(!refused), "{at}");
        refused
    };
    thread::scope(|scope| {
        scope.spawn(|| (0..30).for_each(|round| toggle(round % 2 == 0)));
        for third in 0..2 {
            let claim = &claim;
            scope.spawn(move || (0..EACH).for_each(|at| _ = claim(third * EACH + at)));
        }
    });
    // Whatever begins after the switch is under it.
    assert!(!claim(2 * EACH), "it was switched off last");
    toggle(true);
    assert!((2 * EACH + 1..3 * EACH).all(claim));
}

#[test]
fn an_application_against_the_merchants_own_form_has_one_winner() {
    let app = TestApp::start();
    open(&app);
    let ben = app.fixture.ben_id;
    for at in 0..12 {
        let (email, code) = (format!("n{at}@new.example"), format!("RACE{at}"));
        apply(&app, "Nia", &email, &code);
        let person = app.anonymous();
        let page = person.get(&link_to(&app, &email));
        let actor = app.actor();
        let barrier = Barrier::new(2);
        thread::scope(|scope| {
            let barrier = &barrier;
            scope.spawn(move || {
                barrier.wait();
                send(&person, &page, &[])
            });
            scope.spawn(|| {
                barrier.wait();
                app.within(|conn| {
                    Ok(triggers::create(conn, &actor, ben, TriggerKind::CouponCode, &code).is_ok())
                })
            });
        });
        let reserved = requests(&app, &code).len();
        assert_eq!(reserved + holders(&app, &code).len(), 1, "{code}");
    }
}

#[test]
fn an_approval_by_several_members_at_once_makes_one_trigger_and_one_letter() {
    let app = TestApp::start();
    open(&app);
    let nia = applied(&app, "Nia", "nia@new.example", "NIA10");
    let (barrier, encryptor) = (Barrier::new(4), encryptor());
    let changed: usize = thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let actor = app.actor();
                let (barrier, encryptor, db) = (&barrier, &encryptor, app.db.clone());
                scope.spawn(move || {
                    barrier.wait();
                    let active = AffiliateStatus::Active;
                    let decided: Result<_, vouch::kit::error::AppError> =
                        db.run_blocking(Scope::Merchant(actor.merchant_id), |conn| {
                            let ids = [nia];
                            QueryResult::Ok(
                                registration::decide(conn, &actor, encryptor, &ids, active, None)?
                                    .changed
                                    .len(),
                            )
                        });
                    decided.unwrap()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!((changed, holders(&app, "NIA10")), (1, vec![nia]));
    // One to confirm, one to welcome.
    assert_eq!(emails_to(&app, "nia@new.example").len(), 2);
}
