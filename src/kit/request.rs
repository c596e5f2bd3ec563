//! Facts about the current request, available in any depth like the log's spans.
//! [`crate::kit::db::Db`] passes them to its blocking threads. Workers and commands have none.

use std::future::Future;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

tokio::task_local! {
    static CURRENT: Arc<Request>;
}

#[derive(Debug)]
pub(crate) struct Request {
    /// The client's IP address, by the rule of `VOUCH_TRUSTED_PROXIES`.
    pub(crate) client: IpAddr,
    pub(crate) method: String,
    /// The pattern in the table of routes, never the actual path, because paths may contain tokens.
    /// `None` for an unknown path.
    pub(crate) route: Option<String>,
    /// The request's id in the log.
    pub(crate) id: String,
    sender: Mutex<Sender>,
    /// In microseconds.
    waited: AtomicU64,
    commit_is_cut_off: AtomicBool,
}

/// The sender of a request, as far as it's known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sender {
    /// The signed-in user; under "view as", the support user.
    pub(crate) user_id: Option<i64>,
    /// The merchant that the request is about.
    pub(crate) merchant_id: Option<i64>,
    /// The merchant's API key, for API requests.
    pub(crate) api_key_id: Option<i64>,
    /// The merchant's store, for webhooks.
    pub(crate) store_id: Option<i64>,
}

impl Request {
    /// A request whose sender isn't known yet.
    pub(crate) fn new(client: IpAddr, method: String, route: Option<String>, id: String) -> Self {
        let (sender, waited) = (Mutex::default(), AtomicU64::default());
        let commit_is_cut_off = AtomicBool::default();
        Self { client, method, route, id, sender, waited, commit_is_cut_off }
    }

    pub(crate) fn sender(&self) -> Sender {
        *self.sender.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a commit was interrupted, so it's unknown whether the change was saved.
    pub(crate) fn commit_is_cut_off(&self) -> bool {
        self.commit_is_cut_off.load(Ordering::Relaxed)
    }

    /// Records an interrupted commit. Requests that only read save nothing.
    pub(crate) fn cut_off_commit(&self) {
        let saves = !matches!(self.method.as_str(), "GET" | "HEAD");
        self.commit_is_cut_off.store(saves, Ordering::Relaxed);
    }

    /// The time spent on the database so far. It doesn't include the body or calls to stores.
    pub(crate) fn waited(&self) -> Duration {
        Duration::from_micros(self.waited.load(Ordering::Relaxed))
    }

    /// Adds a wait for the database.
    pub(crate) fn has_waited(&self, time: Duration) {
        let time = u64::try_from(time.as_micros()).unwrap_or(u64::MAX / 2);
        self.waited.fetch_add(time, Ordering::Relaxed);
    }
}

/// Runs `answer` with this request as the current one.
pub(crate) async fn during<T>(request: Arc<Request>, answer: impl Future<Output = T>) -> T {
    CURRENT.scope(request, answer).await
}

/// Runs part of a request's work on another thread, with the same current request.
pub(crate) fn within<T>(request: Option<Arc<Request>>, work: impl FnOnce() -> T) -> T {
    match request {
        Some(request) => CURRENT.sync_scope(request, work),
        None => work(),
    }
}

/// The current request, if there is one.
pub(crate) fn current() -> Option<Arc<Request>> {
    CURRENT.try_with(Arc::clone).ok()
}

/// Records the sender of the current request.
pub(crate) fn sent_by(sender: Sender) {
    if let Some(request) = current() {
        *request.sender.lock().unwrap_or_else(PoisonError::into_inner) = sender;
    }
}
