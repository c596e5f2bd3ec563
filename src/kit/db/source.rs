//! Where the database is: the server that the settings name, or one of our own.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use super::connect::bounded;
use super::embedded::{EmbeddedError, EmbeddedOptions, EmbeddedServer};
use super::migrate::Addresses;
use crate::kit::config::Config;
use crate::kit::os::{self, OsUser};

/// A database server that is there for as long as this value is. Nothing but its life differs
/// between the two kinds.
pub struct Source {
    url: SecretString,
    owner_url: Option<SecretString>,
    embedded: Option<EmbeddedServer>,
}

impl Source {
    /// Takes the server in `DATABASE_URL`, else starts the embedded one.
    ///
    /// # Errors
    /// Why the embedded server cannot be used. A named server is not asked yet.
    pub fn open(config: &Config) -> Result<Self, EmbeddedError> {
        if let Some(url) = &config.database_url {
            let owner_url = config.owner_database_url.as_ref().map(reachable);
            return Ok(Self { url: reachable(url), owner_url, embedded: None });
        }
        let server = EmbeddedServer::start(&EmbeddedOptions {
            data_dir: config.data_dir.clone(),
            pg_bin: config.pg_bin.clone(),
            extra_settings: Vec::new(),
        })?;
        Ok(Self {
            url: bounded(&server.app_url()).into(),
            owner_url: Some(bounded(&server.owner_url()).into()),
            embedded: Some(server),
        })
    }

    /// The address of the database for libpq, password included.
    #[must_use]
    pub fn url(&self) -> &str {
        self.url.expose_secret()
    }

    /// As whom a process that was started as root can go on: the user of its own server, else the
    /// owner of the data folder, else one that owns nothing. `None` where only root reaches the
    /// server.
    pub(crate) fn user(&self, data_dir: &Path) -> Option<OsUser> {
        if let Some(server) = &self.embedded {
            return server.user().cloned();
        }
        let owner = fs::metadata(data_dir).ok().map(|found| found.uid()).filter(|uid| *uid != 0);
        let others = || ["vouch", "nobody"].into_iter().find_map(os::user_by_name);
        owner.and_then(os::user_by_uid).or_else(others)
    }

    /// The same as the owner of the schema; the server's own where no other is given.
    #[must_use]
    pub fn owner_url(&self) -> &str {
        self.owner_url.as_ref().unwrap_or(&self.url).expose_secret()
    }

    /// The database of Vouch's own server as its superuser, whom row security doesn't bind: for backups.
    pub(crate) fn superuser_url(&self) -> Option<String> {
        self.embedded.as_ref().map(|server| server.admin_url_of("vouch"))
    }

    /// Both, for what brings the schema up to date.
    #[must_use]
    pub fn addresses(&self) -> Addresses<'_> {
        Addresses { owner: self.owner_url(), server: self.url() }
    }

    /// Whether Vouch runs the server itself.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }
}

/// The address as the process uses it: with limits for every wait.
///
/// libpq looks for a certificate in the home folder, and gives up where it may not look: as where
/// root's is still named, and root is not who asks any more.
fn reachable(url: &SecretString) -> SecretString {
    let typed = url.expose_secret();
    if os::effective_uid() != 0 || typed.contains("sslcert=") {
        return bounded(typed).into();
    }
    let separator = if typed.contains('?') { '&' } else { '?' };
    bounded(&format!("{typed}{separator}sslcert=/nonexistent")).into()
}
