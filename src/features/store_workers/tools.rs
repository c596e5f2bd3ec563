//! The resources for calls to stores.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use vouch_platforms::http;
use vouch_platforms::http::Http;
use vouch_platforms::{CallError, Client};

use crate::features::stores::{self, Store};
use crate::kit::clock;
use crate::kit::config::{Config, InstanceRetention};
use crate::kit::db::{Db, Scope};
use crate::kit::pseudonyms::Pseudonyms;
use crate::kit::secrets::Encryptor;

/// Opens the client of a store.
pub type Open = dyn Fn(&Store, DateTime<Utc>) -> Result<Box<dyn Client>, CallError> + Send + Sync;

/// The resources of the jobs of stores.
#[derive(Clone)]
pub struct Tools {
    pub db: Db,
    /// Encrypts the tokens that calls get.
    pub encryptor: Encryptor,
    pub http: Http,
    /// How long the instance stores data that belongs to no merchant.
    pub keep: InstanceRetention,
    /// The base URL for the stores' webhooks, without a trailing slash.
    pub public_url: Arc<str>,
    pub open: Arc<Open>,
}

impl Tools {
    pub(crate) fn new(config: &Config, db: Db) -> Self {
        let encryptor = Encryptor::new(&config.secret_key);
        let http = Http::new(config.local_stores);
        let (opens, calls) = (encryptor.clone(), http.clone());
        Self {
            db,
            encryptor,
            http,
            keep: config.keep,
            public_url: config.public_url.as_str().into(),
            open: Arc::new(move |store, now| stores::open_client(store, &opens, &calls, now)),
        }
    }
}

impl Tools {
    /// The pseudonyms of erased people.
    pub(crate) fn pseudonyms(&self) -> Pseudonyms {
        Pseudonyms::new(&self.encryptor)
    }

    /// The client of a store, for calls from `now` on. A token that it gets is stored for the next
    /// client. Fails with `CallError::Denied` if the store's credentials can't be used at all.
    pub fn client(&self, store: &Store, now: DateTime<Utc>) -> Result<Caller, CallError> {
        let client = (self.open)(store, now)?;
        // Drops the clock measurement of an earlier client on this thread.
        let _ = http::take_clock();
        let (db, encryptor) = (self.db.clone(), self.encryptor.clone());
        Ok(Caller { client, db, encryptor, store: store.clone() })
    }
}

/// A client. When it's dropped, it stores its new token for the next client, and the measured
/// difference of the store's clock.
pub struct Caller {
    client: Box<dyn Client>,
    db: Db,
    encryptor: Encryptor,
    store: Store,
}

impl Deref for Caller {
    type Target = dyn Client;
    fn deref(&self) -> &Self::Target {
        self.client.as_ref()
    }
}

impl DerefMut for Caller {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.client.as_mut()
    }
}

impl Caller {
    fn note_clock(&self, behind_seconds: i32) {
        let store = &self.store;
        let noted = self.db.run_blocking(Scope::Merchant(store.merchant_id), |conn| {
            stores::clock::note(conn, store, behind_seconds, clock::now())
        });
        if let Err(error) = noted {
            tracing::debug!(store_id = store.id, %error, "store_clock_not_saved");
        }
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        if let Some(behind) = http::take_clock() {
            self.note_clock(behind);
        }
        let Some(fresh) = self.client.fresh_token() else { return };
        let (encryptor, store) = (&self.encryptor, &self.store);
        let kept = self.db.run_blocking(Scope::Merchant(store.merchant_id), |conn| {
            let token = fresh.token.expose_secret().as_bytes();
            stores::keep_access_token(conn, encryptor, store, token, fresh.expires_at)
        });
        if let Err(error) = kept {
            tracing::warn!(store_id = store.id, %error, "access_token_not_saved");
        }
    }
}
