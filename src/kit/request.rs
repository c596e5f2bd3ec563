//! What is known of the request that is being answered: ambient, as the log's spans are, so that what
//! happens deep inside can say from whom and where. [`crate::kit::db::Db`] carries it to its blocking
//! threads. Workers and commands have none.

use std::future::Future;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

tokio::task_local! {
    static CURRENT: Arc<Request>;
}

/// One request.
#[derive(Debug)]
pub struct Request {
    /// The network address it comes from, by the rule of `VOUCH_TRUSTED_PROXIES`.
    pub client: IpAddr,
    /// Its method.
    pub method: String,
    /// Its row in the table of routes, never its address: addresses hold tokens. `None` for an
    /// address without a row.
    pub route: Option<String>,
    /// Its number in the log.
    pub id: String,
    sender: Mutex<Sender>,
    /// In microseconds.
    waited: AtomicU64,
    commit_is_cut_off: AtomicBool,
}

/// Who sends a request, as far as it is known so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sender {
    /// The user who is signed in; under "view as", the one who looks.
    pub user_id: Option<i64>,
    /// The merchant within which it happens.
    pub merchant_id: Option<i64>,
    /// The API key of the merchant.
    pub api_key_id: Option<i64>,
    /// The store of the merchant whose webhook it is.
    pub store_id: Option<i64>,
}

impl Request {
    /// One whose sender is not known yet.
    pub fn new(client: IpAddr, method: String, route: Option<String>, id: String) -> Self {
        let (sender, waited) = (Mutex::default(), AtomicU64::default());
        let commit_is_cut_off = AtomicBool::default();
        Self { client, method, route, id, sender, waited, commit_is_cut_off }
    }

    /// Who sends it.
    pub fn sender(&self) -> Sender {
        *self.sender.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a commit of it was cut off, so that it isn't known what was saved.
    pub fn commit_is_cut_off(&self) -> bool {
        self.commit_is_cut_off.load(Ordering::Relaxed)
    }

    /// Notes that a commit was cut off. A request that only reads has nothing to save.
    pub fn cut_off_commit(&self) {
        let saves = !matches!(self.method.as_str(), "GET" | "HEAD");
        self.commit_is_cut_off.store(saves, Ordering::Relaxed);
    }

    /// How long it has waited for the database so far: not for its body, and not for stores.
    pub fn waited(&self) -> Duration {
        Duration::from_micros(self.waited.load(Ordering::Relaxed))
    }

    /// Notes another wait for the database.
    pub fn has_waited(&self, time: Duration) {
        let time = u64::try_from(time.as_micros()).unwrap_or(u64::MAX / 2);
        self.waited.fetch_add(time, Ordering::Relaxed);
    }
}

/// Answers a request with `answer`.
pub async fn during<T>(request: Arc<Request>, answer: impl Future<Output = T>) -> T {
    CURRENT.scope(request, answer).await
}

/// Does a part of a request's work on another thread.
pub fn within<T>(request: Option<Arc<Request>>, work: impl FnOnce() -> T) -> T {
    match request {
        Some(request) => CURRENT.sync_scope(request, work),
        None => work(),
    }
}

/// The request that is being answered, if one is.
pub fn current() -> Option<Arc<Request>> {
    CURRENT.try_with(Arc::clone).ok()
}

/// Notes who sends the current request.
pub fn sent_by(sender: Sender) {
    if let Some(request) = current() {
        *request.sender.lock().unwrap_or_else(PoisonError::into_inner) = sender;
    }
}
