//! Threads that live as long as the process does. One that panics is logged, counted and started
//! again after a pause that grows; `/healthz` tells which ones keep dying.

use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::kit::counters;
use crate::kit::error::{AppError, AppResult};

/// The first pause before a thread is started again; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest.
const MAX_PAUSE: Duration = Duration::from_secs(10);
/// A thread that has run for so long is well.
const WELL_AFTER: Duration = Duration::from_secs(60);
/// After so many deaths in a row, none of them of a thread that was well, it keeps dying.
const KEEPS_DYING: u32 = 3;

static THREADS: LazyLock<Threads> = LazyLock::new(Threads::default);

/// Starts a thread of the process. When `work` panics it is called again, with what it owns as the
/// panic left it; when it returns the thread ends. Where `stop` is asked it isn't called again.
pub(crate) fn spawn(
    name: &'static str,
    stop: &Stop,
    work: impl FnMut() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    THREADS.spawn(name, stop, work)
}

/// The names of the threads that keep dying.
pub(crate) fn failing() -> Vec<&'static str> {
    THREADS.failing()
}

/// Tells threads to end.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<(Mutex<Option<Instant>>, Condvar)>);

impl Stop {
    /// From now on.
    pub(crate) fn ask(&self) {
        self.lock().get_or_insert_with(Instant::now);
        self.0.1.notify_all();
    }

    /// Whether to end. To be looked at between small portions of work.
    pub(crate) fn is_asked(&self) -> bool {
        self.lock().is_some()
    }

    /// How long ago it was asked first; nothing before that.
    pub(crate) fn elapsed(&self) -> Duration {
        self.lock().map_or(Duration::ZERO, |asked_at| asked_at.elapsed())
    }

    /// Waits for `pause`, or until it's asked; answers [`Stop::is_asked`].
    pub(crate) fn wait(&self, pause: Duration) -> bool {
        let waited = self.0.1.wait_timeout_while(self.lock(), pause, |asked_at| asked_at.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone, Default)]
struct Threads(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    last_id: u64,
    threads: BTreeMap<u64, Life>,
}

/// What is known of one thread.
struct Life {
    name: &'static str,
    /// When it began to run; `None` during a pause.
    running_since: Option<Instant>,
    /// How often in a row it died before it was well.
    deaths: u32,
}

impl Life {
    fn keeps_dying(&self) -> bool {
        self.deaths >= KEEPS_DYING && !self.is_well()
    }

    fn is_well(&self) -> bool {
        self.running_since.is_some_and(|since| since.elapsed() >= WELL_AFTER)
    }

    /// Answers how long it stays dead.
    fn die(&mut self) -> Duration {
        self.deaths = if self.is_well() { 1 } else { self.deaths.saturating_add(1) };
        self.running_since = None;
        let doublings = self.deaths.saturating_sub(1).min(10);
        (FIRST_PAUSE * (1 << doublings)).min(MAX_PAUSE)
    }
}

/// Runs one of several independent pieces of work. A panic becomes an `Internal` error, so that the
/// others still run.
pub(crate) fn contained<T>(work: impl FnOnce() -> AppResult<T>) -> AppResult<T> {
    let done = catch_unwind(AssertUnwindSafe(work));
    done.unwrap_or_else(|_| Err(AppError::Internal(anyhow::anyhow!("the work panicked"))))
}

impl Threads {
    fn spawn(
        &self,
        name: &'static str,
        stop: &Stop,
        mut work: impl FnMut() + Send + 'static,
    ) -> io::Result<JoinHandle<()>> {
        let id = self.add(name);
        let (threads, stop) = (self.clone(), stop.clone());
        let started = thread::Builder::new().name(name.to_owned()).spawn(move || {
            while catch_unwind(AssertUnwindSafe(&mut work)).is_err() {
                let pause = threads.died(id);
                counters::thread_died(name);
                tracing::error!(thread = name, pause_ms = pause.as_millis(), "thread_died");
                if stop.wait(pause) {
                    break;
                }
                threads.runs_again(id);
            }
            threads.lock().threads.remove(&id);
        });
        if started.is_err() {
            self.lock().threads.remove(&id);
        }
        started
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, name: &'static str) -> u64 {
        let mut known = self.lock();
        known.last_id += 1;
        let id = known.last_id;
        known.threads.insert(id, Life { name, running_since: Some(Instant::now()), deaths: 0 });
        id
    }

    fn died(&self, id: u64) -> Duration {
        self.lock().threads.get_mut(&id).map_or(FIRST_PAUSE, Life::die)
    }

    fn runs_again(&self, id: u64) {
        if let Some(life) = self.lock().threads.get_mut(&id) {
            life.running_since = Some(Instant::now());
        }
    }

    fn failing(&self) -> Vec<&'static str> {
        let known = self.lock();
        let failing = known.threads.values().filter(|life| life.keeps_dying());
        let mut names: Vec<&'static str> = failing.map(|life| life.name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn a_panic_is_contained() {
        let doubled = |n: u32| contained(|| if n == 0 { panic!("by the test") } else { Ok(n * 2) });
        let all: Vec<_> = [1, 0, 2].map(doubled).into_iter().map(Result::ok).collect();
        assert_eq!(all, [Some(2), None, Some(4)]);
    }

    fn eventually(what: &str, holds: impl Fn() -> bool) {
        let begun = Instant::now();
        while !holds() {
            assert!(begun.elapsed() < Duration::from_secs(5), "never: {what}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_thread_that_panics_goes_on_with_what_it_has() {
        let (threads, stop) = (Threads::default(), Stop::default());
        let done = Arc::new(AtomicU32::new(0));
        let (send, jobs) = std::sync::mpsc::channel::<u32>();
        let sum = Arc::clone(&done);
        let work = move || {
            for job in &jobs {
                assert_ne!(job, 13, "on purpose");
                sum.fetch_add(job, Ordering::SeqCst);
            }
        };
        let thread = threads.spawn("adder", &stop, work).unwrap();
        for job in [1, 13, 2, 13, 3] {
            send.send(job).unwrap();
        }
        eventually("all but the ones at fault are done", || done.load(Ordering::SeqCst) == 6);
        assert_eq!(threads.failing(), [""; 0]);
        drop(send);
        thread.join().unwrap();
        assert!(threads.lock().threads.is_empty(), "an end is no death");
    }

    #[test]
    fn a_thread_that_keeps_dying_is_named_until_it_ends() {
        let (threads, stop) = (Threads::default(), Stop::default());
        let thread = threads.spawn("poisoned", &stop, || panic!("on purpose")).unwrap();
        let well = threads.spawn("well", &stop, {
            let stop = stop.clone();
            move || while !stop.wait(Duration::from_millis(5)) {}
        });
        eventually("it is named", || threads.failing() == ["poisoned"]);
        stop.ask();
        let begun = Instant::now();
        thread.join().unwrap();
        well.unwrap().join().unwrap();
        assert!(begun.elapsed() < Duration::from_secs(1), "no pause outlasts the stop");
        assert_eq!(threads.failing(), [""; 0]);
    }

    #[test]
    fn pauses_grow_and_one_that_was_well_begins_again() {
        let now = Instant::now();
        let mut life = Life { name: "job", running_since: Some(now), deaths: 0 };
        let pauses: Vec<u128> = (0..9)
            .map(|_| {
                life.running_since = Some(Instant::now());
                life.die().as_millis()
            })
            .collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
        assert!(life.keeps_dying());
        life.running_since = now.checked_sub(WELL_AFTER);
        assert!(!life.keeps_dying());
        assert_eq!(life.die(), FIRST_PAUSE);
    }
}
