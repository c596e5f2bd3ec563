use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration as Span, Instant};

use chrono::Duration;
use diesel::prelude::*;
use vouch::app::workers::registry;
use vouch::features::store_workers::Tools;
use vouch::kit::clock;
use vouch::kit::db::schema::{audit_log, job_queues, pushes};
use vouch::kit::jobs::WorkerPool;
use vouch_platforms::{CallError, Reason};

use super::{Fault, code, creating, push_id, said, status, store, tools, work, work_at};
use crate::harness::{TestApp, on_this_machine};

/// Waits until the code has left the queue.
fn settled(app: &TestApp, trigger_id: i64) -> String {
    let begun = Instant::now();
    loop {
        let (now, _) = status(app, trigger_id);
        if now != "queued" || begun.elapsed() > on_this_machine(Span::from_secs(10)) {
            return now;
        }
        thread::sleep(Span::from_millis(20));
    }
}

#[test]
fn a_running_pool_pushes_within_a_second_or_two_and_ends_in_time() {
    let (app, fake) = creating();
    let pool = WorkerPool::start(registry(&tools(&app, &fake))).unwrap();
    thread::sleep(Span::from_millis(300));
    let begun = Instant::now();
    let id = code(&app, "SPRING");
    assert_eq!(settled(&app, id), "pushed");
    assert!(begun.elapsed() < on_this_machine(Span::from_secs(2)), "{:?}", begun.elapsed());
    let end = Instant::now();
    drop(pool);
    assert!(end.elapsed() < on_this_machine(Span::from_secs(4)), "{:?}", end.elapsed());
}

#[test]
fn a_pool_whose_store_hangs_ends_anyway() {
    let (app, fake) = creating();
    let slow = Tools {
        open: Arc::new(|_, _| {
            thread::sleep(Span::from_secs(9));
            Err(CallError::Unanswered(Reason::Timeout))
        }),
        ..tools(&app, &fake)
    };
    code(&app, "SPRING");
    let pool = WorkerPool::start(registry(&slow)).unwrap();
    thread::sleep(Span::from_millis(600));
    let end = Instant::now();
    drop(pool);
    assert!(end.elapsed() < on_this_machine(Span::from_secs(4)), "{:?}", end.elapsed());
}

#[test]
fn a_store_that_hangs_holds_up_no_other() {
    let (app, fake) = creating();
    let (slow, opened) = (store(&app).id, Arc::new(AtomicUsize::new(0)));
    let other = {
        let actor = app.actor();
        app.within(|conn| {
            let secret =
                vouch::features::stores::WebhookSecret::parse("0123456789abcdef0123").unwrap();
            let address = "second-tea.myshopify.com";
            let encryptor = super::encryptor();
            let store = vouch::features::stores::connect_shopify(
                conn, &actor, &encryptor, address, &secret,
            )
            .unwrap();
            vouch::features::stores::set_credentials(conn, &actor, &encryptor, &store, b"{}")?;
            vouch::features::stores::set_discount_rules(conn, &actor, &store, true, None)?;
            Ok(store.id)
        })
    };
    let (counted, quick) = (Arc::clone(&opened), fake.clone());
    let tools = Tools {
        open: Arc::new(move |store, _| {
            if store.id == slow {
                counted.fetch_add(1, Ordering::Relaxed);
                thread::sleep(Span::from_secs(3));
                return Err(CallError::Unanswered(Reason::Timeout));
            }
            Ok(Box::new(quick.clone()))
        }),
        ..tools(&app, &fake)
    };
    let pool = WorkerPool::start(registry(&tools)).unwrap();
    let begun = Instant::now();
    let id = code(&app, "SPRING");
    let pushed = || {
        app.within(|conn| {
            pushes::table
                .filter(pushes::trigger_id.eq(id))
                .filter(pushes::store_id.eq(other))
                .select(pushes::status)
                .first::<String>(conn)
        })
    };
    while pushed() == "queued" && begun.elapsed() < on_this_machine(Span::from_secs(10)) {
        thread::sleep(Span::from_millis(20));
    }
    assert_eq!(pushed(), "pushed");
    assert!(begun.elapsed() < on_this_machine(Span::from_secs(2)), "{:?}", begun.elapsed());
    assert!(opened.load(Ordering::Relaxed) <= 2, "few workers for the slow one");
    drop(pool);
}

#[test]
fn a_worker_that_lost_its_lease_writes_nothing_more() {
    let (app, fake) = creating();
    let id = code(&app, "SPRING");
    let (database, taken) = (app.database_url.clone(), fake.clone());
    let merchant_id = app.fixture.merchant_id;
    // While this worker waits for the store, its lease ends and another takes the job.
    let tools = Tools {
        open: Arc::new(move |_, _| {
            let mut conn = PgConnection::establish(&database).unwrap();
            vouch::kit::db::in_scope(
                &mut conn,
                vouch::kit::db::Scope::Merchant(merchant_id),
                |conn| {
                    diesel::update(job_queues::table)
                        .set(job_queues::lease.eq(job_queues::lease + 1))
                        .execute(conn)
                },
            )
            .unwrap();
            Ok(Box::new(taken.clone()))
        }),
        ..tools(&app, &fake)
    };
    vouch::app::workers::run_due_jobs(&tools, clock::now()).unwrap();
    assert_eq!(fake.codes(), ["SPRING"], "the call itself took place");
    assert_eq!(status(&app, id).0, "queued", "and is not written");
    work(&app, &fake);
    assert_eq!(status(&app, id).0, "queued", "the other worker still has the job");
    work_at(&app, &fake, clock::now() + Duration::minutes(1));
    assert_eq!(status(&app, id).0, "pushed", "adopted by the next");
    assert_eq!(fake.codes(), ["SPRING"]);
}

#[test]
fn a_code_that_comes_while_a_run_lasts_is_not_forgotten() {
    let (app, fake) = creating();
    code(&app, "FIRST");
    fake.next_creation(Fault::AnswerLost);
    work(&app, &fake);
    // The first waits for its next try; the job is due before that again.
    let second = code(&app, "SECOND");
    work(&app, &fake);
    assert_eq!(status(&app, second).0, "pushed");
}

#[test]
fn two_who_retry_at_once_queue_one_try() {
    let (app, fake) = creating();
    let id = code(&app, "BAD");
    fake.poison("BAD", CallError::Refused(said("No.")));
    work(&app, &fake);
    let path = format!("/triggers/{id}/pushes/{}/retry", push_id(&app, id));
    let answers: Vec<_> = thread::scope(|scope| {
        let attempts: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| owner_copy(&app).post_signed(&path, &[]).status))
            .collect();
        attempts.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|status| *status == 303), "{answers:?}");
    let retried: i64 = app.within(|conn| {
        audit_log::table.filter(audit_log::action.eq("push.retried")).count().get_result(conn)
    });
    assert_eq!(retried, 1);
    fake.heal();
    work(&app, &fake);
    assert_eq!(fake.codes(), ["BAD"]);
}

fn owner_copy(app: &TestApp) -> crate::harness::Person {
    app.owner()
}
