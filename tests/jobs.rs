//! The queue of background jobs: what every kind can rely on.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use vouch::kit::clock;
use vouch::kit::db::schema::{job_queues, jobs};
use vouch::kit::jobs::{
    Ending, Finish, Job, JobKind, JobRunner, Priority, Queue, Registry, Run, RunError, WorkerPool,
    drain, enqueue, enqueue_with, sweep,
};

use crate::harness::TestApp;
use crate::harness::program::eventually;

const TEST: JobKind = kind("test");

const fn kind(name: &'static str) -> JobKind {
    JobKind {
        name,
        first_wait: Duration::minutes(1),
        max_wait: Duration::hours(1),
        max_attempts: 3,
        is_of_instance: false,
    }
}

fn queue(app: &TestApp, kind: JobKind) -> Queue {
    Queue { merchant_id: app.fixture.merchant_id, kind, store_id: None }
}

fn leave(app: &TestApp, queue: &Queue, keys: &[&str]) {
    app.within_merchant(queue.merchant_id, |conn| enqueue(conn, queue, keys, clock::now()));
}

/// Each job by `attempt`.
fn by(
    attempt: impl Fn(&Run<'_>, &Job) -> Result<(), RunError> + Send + Sync + 'static,
) -> JobRunner {
    Arc::new(move |run| {
        while let Some(job) = run.next_job()? {
            attempt(run, &job)?;
        }
        Ok(Ending::Done)
    })
}

/// Each job, which ends like this; one that kept crashing is dead-lettered.
fn ending(finish: Finish) -> JobRunner {
    by(move |run, job| {
        let finish = if job.has_crashed(&TEST) { Finish::DeadLetter("crashed") } else { finish };
        run.finish(job, |_| Ok(((), finish)))
    })
}

fn registry(app: &TestApp, kinds: &[JobKind], runner: &JobRunner) -> Registry {
    let runners = kinds.iter().map(|kind| (*kind, Arc::clone(runner))).collect();
    Registry::new(app.db.clone(), runners)
}

fn run_at(app: &TestApp, runner: &JobRunner, now: DateTime<Utc>) -> usize {
    drain(&registry(app, &[TEST], runner), now).unwrap()
}

/// (key, attempts, reason, whether it's dead-lettered).
type Left = (String, i32, Option<String>, bool);

fn left(app: &TestApp) -> Vec<Left> {
    app.within(|conn| {
        jobs::table
            .filter(jobs::kind.eq(TEST.name))
            .order(jobs::key)
            .select((jobs::key, jobs::attempts, jobs::reason, jobs::dead_at.is_not_null()))
            .load(conn)
    })
}

#[test]
fn two_processes_run_each_job_once() {
    let app = TestApp::start();
    let kinds = ["a", "b", "c", "d", "e", "f"].map(kind);
    let keys: Vec<String> = (0..40).map(|n| n.to_string()).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    for kind in kinds {
        leave(&app, &queue(&app, kind), &keys);
    }
    let ran = Arc::new(Mutex::new(BTreeMap::<(&str, String), usize>::new()));
    let counted = Arc::clone(&ran);
    let runner = by(move |run, job| {
        *counted.lock().unwrap().entry((run.queue().kind.name, job.key.clone())).or_default() += 1;
        run.finish(job, |_| Ok(((), Finish::Complete)))
    });
    let pools = [1, 2].map(|_| WorkerPool::start(registry(&app, &kinds, &runner)).unwrap());
    let is_empty = || {
        let left: i64 = app.within(|conn| jobs::table.count().get_result(conn));
        left == 0
    };
    eventually("all are done", is_empty);
    drop(pools);
    let ran = ran.lock().unwrap();
    assert_eq!((ran.len(), ran.values().sum::<usize>()), (240, 240));
}

#[test]
fn a_job_whose_worker_died_runs_again_and_the_dead_one_writes_nothing() {
    let app = TestApp::start();
    let queue = queue(&app, TEST);
    leave(&app, &queue, &["1"]);
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let lost = thread::scope(|scope| {
        let (held, taken) = (Arc::clone(&gate), Arc::new(AtomicUsize::new(0)));
        let says = Arc::clone(&taken);
        let late = Arc::new(Mutex::new(None));
        let keeps = Arc::clone(&late);
        let hangs = by(move |run, job| {
            says.fetch_add(1, Ordering::SeqCst);
            drop(held.1.wait_while(held.0.lock().unwrap(), |open| !*open));
            let finished = run.finish(job, |_| Ok(((), Finish::Complete)));
            *keeps.lock().unwrap() = Some(matches!(finished, Err(RunError::Lost)));
            finished
        });
        let app = &app;
        scope.spawn(move || run_at(app, &hangs, clock::now()));
        eventually("the first has it", || taken.load(Ordering::SeqCst) == 1);
        assert_eq!(run_at(app, &ending(Finish::Complete), clock::now()), 0, "it's leased");
        let attempts = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&attempts);
        let second = by(move |run, job| {
            seen.lock().unwrap().push(job.attempts);
            run.finish(job, |_| Ok(((), Finish::Retry("second"))))
        });
        assert_eq!(run_at(app, &second, clock::now() + Duration::minutes(1)), 1);
        assert_eq!(*attempts.lock().unwrap(), [2], "the first attempt counts");
        *gate.0.lock().unwrap() = true;
        gate.1.notify_all();
        eventually("the first ends", || late.lock().unwrap().is_some());
        late.lock().unwrap().unwrap()
    });
    assert!(lost);
    assert_eq!(left(&app), [("1".to_owned(), 2, Some("second".to_owned()), false)]);
}

