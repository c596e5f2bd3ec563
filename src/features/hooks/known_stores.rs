use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand::RngExt;
use secrecy::SecretSlice;
use vouch_core::platform::Platform;

use crate::features::stores::{find_by_key, merchant_of_key};
use crate::kit::db::{Db, Scope, WorkKind};
use crate::kit::error::{AppError, AppResult};
use crate::kit::request::{self, Sender};
use crate::kit::secrets::Encryptor;

/// How long a store is cached. A previous secret stays accepted anyway, and a disconnected store is
/// rejected this much later.
const REMEMBERED: Duration = Duration::from_secs(5);
/// Only existing stores are cached, so guessed keys can't fill it up.
const MAX: usize = 10_000;

/// The data about a store that its webhooks need.
pub(crate) struct KnownStore {
    pub(crate) merchant_id: i64,
    pub(crate) store_id: i64,
    /// The secrets that may sign its webhooks: the current and the previous one.
    pub(crate) secrets: Vec<SecretSlice<u8>>,
}

impl KnownStore {
    /// Whether the store exists.
    pub(crate) fn exists(&self) -> bool {
        self.merchant_id != 0
    }
}

/// Stores with webhooks in the last few seconds, so that a burst of orders loads its store once.
pub struct KnownStores {
    db: Db,
    encryptor: Encryptor,
    unknown: Arc<KnownStore>,
    known: Mutex<HashMap<(Platform, String), (Instant, Arc<KnownStore>)>>,
}

impl KnownStores {
    /// Starts empty.
    pub(crate) fn new(db: Db, encryptor: Encryptor) -> Self {
        let secret: [u8; 32] = rand::rng().random();
        let secrets = vec![secret.to_vec().into()];
        let unknown = Arc::new(KnownStore { merchant_id: 0, store_id: 0, secrets });
        Self { db, encryptor, unknown, known: Mutex::new(HashMap::new()) }
    }

    /// The connected store with that key and platform. An unknown key returns a store with a secret
    /// that no one has. Its webhooks are read, checked and rejected like those with a wrong
    /// signature, so no one can find out which keys exist. Fails with `Unavailable` if the database
    /// is down.
    pub(crate) async fn find(
        &self,
        platform: Platform,
        store_key: &str,
    ) -> AppResult<Arc<KnownStore>> {
        let store = match self.connected(platform, store_key).await {
            Err(AppError::NotFound) => return Ok(Arc::clone(&self.unknown)),
            found => found?,
        };
        let (merchant_id, store_id) = (Some(store.merchant_id), Some(store.store_id));
        request::sent_by(Sender { merchant_id, store_id, ..Sender::default() });
        Ok(store)
    }

    async fn connected(&self, platform: Platform, store_key: &str) -> AppResult<Arc<KnownStore>> {
        if let Some(store) = self.remembered(platform, store_key) {
            return Ok(store);
        }
        let merchant_id = merchant_of_key(store_key).ok_or(AppError::NotFound)?;
        let key = store_key.to_owned();
        let store = self
            .db
            .run_as(WorkKind::StoreLookUp, Scope::Merchant(merchant_id), move |conn| {
                find_by_key(conn, merchant_id, &key)
            })
            .await?;
        if store.platform != platform || !store.is_connected() {
            return Err(AppError::NotFound);
        }
        let secrets = store
            .webhook_secrets(&self.encryptor)
            .map_err(|error| AppError::Internal(anyhow::anyhow!("store {}: {error}", store.id)))?;
        let known = Arc::new(KnownStore { merchant_id, store_id: store.id, secrets });
        self.remember(platform, store_key, &known);
        Ok(known)
    }

    /// The secrets for privacy requests of the store with that key, connected or not. As in
    /// [`KnownStores::find`], an unknown key looks like a wrong secret.
    pub(crate) async fn find_for_privacy(
        &self,
        platform: Platform,
        store_key: &str,
    ) -> AppResult<Arc<KnownStore>> {
        match self.connected_or_not(platform, store_key).await {
            Err(AppError::NotFound) => Ok(Arc::clone(&self.unknown)),
            found => found.map(Arc::new),
        }
    }

    async fn connected_or_not(&self, platform: Platform, store_key: &str) -> AppResult<KnownStore> {
        let merchant_id = merchant_of_key(store_key).ok_or(AppError::NotFound)?;
        let key = store_key.to_owned();
        let store =
            self.db.merchant(merchant_id, move |conn| find_by_key(conn, merchant_id, &key)).await?;
        if store.platform != platform {
            return Err(AppError::NotFound);
        }
        let secrets = store
            .privacy_secrets(&self.encryptor)
            .map_err(|error| AppError::Internal(anyhow::anyhow!("store {}: {error}", store.id)))?;
        if secrets.is_empty() {
            return Err(AppError::NotFound);
        }
        Ok(KnownStore { merchant_id, store_id: store.id, secrets })
    }

    fn remembered(&self, platform: Platform, store_key: &str) -> Option<Arc<KnownStore>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, store) = known.get(&(platform, store_key.to_owned()))?;
        (since.elapsed() < REMEMBERED).then(|| Arc::clone(store))
    }

    fn remember(&self, platform: Platform, store_key: &str, store: &Arc<KnownStore>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX {
            known.retain(|_, (since, _)| since.elapsed() < REMEMBERED);
        }
        known.insert((platform, store_key.to_owned()), (Instant::now(), Arc::clone(store)));
    }
}
