//! Store calls that a page waits for. A store may take ten seconds, so they run on their own
//! threads, with few per merchant. So a slow store doesn't block other merchants' pages.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tokio::sync::oneshot;

use crate::kit::error::{AppError, AppResult};

/// The maximum number of concurrent calls.
const MAX_CALLS: usize = 16;
/// The maximum number of concurrent calls for one merchant.
const MAX_CALLS_PER_MERCHANT: usize = 2;
/// Seconds to wait when a maximum is reached.
const RETRY_AFTER: u64 = 10;

/// The number of running calls per merchant.
#[derive(Clone, Default)]
pub struct StoreCalls(Arc<Mutex<HashMap<i64, usize>>>);

/// A permit for one call. Take it before any change, so that a rejection changes nothing.
pub(crate) struct StoreCall {
    calls: StoreCalls,
    merchant_id: i64,
}

impl StoreCalls {
    /// Takes a permit for one call to a store of this merchant. Fails with `TooMany` if a maximum
    /// is reached.
    pub(crate) fn begin(&self, merchant_id: i64) -> AppResult<StoreCall> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_merchant = running.get(&merchant_id).copied().unwrap_or_default();
        let of_all: usize = running.values().sum();
        if of_merchant >= MAX_CALLS_PER_MERCHANT || of_all >= MAX_CALLS {
            return Err(AppError::TooMany(RETRY_AFTER));
        }
        running.insert(merchant_id, of_merchant + 1);
        Ok(StoreCall { calls: self.clone(), merchant_id })
    }
}

impl StoreCall {
    /// Runs `call` on a thread where it may block. The call counts until it ends, even if the
    /// visitor leaves. Fails with `Unavailable` if the call panics or no thread can be started.
    pub(crate) async fn run<T: Send + 'static>(
        self,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> AppResult<T> {
        let (send, receive) = oneshot::channel();
        // The permit is returned before the visitor gets the result, so the next call can start
        // right away.
        let job = move || {
            let result = {
                let _counts = self;
                call()
            };
            let _ = send.send(result);
        };
        let started = thread::Builder::new().name("store call".to_owned()).spawn(job);
        started.map_err(|_| AppError::Unavailable)?;
        receive.await.map_err(|_| AppError::Unavailable)
    }
}

impl Drop for StoreCall {
    fn drop(&mut self) {
        let mut running = self.calls.0.lock().unwrap_or_else(PoisonError::into_inner);
        match running.get_mut(&self.merchant_id) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(running.remove(&self.merchant_id)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_merchant_leaves_room_for_the_others() {
        let calls = StoreCalls::default();
        let held: Vec<_> = (0..5).filter_map(|_| calls.begin(1).ok()).collect();
        assert_eq!(held.len(), MAX_CALLS_PER_MERCHANT);
        assert!(calls.begin(2).is_ok());
        drop(held);
        assert!(calls.begin(1).is_ok());
    }

    #[test]
    fn all_merchants_together_are_bounded() {
        let calls = StoreCalls::default();
        let held: Vec<_> = (0..100).filter_map(|merchant| calls.begin(merchant).ok()).collect();
        assert_eq!(held.len(), MAX_CALLS);
        drop(held);
        assert!(calls.0.lock().unwrap().is_empty(), "nothing is kept of who has called");
    }

    #[actix_web::test]
    async fn a_call_counts_until_it_ends_whoever_waits() {
        let calls = StoreCalls::default();
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let waiting = calls.begin(1).unwrap().run(move || wait.recv().is_ok());
        let left = tokio::time::timeout(std::time::Duration::from_millis(20), waiting).await;
        assert!(left.is_err(), "the visitor has left");
        let second = calls.begin(1).unwrap();
        assert!(calls.begin(1).is_err());
        release.send(()).unwrap();
        while calls.begin(1).is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        assert!(second.run(|| true).await.unwrap());
    }

    #[actix_web::test]
    async fn a_call_that_panics_gives_its_place_back() {
        let calls = StoreCalls::default();
        for _ in 0..10 {
            let outcome = calls.begin(1).unwrap().run(|| -> bool { panic!("on purpose") }).await;
            assert!(matches!(outcome, Err(AppError::Unavailable)));
        }
    }
}