#[test]
fn a_key_waits_once_and_runs_again_where_it_was_enqueued_meanwhile() {
    let app = TestApp::start();
    let queue = queue(&app, TEST);
    leave(&app, &queue, &["1", "2"]);
    leave(&app, &queue, &["2"]);
    assert_eq!(left(&app).len(), 2);
    let runs = Arc::new(Mutex::new(Vec::new()));
    let ran = Arc::clone(&runs);
    let again = by(move |run, job| {
        let is_first = !ran.lock().unwrap().contains(&job.key);
        ran.lock().unwrap().push(job.key.clone());
        if job.key == "2" && is_first {
            run.write(|conn| enqueue(conn, run.queue(), &["2"], run.now()))?;
        }
        run.finish(job, |_| Ok(((), Finish::Complete)))
    });
    run_at(&app, &again, clock::now());
    assert_eq!(left(&app), []);
    assert_eq!(*runs.lock().unwrap(), ["1", "2", "2"]);
}

#[test]
fn a_long_transaction_that_enqueues_holds_up_no_other_queue() {
    let app = TestApp::start();
    let (blocked, other) = (queue(&app, kind("a")), queue(&app, kind("b")));
    leave(&app, &blocked, &["1"]);
    leave(&app, &other, &["1"]);
    // Both runs last longer than a lease without a heartbeat.
    let long = std::time::Duration::from_secs(24);
    let lost = Arc::new(AtomicUsize::new(0));
    let (counted, ran) = (Arc::clone(&lost), Arc::new(AtomicUsize::new(0)));
    let counts = Arc::clone(&ran);
    let runner = by(move |run, job| {
        counts.fetch_add(1, Ordering::SeqCst);
        // The run of `a` still has its queue when it's locked.
        let is_a = run.queue().kind.name == "a";
        thread::sleep(if is_a { std::time::Duration::from_secs(1) } else { long });
        let finished = run.finish(job, |_| Ok(((), Finish::Complete)));
        counted.fetch_add(usize::from(matches!(finished, Err(RunError::Lost))), Ordering::SeqCst);
        finished
    });
    let kinds = [blocked.kind, other.kind];
    let pool = WorkerPool::start(registry(&app, &kinds, &runner)).unwrap();
    eventually("both run", || ran.load(Ordering::SeqCst) == 2);
    let _second = WorkerPool::start(registry(&app, &kinds, &runner)).unwrap();
    app.within(|conn| {
        enqueue(conn, &blocked, &["2"], clock::now())?;
        thread::sleep(long);
        Ok(())
    });
    let left = || app.within(|conn| jobs::table.count().get_result::<i64>(conn));
    eventually("all are done", || left() == 0);
    drop(pool);
    assert_eq!((lost.load(Ordering::SeqCst), ran.load(Ordering::SeqCst)), (0, 3));
}

