//! The database server: the one in the settings, or the embedded one.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use super::connect::bounded;
use super::embedded::{EmbeddedError, EmbeddedOptions, EmbeddedServer};
use super::migrate::Addresses;
use crate::kit::config::Config;
use crate::kit::os::{self, OsUser};

/// A database server that is available as long as this value exists. The two kinds only differ in
/// their lifetime.
pub(crate) struct Source {
    url: SecretString,
    owner_url: Option<SecretString>,
    embedded: Option<EmbeddedServer>,
}

impl Source {
    /// Uses the server in `DATABASE_URL`, else starts the embedded one.
    ///
    /// Fails if the embedded server can't be used. A server in the settings isn't contacted yet.
    pub(crate) fn open(config: &Config) -> Result<Self, EmbeddedError> {
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

    /// libpq's URL of the database, including the password.
    #[must_use]
    pub(crate) fn url(&self) -> &str {
        self.url.expose_secret()
    }

    /// The user that a process started as root can switch to. That's the user of the embedded
    /// server, else the owner of the data folder, else a user that owns nothing. `None` if only
    /// root can connect to the server.
    pub(crate) fn user(&self, data_dir: &Path) -> Option<OsUser> {
        if let Some(server) = &self.embedded {
            return server.user().cloned();
        }
        let owner = fs::metadata(data_dir).ok().map(|found| found.uid()).filter(|uid| *uid != 0);
        let others = || ["vouch", "nobody"].into_iter().find_map(os::user_by_name);
        owner.and_then(os::user_by_uid).or_else(others)
    }

    /// The URL for the schema's owner; the same as [`Source::url`] if no other is set.
    #[must_use]
    pub(crate) fn owner_url(&self) -> &str {
        self.owner_url.as_ref().unwrap_or(&self.url).expose_secret()
    }

    /// The URL of the embedded database for its superuser, who bypasses row-level security, for
    /// backups.
    pub(crate) fn superuser_url(&self) -> Option<String> {
        self.embedded.as_ref().map(|server| server.admin_url_of("vouch"))
    }

    /// Both URLs, for migrations.
    #[must_use]
    pub(crate) fn addresses(&self) -> Addresses<'_> {
        Addresses { owner: self.owner_url(), server: self.url() }
    }

    /// Whether Vouch runs the server itself.
    #[must_use]
    pub(crate) fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }
}

/// Adds timeouts to the URL.
///
/// libpq looks for a certificate in the home folder, and fails if it can't access it. That happens
/// when HOME is still root's and the process has switched to another user.
fn reachable(url: &SecretString) -> SecretString {
    let typed = url.expose_secret();
    if os::effective_uid() != 0 || typed.contains("sslcert=") {
        return bounded(typed).into();
    }
    let separator = if typed.contains('?') { '&' } else { '?' };
    bounded(&format!("{typed}{separator}sslcert=/nonexistent")).into()
}
