//! Ends database waits that exceed their deadline from outside, because libpq has no deadlines.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::connect::{Condition, Socket};
use crate::kit::supervise::{self, Stop};

/// How often the watchdog checks.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// A special deadline: the connection is idle.
const AT_REST: u64 = 0;
/// A special deadline: it passed, and the connection was closed.
const CUT: u64 = u64::MAX;

/// The watchdog's data about one connection.
#[derive(Debug)]
pub(super) struct Watched {
    /// `None` if the socket couldn't be identified; then only the TCP timeouts apply.
    socket: Option<Socket>,
    /// In milliseconds since the watchdog started.
    deadline: AtomicU64,
}

static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
static CONNECTIONS: LazyLock<Mutex<Vec<Weak<Watched>>>> = LazyLock::new(|| {
    if let Err(error) = supervise::spawn("database watchdog", &Stop::default(), watch) {
        // Without the thread, only the TCP timeouts apply.
        tracing::error!(thread = "database watchdog", %error, "thread_not_started");
    }
    Mutex::default()
});

impl Watched {
    /// Registers a new idle connection.
    pub(super) fn new(socket: Option<Socket>) -> Arc<Self> {
        let watched = Arc::new(Self { socket, deadline: AtomicU64::new(AT_REST) });
        let mut all = CONNECTIONS.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(Arc::downgrade(&watched));
        watched
    }

    /// Starts a wait that ends at `deadline` at the latest.
    pub(super) fn begin(&self, deadline: Instant) {
        let after = deadline.saturating_duration_since(*BEGUN).as_millis();
        let after = u64::try_from(after).unwrap_or(CUT - 1).clamp(AT_REST + 1, CUT - 1);
        // A closed connection stays closed.
        let _ = self.deadline.fetch_update(Ordering::AcqRel, Ordering::Acquire, |found| {
            (found != CUT).then_some(after)
        });
    }

    /// Ends the wait. Returns whether the connection can still be used.
    pub(super) fn rest(&self) -> bool {
        let ended = self.deadline.fetch_update(Ordering::AcqRel, Ordering::Acquire, |found| {
            (found != CUT).then_some(AT_REST)
        });
        ended.is_ok()
    }

    /// The state of the idle connection; quiet if the socket is unknown.
    pub(super) fn condition(&self) -> Condition {
        self.socket.as_ref().map_or(Condition::Quiet, Socket::condition)
    }

    /// Closes the connection if its deadline has passed.
    fn judge(&self, now: u64) {
        let deadline = self.deadline.load(Ordering::Acquire);
        if deadline == AT_REST || deadline > now {
            return;
        }
        // This fails if the wait has just ended, or another one has started.
        let cut =
            self.deadline.compare_exchange(deadline, CUT, Ordering::AcqRel, Ordering::Acquire);
        if cut.is_ok()
            && let Some(socket) = &self.socket
        {
            socket.cut();
            tracing::warn!("database_connection_timed_out");
        }
    }
}

fn watch() {
    loop {
        thread::sleep(POLL_INTERVAL);
        let now = u64::try_from(BEGUN.elapsed().as_millis()).unwrap_or(CUT - 1);
        let mut all = CONNECTIONS.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|watched| {
            watched.upgrade().is_some_and(|watched| {
                watched.judge(now);
                true
            })
        });
    }
}
