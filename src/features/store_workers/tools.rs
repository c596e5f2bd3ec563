//! What calls to stores need.

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

/// How a store's client is made.
pub type Open = dyn Fn(&Store, DateTime<Utc>) -> Result<Box<dyn Client>, CallError> + Send + Sync;

/// What the work for stores needs.
#[derive(Clone)]
pub struct Tools {
    /// The door to the database.
    pub db: Db,
    /// Seals the tokens that calls get.
    pub encryptor: Encryptor,
    /// The door to the stores.
    pub http: Http,
    /// How long the instance keeps what belongs to no merchant.
    pub keep: InstanceRetention,
    /// Where stores reach Vouch, without a slash at the end.
    pub public_url: Arc<str>,
    /// Makes the client of a store.
    pub open: Arc<Open>,
}

impl Tools {
    /// Those of an installation.
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
    /// Pseudonyms of people who were erased.
    pub(crate) fn pseudonyms(&self) -> Pseudonyms {
        Pseudonyms::new(&self.encryptor)
    }

    /// The client of a store, for calls from `now` on. What token it gets is kept for the next.
    ///
    /// # Errors
    /// `CallError::Denied` when its credentials cannot be used at all.
    pub fn client(&self, store: &Store, now: DateTime<Utc>) -> Result<Caller, CallError> {
        let client = (self.open)(store, now)?;
        // What was called before on this thread is another's.
        let _ = http::take_clock();
        let (db, encryptor) = (self.db.clone(), self.encryptor.clone());
        Ok(Caller { client, db, encryptor, store: store.clone() })
    }
}

/// A client that, when it goes, leaves the token it got to the next one, and what it saw of the store's
/// clock.
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
            tracing::debug!(store_id = store.id, %error, "store_clock_not_noted");
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
            tracing::warn!(store_id = store.id, %error, "a token is not kept, and asked for again");
        }
    }
}