#[test]
fn what_a_person_waits_for_goes_before_a_backlog() {
    let app = TestApp::start();
    let queue = queue(&app, TEST);
    leave(&app, &queue, &["1", "2", "3"]);
    app.within(|conn| enqueue_with(conn, &queue, Priority::High, &["4", "3"], clock::now()));
    // Enqueued again by what doesn't wait for it.
    leave(&app, &queue, &["4"]);
    let ran = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&ran);
    let runner = by(move |run, job| {
        seen.lock().unwrap().push(job.key.clone());
        run.finish(job, |_| Ok(((), Finish::Complete)))
    });
    run_at(&app, &runner, clock::now());
    assert_eq!(*ran.lock().unwrap(), ["3", "4", "1", "2"]);
}

#[test]
fn a_queue_is_due_again_with_the_first_of_its_jobs_of_any_priority() {
    let app = TestApp::start();
    let queue = queue(&app, TEST);
    let (soon, late) = (clock::now() + Duration::hours(1), clock::now() + Duration::hours(2));
    app.within(|conn| {
        enqueue_with(conn, &queue, Priority::High, &["late"], late)?;
        enqueue(conn, &queue, &["soon"], soon)?;
        enqueue(conn, &queue, &["now"], clock::now())
    });
    let complete = ending(Finish::Complete);
    assert_eq!(run_at(&app, &complete, clock::now()), 1);
    assert_eq!(run_at(&app, &complete, soon), 1);
    assert_eq!(left(&app), [("late".to_owned(), 0, None, false)]);
    assert_eq!(run_at(&app, &complete, late), 1);
    assert_eq!(left(&app), []);
}

#[test]
fn a_failed_job_is_deleted_after_its_time_and_no_other() {
    let app = TestApp::start();
    leave(&app, &queue(&app, TEST), &["1"]);
    run_at(&app, &ending(Finish::DeadLetter("test")), clock::now());
    leave(&app, &queue(&app, TEST), &["2"]);
    assert_eq!(sweep(&app.db, clock::now() + Duration::days(89)).unwrap(), 0);
    assert_eq!(sweep(&app.db, clock::now() + Duration::days(91)).unwrap(), 1);
    assert_eq!(left(&app), [("2".to_owned(), 0, None, false)]);
}

#[test]
fn a_job_that_is_enqueued_late_in_its_attempt_comes_again() {
    // Later than a crash of its worker is waited for, or only for some time to come.
    for seconds in [30, 3_600] {
        let app = TestApp::start();
        leave(&app, &queue(&app, TEST), &["1"]);
        let enqueues = by(move |run, job| {
            let at = run.now() + Duration::seconds(seconds);
            run.write(|conn| enqueue(conn, run.queue(), &["1"], at))?;
            run.finish(job, |_| Ok(((), Finish::Complete)))
        });
        assert_eq!(run_at(&app, &enqueues, clock::now()), 1);
        assert_eq!(left(&app), [("1".to_owned(), 0, None, false)], "after {seconds} seconds");
        run_at(&app, &ending(Finish::Complete), clock::now() + Duration::hours(1));
        assert_eq!(left(&app), []);
    }
}

#[test]
fn a_failed_attempt_waits_twice_as_long_each_time_and_the_last_is_dead_lettered() {
    let app = TestApp::start();
    let queue = queue(&app, TEST);
    leave(&app, &queue, &["1"]);
    let (fails, now) = (ending(Finish::Retry("no_answer")), clock::now());
    let runs_at = |minutes: f64| {
        let later = Duration::milliseconds((minutes * 60_000.0) as i64);
        run_at(&app, &fails, now + later)
    };
    assert_eq!(runs_at(0.1), 1);
    assert_eq!(runs_at(0.7), 0, "a minute less a quarter");
    assert_eq!(runs_at(1.5), 1);
    assert_eq!(runs_at(2.9), 0, "two minutes less a quarter");
    assert_eq!(left(&app), [("1".to_owned(), 2, Some("no_answer".to_owned()), false)]);
    assert_eq!(runs_at(4.2), 1);
    assert_eq!(left(&app), [("1".to_owned(), 3, Some("no_answer".to_owned()), true)]);
    assert_eq!(runs_at(100_000.0), 0, "nobody tries it");
    // What is enqueued again has all its attempts.
    leave(&app, &queue, &["1"]);
    assert_eq!(left(&app), [("1".to_owned(), 0, None, false)]);
    run_at(&app, &ending(Finish::Complete), clock::now());
    assert_eq!(left(&app), []);
}

#[test]
fn a_job_that_kills_its_workers_is_dead_lettered() {
    let app = TestApp::start();
    leave(&app, &queue(&app, TEST), &["1", "2"]);
    // As after crashes: counted, and no end written.
    app.within(|conn| {
        diesel::update(jobs::table.filter(jobs::key.eq("1")))
            .set(jobs::attempts.eq(3))
            .execute(conn)
    });
    run_at(&app, &ending(Finish::Complete), clock::now());
    assert_eq!(left(&app), [("1".to_owned(), 4, Some("crashed".to_owned()), true)]);
}

#[test]
fn a_runner_that_panics_gives_its_queue_a_pause_that_grows() {
    let app = TestApp::start();
    let queue = queue(&app, TEST);
    leave(&app, &queue, &["1"]);
    let panics: JobRunner = Arc::new(|_| panic!("on purpose"));
    let now = clock::now();
    assert_eq!(run_at(&app, &panics, now), 1);
    assert_eq!(run_at(&app, &panics, now + Duration::seconds(3)), 0);
    assert_eq!(run_at(&app, &panics, now + Duration::seconds(8)), 1);
    let (failures, problem): (i32, serde_json::Value) = app.within(|conn| {
        let columns = (job_queues::failures, job_queues::problem.assume_not_null());
        job_queues::table.select(columns).first(conn)
    });
    assert_eq!((failures, problem), (2, serde_json::json!({ "code": "internal" })));
    assert_eq!(run_at(&app, &ending(Finish::Complete), now + Duration::minutes(1)), 1);
    assert_eq!(left(&app), []);
}

#[test]
fn one_merchants_slow_jobs_leave_room_for_anothers() {
    let app = TestApp::start();
    let kinds = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"].map(kind);
    for kind in kinds {
        leave(&app, &queue(&app, kind), &["slow"]);
    }
    let others = app.fixture.stranger_merchant_id;
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (opened, counted, peak) = (Arc::clone(&gate), Arc::clone(&running), Arc::clone(&most));
    let runner = by(move |run, job| {
        if run.queue().merchant_id != others {
            peak.fetch_max(counted.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            drop(opened.1.wait_while(opened.0.lock().unwrap(), |open| !*open));
            counted.fetch_sub(1, Ordering::SeqCst);
        }
        run.finish(job, |_| Ok(((), Finish::Complete)))
    });
    let pool = WorkerPool::start(registry(&app, &kinds, &runner)).unwrap();
    eventually("the slow ones have their share", || running.load(Ordering::SeqCst) == 8);
    let theirs = Queue { merchant_id: others, ..queue(&app, kinds[0]) };
    leave(&app, &theirs, &["quick"]);
    eventually("the other's is done", || {
        let waiting = |conn: &mut PgConnection| jobs::table.count().get_result::<i64>(conn);
        app.within_merchant(others, waiting) == 0
    });
    assert_eq!(running.load(Ordering::SeqCst), 8);
    *gate.0.lock().unwrap() = true;
    gate.1.notify_all();
    eventually("all are done", || {
        app.within(|conn| jobs::table.count().get_result::<i64>(conn)) == 0
    });
    drop(pool);
    assert_eq!(most.load(Ordering::SeqCst), 8);
}

#[test]
fn a_rolled_back_transaction_leaves_no_job() {
    let app = TestApp::start();
    let queue = queue(&app, TEST);
    let undone: Result<(), vouch::kit::error::AppError> =
        app.db.run_blocking(vouch::kit::db::Scope::Merchant(queue.merchant_id), |conn| {
            enqueue(conn, &queue, &["1"], clock::now())?;
            Err(diesel::result::Error::RollbackTransaction)
        });
    assert!(undone.is_err());
    assert_eq!(left(&app), []);
    assert_eq!(run_at(&app, &ending(Finish::Complete), clock::now()), 0);
}
